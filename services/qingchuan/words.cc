#include "qingchuan/words.h"

#include <array>

namespace qc::commands {
namespace {

struct Word {
  std::string_view zh;
  std::string_view en;
  std::string_view in(Language l) const { return l == Language::Chinese ? zh : en; }
};

constexpr std::array<Word, 6> kClasses = {{{"优", "excellent"},
                                           {"良", "good"},
                                           {"轻度污染", "lightly polluted"},
                                           {"中度污染", "moderately polluted"},
                                           {"重度污染", "heavily polluted"},
                                           {"严重污染", "severely polluted"}}};
// Nearest of the 256 colours to HJ 633's green, yellow, orange, red, purple, maroon.
constexpr std::array<int, 6> kColours = {40, 226, 208, 196, 126, 88};

constexpr std::array<Word, 6> kStates = {{{"", ""},
                                          {"发生", "active"},
                                          {"数据中断", "stale"},
                                          {"解除", "cleared"},
                                          {"因无数据结束", "ended, no data"},
                                          {"撤销", "withdrawn"}}};
constexpr std::array<Word, 4> kStatuses = {{{"", ""}, {"进行中", "running"}, {"整点", "closed"}, {"修订", "amended"}}};

}  // namespace

int aqi_class(int aqi) {
  constexpr std::array<int, 5> last = {50, 100, 150, 200, 300};
  int cls = 0;
  for (const int l : last) cls += aqi > l ? 1 : 0;
  return cls;
}

std::string_view aqi_class_name(int cls, Language language) {
  return kClasses.at(static_cast<std::size_t>(cls)).in(language);
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
  if (rule == "hour_limit") return Word{"小时均值超标", "hour limit"}.in(language);
  if (rule == "reading_over_limit") return Word{"读数超限", "reading over limit"}.in(language);
  if (rule == "aqi_level") return Word{"级别超限", "level exceeded"}.in(language);
  return rule;
}

std::string_view status_word(int status, Language language) {
  return status < 0 || status >= static_cast<int>(kStatuses.size())
             ? std::string_view("?")
             : kStatuses[static_cast<std::size_t>(status)].in(language);
}

}  // namespace qc::commands
