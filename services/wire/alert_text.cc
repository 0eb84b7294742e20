#include "wire/alert_text.h"

#include <algorithm>
#include <array>

#include "core/concentration.h"

namespace qc::wire {
namespace {

core::Unit unit_of(const core::Signal& s) {
  return s.unit == core::Unit::None ? core::publishing_unit(s.factor) : s.unit;
}

// As many digits as a person reads, all of them where fewer would put the value on the other side of the limit.
std::string number_text(core::Concentration value, const core::Signal& s) {
  const core::Unit unit = unit_of(s);
  const core::Concentration fewer = core::rounded(value, unit, unit == core::Unit::MgM3 ? 2 : 1);
  std::string text = core::format((fewer <=> s.limit) == (value <=> s.limit) ? fewer : value, unit);
  if (unit != core::Unit::Point && unit != core::Unit::Count) text += " " + std::string(core::name(unit));
  return text;
}

std::string minute_text(core::EventTime t) {
  return core::to_iso(t).substr(0, 16).replace(10, 1, " ");
}

// What comes from outside stays within its line, and is no mark-up of the robots'.
std::string in_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '<'; }, ' ');
  return text;
}

}  // namespace

std::string value_text(const core::Signal& condition) {
  return number_text(condition.value, condition);
}

std::string limit_text(const core::Signal& condition) {
  return number_text(condition.limit, condition);
}

std::string level_text(const core::Signal& condition) {
  constexpr std::array<const char*, 3> kColours = {"yellow", "orange", "red"};
  const bool is_warning = condition.rule == core::kWarningRule || condition.rule == core::kJointWarningRule;
  if (is_warning && condition.level >= 1 && condition.level <= 3) {
    return kColours.at(static_cast<std::size_t>(condition.level) - 1);
  }
  return std::to_string(condition.level);
}

std::string suppression_text(const core::Alert& alert) {
  std::string text;
  const auto add = [&](bool on, std::string_view what) {
    if (on) text += (text.empty() ? "" : " ") + std::string(what);
  };
  add(alert.shelf.on, "shelved");
  add(alert.out_of_service.on, "out_of_service");
  add(!alert.inhibited_by.empty(), "inhibited");
  add(!alert.fold.empty(), "folded");
  add(alert.flapping, "flapping");
  return text;
}

std::string alert_line(const core::Alert& alert, const AlertWords& words, bool chinese) {
  const core::Signal& s = alert.condition;
  std::string line = alert.open() ? "▲ " : "▽ ";
  line += words.place_of(s.subject) + " ";
  if (s.factor != core::Factor::None) line += std::string(core::name(s.factor)) + " ";
  line += words.rule ? words.rule(s.rule, chinese) : s.rule;
  line += " " + (words.state ? words.state(s.state, chinese) : std::string(core::name(s.state)));
  line += chinese ? " " + std::to_string(s.level) + "级" : " level " + std::to_string(s.level);
  line += ": " + value_text(s) + (s.value > s.limit ? " > " : " ≤ ") + limit_text(s);
  if (!s.clause.empty()) line += " (" + s.clause + ")";
  line += " " + minute_text(s.at);
  if (alert.escalated) line += chinese ? "，无人查看" : ", seen by nobody";
  if (alert.flapping) line += chinese ? "，反复出现" : ", comes and goes";
  return in_line(std::move(line));
}

std::string row_line(const core::FoldRow& row, const AlertWords& words, bool chinese) {
  std::string line = row.open ? "≡ " : "▽ ";
  line += words.place_of(row.region) + " ";
  if (row.factor != core::Factor::None) line += std::string(core::name(row.factor)) + " ";
  const std::string count = std::to_string(row.alerts);
  if (chinese) {
    line += row.open ? "告警集中，" + count + " 条 1 级告警合并显示" : "告警集中结束，共合并 " + count + " 条";
    line += "，自 " + minute_text(row.began) + " 起";
  } else {
    line += row.open ? "flood: " + count + " alerts of level 1 folded" : "the flood is over: " + count + " were folded";
    line += ", since " + minute_text(row.began);
  }
  return in_line(std::move(line));
}

}  // namespace qc::wire
