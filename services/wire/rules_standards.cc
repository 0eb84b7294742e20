// Regulations: limits, how much data a window must hold, percentiles, the composite index.
#include "core/concentration.h"
#include "wire/labels.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

constexpr int kMillionthDecimals = 6;  // Format DECIMAL of schema.proto
constexpr int kMonthDays = 31;
constexpr int kFebruaryDays = 29;

std::string named(const char* part, int factor, v1::Window window) {
  return std::string(part) + ' ' + std::string(label(*v1::Factor_descriptor(), factor)) + ' ' +
         std::string(label(window));
}

// The most a window can hold: hours, 8 h means or days. 0: validity of that window is not a rule of this kind.
int full(core::Window window) {
  switch (window) {
    case core::Window::H8:
      return 8;
    case core::Window::H24:
    case core::Window::Day:
      return 24;
    case core::Window::Mda8:
      return 17;
    case core::Window::Month:
      return kMonthDays;
    case core::Window::Quarter:
      return 92;
    case core::Window::Year:
      return 366;
    default:
      return 0;
  }
}

}  // namespace

Result<core::Dated> RulesBuilder::dated(std::int64_t from, std::int64_t until, const std::string& what) {
  core::Dated d;
  if (from != 0) d.from = core::event_time(from);
  if (until != 0) d.until = core::event_time(until);
  if (d.from >= d.until) return invalid(what + ": `from` must lie before `until`");
  return d;
}

Result<std::string> RulesBuilder::clause(const std::string& standard, const std::string& text) const {
  if (!standards_.contains(standard)) return invalid("standard \"" + standard + "\" is not defined");
  return standard + ' ' + text;
}

Result<core::Factor> RulesBuilder::pollutant(int factor, const std::string& what) {
  if (factor <= 0 || factor > v1::AQI_PM24) return invalid(what + ": factor expected");
  const auto f = static_cast<core::Factor>(factor);
  if (core::is_index(f)) return invalid(what + ": a pollutant expected; an index is computed, not measured or limited");
  return f;
}

Result<core::Window> RulesBuilder::window(v1::Window w, const std::string& what) {
  if (w <= v1::READING || w > v1::YEAR) return invalid(what + ": window expected");
  return static_cast<core::Window>(w);
}

Result<core::Concentration> RulesBuilder::concentration(std::int64_t millionths, v1::Unit unit,
                                                        const std::string& what) {
  if (unit < v1::UG_M3 || unit > v1::NG_M3) return invalid(what + ": unit of a concentration expected");
  const auto c = core::scaled(millionths, kMillionthDecimals, static_cast<core::Unit>(unit));
  if (!c || c->pg < 0 || c->pg > core::kConcentrationMax) return invalid(what + ": out of range");
  return *c;
}

Result<void> RulesBuilder::standards() {
  return each("standards", in_.standards(), [&](const v1::Standard& s) -> Result<void> {
    if (!standards_.insert(s.id()).second) return invalid("standard \"" + s.id() + "\" stands twice");
    return {};
  });
}

Result<void> RulesBuilder::limits() {
  return each("limits", in_.limits(), [&](const v1::Limit& l) -> Result<void> {
    const std::string what = named("limit", l.factor(), l.window());
    const auto text = clause(l.standard(), l.clause());
    const auto d = dated(l.from(), l.until(), what);
    const auto f = pollutant(l.factor(), what);
    const auto w = window(l.window(), what);
    const auto class_1 = concentration(l.class_1(), l.unit(), what);
    const auto class_2 = concentration(l.class_2(), l.unit(), what);
    if (const Error* e = first_error(text, d, f, w, class_1, class_2)) return tl::make_unexpected(*e);
    for (const auto& other : out_.limits) {
      if (other.factor == *f && other.window == *w && overlap(other.dated, *d)) {
        return invalid(what + ": two limits hold at the same time (" + other.clause + ", " + *text + ")");
      }
    }
    out_.limits.push_back({*d, *f, *w, *class_1, *class_2, *text});
    return {};
  });
}

