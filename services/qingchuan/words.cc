#include "qingchuan/words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/aqi.h"

namespace qc::commands {
namespace {

struct Word {
  std::string_view zh;
  std::string_view en;
  std::string_view in(Language l) const { return l == Language::Chinese ? zh : en; }
};

// Nearest of the 256 colours to HJ 633's green, yellow, orange, red, purple, maroon.
constexpr std::array<int, 6> kColours = {40, 226, 208, 196, 126, 88};

constexpr std::array<Word, 6> kStates = {{{"", ""},
                                          {"发生", "active"},
                                          {"数据中断", "stale"},
                                          {"解除", "cleared"},
                                          {"因无数据结束", "ended, no data"},
                                          {"撤销", "withdrawn"}}};
constexpr std::array<Word, 6> kMarks = {{{"", ""},
                                         {"疑似超范围", "suspect: range"},
                                         {"疑似量程削顶", "suspect: clipped"},
                                         {"疑似恒值", "suspect: stuck"},
                                         {"疑似倒挂", "suspect: inverted"},
                                         {"疑似突跳", "suspect: spike"}}};
constexpr std::array<std::pair<std::string_view, Word>, 14> kRules = {{
    {"hour_limit", {"小时均值超标", "hour limit"}},
    {"reading_over_limit", {"读数超限", "reading over limit"}},
    {"aqi_level", {"级别超限", "level exceeded"}},
    {"day_limit", {"日均值超标", "day limit"}},
    {"rolling_24h_over_limit", {"滑动均值超限", "trailing mean over limit"}},
    {"no_data", {"无数据", "no data"}},
    {"suspect_range", {"数据超合理范围", "implausible value"}},
    {"suspect_clipped", {"数据达量程上限", "clipped value"}},
    {"suspect_stuck", {"数据不变", "stuck value"}},
    {"suspect_inverted", {"颗粒物倒挂", "PM2.5 above PM10"}},
    {"hour_high", {"小时高值", "high against neighbours"}},
    {"joint_warning", {"联合预警", "joint warning"}},
    {"warning", {"重污染预警", "heavy-pollution warning"}},
    {"spike", {"数据突变", "spike against neighbours"}},
}};
constexpr std::array<Word, 4> kStatuses = {{{"", ""}, {"进行中", "running"}, {"整点", "closed"}, {"修订", "amended"}}};
constexpr std::array<Word, 4> kLevels = {
    {{"", ""}, {"黄色（Ⅲ级）", "yellow (III)"}, {"橙色（Ⅱ级）", "orange (II)"}, {"红色（Ⅰ级）", "red (I)"}}};
constexpr std::array<Word, 7> kRatings = {{{"", ""},
                                           {"A级", "A"},
                                           {"B级", "B"},
                                           {"C级", "C"},
                                           {"D级", "D"},
                                           {"引领性", "leading"},
                                           {"非引领性", "not leading"}}};
constexpr std::array<Word, 6> kConfidences = {{{"", ""},
                                               {"原文", "read in the standard itself"},
                                               {"两个以上独立来源", "two or more texts agree"},
                                               {"单一来源", "from one text"},
                                               {"未经证实", "unconfirmed"},
                                               {"推算", "derived"}}};

template <std::size_t N>
std::string_view word_of(const std::array<Word, N>& words, std::size_t number, Language language) {
  return number < N ? words[number].in(language) : std::string_view("?");
}

constexpr std::array<Word, 4> kWarningLevels = {
    {{"无", "none"}, {"黄色", "yellow"}, {"橙色", "orange"}, {"红色", "red"}}};
constexpr std::array<Word, 4> kBases = {{{"", ""}, {"实况", "observed"}, {"预报", "forecast"}, {"实况与预报", "both"}}};

}  // namespace

int aqi_class(int aqi) {
  return core::aqi_level(std::clamp(aqi, 0, core::kAqiLevels.back().last)).number - 1;
}

std::string_view aqi_class_name(int cls, Language language) {
  const core::AqiLevel& level = core::kAqiLevels.at(static_cast<std::size_t>(cls));
  return language == Language::Chinese ? level.category_zh : level.category_en;
}

std::string coloured(std::string_view text, int cls, bool colour) {
  if (!colour) return std::string(text);
  return "\033[38;5;" + std::to_string(kColours.at(static_cast<std::size_t>(cls))) + "m" + std::string(text) +
         "\033[0m";
}

std::string_view state_word(int state, Language language) {
  return state < 0 || state >= static_cast<int>(kStates.size()) ? std::string_view("?")
                                                                : kStates[static_cast<std::size_t>(state)].in(language);
}

std::string_view rule_word(std::string_view rule, Language language) {
  for (const auto& [id, word] : kRules) {
    if (id == rule) return word.in(language);
  }
  return rule;
}

std::string_view mark_word(int mark, Language language) {
  return mark < 0 || mark >= static_cast<int>(kMarks.size()) ? std::string_view("?")
                                                             : kMarks[static_cast<std::size_t>(mark)].in(language);
}

std::string_view status_word(int status, Language language) {
  return status < 0 || status >= static_cast<int>(kStatuses.size())
             ? std::string_view("?")
             : kStatuses[static_cast<std::size_t>(status)].in(language);
}

std::string_view level_word(core::EmergencyLevel level, Language language) {
  return word_of(kLevels, static_cast<std::size_t>(level), language);
}

std::string_view rating_word(core::Rating rating, Language language) {
  return word_of(kRatings, static_cast<std::size_t>(rating), language);
}

std::string_view confidence_word(core::Confidence confidence, Language language) {
  return word_of(kConfidences, static_cast<std::size_t>(confidence), language);
}

std::string_view warning_level_word(int level, Language language) {
  return level < 0 ? std::string_view("?") : word_of(kWarningLevels, static_cast<std::size_t>(level), language);
}

std::string_view basis_word(int basis, Language language) {
  return basis < 0 ? std::string_view("?") : word_of(kBases, static_cast<std::size_t>(basis), language);
}

}  // namespace qc::commands
