// Criteria of heavy-pollution warnings.
#include <algorithm>
#include <array>

#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

constexpr std::int64_t kDayMs = 24 * core::kHour.count();
constexpr int kIndexMax = 500;
constexpr std::array<const char*, core::kWarningLevels> kNames = {"yellow", "orange", "red"};

bool in_hours(int hours) {
  return 1 <= hours && hours <= core::kWarningHoursMax;
}

}  // namespace

Result<core::WarningAlternative> RulesBuilder::alternative(const v1::WarningAlternative& a, const std::string& what) {
  core::WarningAlternative made;
  for (const v1::WarningCondition& c : a.all()) {
    if ((c.over() != 0) == (c.reaches() != 0)) return invalid(what + ": `over` or `reaches` expected, and not both");
    core::WarningCondition one;
    one.reaches = c.reaches() != 0;
    one.index = one.reaches ? c.reaches() : c.over();
    if (one.index < 0 || one.least() > kIndexMax) return invalid(what + ": an index of 500 at most expected");
    const std::int64_t most = core::kWarningHoursMax * core::kHour.count();
    if (c.lasting() < kDayMs || c.lasting() > most || c.lasting() % kDayMs != 0) {
      return invalid(what + ": `lasting`: whole days expected, such as 24h or 48h; the index is one of 24 h");
    }
    one.hours = static_cast<int>(c.lasting() / core::kHour.count());
    made.push_back(one);
  }
  if (made.empty() || made.size() > core::kWarningAnyMax) return invalid(what + ": `all`: 1 to 4 conditions expected");
  return made;
}

Result<core::WarningCriteria> RulesBuilder::criteria(const v1::WarningCriteria& w, const std::string& what) const {
  const auto text = clause(w.standard(), w.clause());
  const auto d = dated(w.from(), w.until(), what);
  if (const Error* e = first_error(text, d)) return tl::make_unexpected(*e);
  core::WarningCriteria made;
  made.id = w.id();
  made.dated = *d;
  made.clause = *text;
  if (w.lasting() != v1::BLOCKS && w.lasting() != v1::EVERY_HOUR) return invalid(what + ": `lasting` expected");
  if (w.downgrade() != v1::OWN_LEVEL && w.downgrade() != v1::BELOW_YELLOW)
    return invalid(what + ": `downgrade` expected");
  made.lasting = static_cast<core::Lasting>(w.lasting());
  made.downgrade = static_cast<core::Downgrade>(w.downgrade());
  if (!in_hours(w.lift_hours()) || !in_hours(w.stale_hours()))
    return invalid(what + ": `lift_hours`, `stale_hours`: 1 to 240 expected");
  made.lift_hours = w.lift_hours();
  made.stale_hours = w.stale_hours();
  for (const int e : w.excluded()) {
    if (e == v1::OZONE_DOMINATED) made.without_ozone = true;
    if (e == v1::SAND_DUST) made.without_dust = true;
  }
  const std::array levels = {&w.yellow(), &w.orange(), &w.red()};
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const std::string level = what + ", `" + kNames[l] + '`';
    for (const v1::WarningAlternative& a : *levels[l]) {
      auto one = alternative(a, level);
      if (!one) return tl::make_unexpected(one.error());
      made.levels[l].push_back(std::move(*one));
    }
    if (made.levels[l].empty() || made.levels[l].size() > core::kWarningAnyMax)
      return invalid(level + ": 1 to 4 alternatives expected");
    // What is below a level must be below the higher ones: a warning comes down step by step.
    const int number = static_cast<int>(l) + 1;
    if (number > 1 && made.bar(number) < made.bar(number - 1)) {
      return invalid(level + ": it asks for a lower index than `" + kNames[l - 1] + "`; expected one not below it");
    }
  }
  return made;
}

Result<void> RulesBuilder::warnings() {
  return each("warnings", in_.warnings(), [&](const v1::WarningCriteria& w) -> Result<void> {
    const std::string what = "warning criteria \"" + w.id() + '"';
    auto made = criteria(w, what);
    if (!made) return tl::make_unexpected(made.error());
    for (const auto& other : out_.warnings) {
      if (w.id().empty() || other.id == made->id) return invalid(what + ": an id of its own expected");
      if (overlap(other.dated, made->dated)) return invalid(what + ": two criteria hold at the same time");
    }
    out_.warnings.push_back(std::move(*made));
    return {};
  });
}

}  // namespace qc::wire