Result<core::Validity> RulesBuilder::validity(const v1::Validity& v, const std::string& what) const {
  const auto text = clause(v.standard(), v.clause());
  const auto d = dated(v.from(), v.until(), what);
  const auto w = window(v.window(), what);
  if (const Error* e = first_error(text, d, w)) return tl::make_unexpected(*e);
  const int most = full(*w);
  if (most == 0)
    return invalid(what +
                   ": 8h, 24h, day, mda8, month, quarter or year expected; an hour's is `horizons.valid_minutes`");

  const bool has_months = *w == core::Window::Quarter || *w == core::Window::Year;
  const bool has_february = has_months || *w == core::Window::Month;
  if (v.at_least() < 0 || v.at_least() > most) {
    return invalid(what + ": `at_least` is " + std::to_string(v.at_least()) + "; the window has " +
                   std::to_string(most) + " at most");
  }
  if (v.month_at_least() < 0 || v.month_at_least() > kMonthDays) {
    return invalid(what + ": `month_at_least`: 0 to 31 expected");
  }
  if (v.month_at_least() != 0 && !has_months) return invalid(what + ": `month_at_least` belongs to quarter and year");
  // Without any minimum a window of a single value would be valid: that is said with 1, not by silence.
  if (v.at_least() == 0 && v.month_at_least() == 0) return invalid(what + ": `at_least` expected");
  if (v.february_at_least() != 0 && !has_february) {
    return invalid(what + ": `february_at_least` belongs to month, quarter and year");
  }
  const int monthly = has_months ? v.month_at_least() : v.at_least();
  if (v.february_at_least() < 0 || v.february_at_least() > std::min(monthly, kFebruaryDays)) {
    return invalid(what + ": `february_at_least` is more than a month needs, or than a February has");
  }
  if (v.or_over_limit() && *w != core::Window::Mda8) return invalid(what + ": `or_over_limit` belongs to mda8");

  core::Validity made;
  made.dated = *d;
  made.window = *w;
  made.at_least = v.at_least();
  made.month_at_least = v.month_at_least();
  if (has_february) made.february_at_least = v.february_at_least() != 0 ? v.february_at_least() : monthly;
  made.or_over_limit = v.or_over_limit();
  made.clause = *text;
  for (const int n : v.factors()) {
    const auto f = pollutant(n, what);
    if (!f) return tl::make_unexpected(f.error());
    if (*w == core::Window::Mda8 && *f != core::Factor::O3) return invalid(what + ": mda8 is a window of O3 alone");
    made.factors.push_back(*f);
  }
  if (made.factors.empty()) return invalid(what + ": `factors` expected");
  return made;
}

Result<void> RulesBuilder::validities() {
  return each("validities", in_.validities(), [&](const v1::Validity& v) -> Result<void> {
    auto made = validity(v, "validity " + std::string(label(v.window())));
    if (!made) return tl::make_unexpected(made.error());
    std::set<core::Factor> seen;
    for (const core::Factor f : made->factors) {
      const std::string what = named("validity", static_cast<int>(f), v.window());
      if (!seen.insert(f).second) return invalid(what + ": the factor stands twice");
      for (const auto& other : out_.validities) {
        if (other.window == made->window && overlap(other.dated, made->dated) &&
            std::find(other.factors.begin(), other.factors.end(), f) != other.factors.end()) {
          return invalid(what + ": two rules hold at the same time (" + other.clause + ", " + made->clause + ")");
        }
      }
    }
    out_.validities.push_back(std::move(*made));
    return {};
  });
}

Result<void> RulesBuilder::percentiles() {
  return each("percentiles", in_.percentiles(), [&](const v1::Percentile& p) -> Result<void> {
    const std::string what = "percentile " + std::string(label(p.factor()));
    const auto text = clause(p.standard(), p.clause());
    const auto d = dated(p.from(), p.until(), what);
    const auto f = pollutant(p.factor(), what);
    if (const Error* e = first_error(text, d, f)) return tl::make_unexpected(*e);
    if (p.percent() < 1 || p.percent() > 99) return invalid(what + ": `percent`: 1 to 99 expected");
    for (const auto& other : out_.percentiles) {
      if (other.factor == *f && overlap(other.dated, *d)) {
        return invalid(what + ": two percentiles hold at the same time");
      }
    }
    out_.percentiles.push_back({*d, *f, p.percent()});
    return {};
  });
}

Result<core::CompositeItem> RulesBuilder::composite_item(const v1::CompositeItem& i, const core::Composite& composite,
                                                         const std::string& what) const {
  const auto f = pollutant(i.factor(), what);
  const auto limit = concentration(i.limit(), i.unit(), what);
  if (const Error* e = first_error(f, limit)) return tl::make_unexpected(*e);
  if (limit->pg == 0) return invalid(what + ": `limit` must be above 0: the concentration is divided by it");
  if (i.weight() < 0) return invalid(what + ": a negative `weight`");
  const bool has_percentile =
      std::any_of(out_.percentiles.begin(), out_.percentiles.end(),
                  [&](const core::Percentile& p) { return p.factor == *f && overlap(p.dated, composite.dated); });
  if (i.percentile() && !has_percentile) return invalid(what + ": no percentile of this factor is evaluated then");
  return core::CompositeItem{*f, i.percentile(), *limit, i.weight() == 0 ? 1 : i.weight()};
}

Result<void> RulesBuilder::composites() {
  return each("composites", in_.composites(), [&](const v1::Composite& c) -> Result<void> {
    const std::string what = "composite " + c.standard();
    const auto text = clause(c.standard(), c.clause());
    const auto d = dated(c.from(), c.until(), what);
    if (const Error* e = first_error(text, d)) return tl::make_unexpected(*e);
    if (c.divisor() < 0) return invalid(what + ": a negative `divisor`");
    core::Composite made{*d, *text, {}, c.divisor() == 0 ? 1 : c.divisor()};
    for (const auto& i : c.items()) {
      const std::string which = what + ", " + std::string(label(i.factor()));
      const auto item = composite_item(i, made, which);
      if (!item) return tl::make_unexpected(item.error());
      for (const auto& other : made.items) {
        if (other.factor == item->factor) return invalid(which + ": the factor stands twice");
      }
      made.items.push_back(*item);
    }
    if (made.items.empty()) return invalid(what + ": `items` expected");
    for (const auto& other : out_.composites) {
      if (overlap(other.dated, made.dated))
        return invalid(what + ": two composite indices are in force at the same time");
    }
    out_.composites.push_back(std::move(made));
    return {};
  });
}

}  // namespace qc::wire
