#include "wire/amend_lines.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "wire/codec.h"
#include "wire/csv_rows.h"
#include "wire/limits.h"
#include "wire/rules.h"

namespace qc::wire {
namespace {

using Action = core::Amend::Action;
constexpr std::array<std::pair<std::string_view, Action>, 3> kActions = {
    {{"invalidate", Action::Invalidate}, {"replace", Action::Replace}, {"restore", Action::Restore}}};

enum Key : std::size_t { Time, Site, FactorName, ActionName, Value, UnitName, Reason };
constexpr std::array<std::string_view, 7> kColumns = {"time", "site", "factor", "action", "value", "unit", "reason"};
constexpr const char* kHeader = "time,site,factor,action,value,unit,reason expected";

tl::expected<core::Concentration, std::string> value_of(std::string_view value, std::string_view unit_text) {
  using Wrong = tl::unexpected<std::string>;
  const auto unit = core::parse_unit(unit_text);
  if (!unit || *unit == core::Unit::None || *unit > core::Unit::NgM3)
    return Wrong("unit " + quoted(unit_text) + ": ug/m3, mg/m3 or ng/m3 expected");
  const auto number = core::parse_decimal(value);
  if (!number) return Wrong("value " + quoted(value) + " is not a number");
  if (number->mantissa < 0) return Wrong("value " + quoted(value) + " is negative");
  const auto concentration = core::scaled(number->mantissa, number->decimals, *unit);
  if (!concentration || concentration->pg > core::kConcentrationMax)
    return Wrong("value " + quoted(value) + " is above what air can hold");
  return *concentration;
}

tl::expected<core::Amend, std::string> amend_of(const CsvRows& rows, const AmendBy& by) {
  const auto field = [&rows](Key k) { return rows.field(k); };
  const auto time = core::parse_iso(field(Time));
  if (!time || !sane_time(core::ms(*time)))
    return tl::unexpected<std::string>("time " + quoted(field(Time)) + " is not ISO 8601");
  return make_amend({field(Site), field(FactorName), field(ActionName), field(Value), field(UnitName), field(Reason)},
                    {*time, *time + core::kHour}, by);
}

}  // namespace

tl::expected<core::Amend, std::string> make_amend(const AmendWords& words, core::Interval hours, const AmendBy& by) {
  using Wrong = tl::unexpected<std::string>;
  core::Amend amend;
  if (!printable(words.site, kNameBytesMax)) return Wrong("site: 1 to 64 bytes of printable text expected");
  amend.site = words.site;
  const auto factor = core::parse_factor(words.factor);
  if (!factor || *factor == core::Factor::None) return Wrong("factor " + quoted(words.factor) + " is not known");
  if (core::is_index(*factor)) return Wrong("an index follows from concentrations; amend those");
  amend.factor = *factor;
  if (core::hour_of(hours.start) != hours.start || core::hour_of(hours.end) != hours.end || hours.start >= hours.end)
    return Wrong("whole hours expected, not " + core::to_iso(hours.start) + " to " + core::to_iso(hours.end));
  amend.interval = hours;
  const auto action = std::find_if(kActions.begin(), kActions.end(), [&](auto& a) { return a.first == words.action; });
  if (action == kActions.end())
    return Wrong("action " + quoted(words.action) + ": invalidate, replace or restore expected");
  amend.action = action->second;
  if (amend.action == Action::Replace) {
    const auto value = value_of(words.value, words.unit);
    if (!value) return tl::make_unexpected(value.error());
    amend.value = *value;
  } else if (!words.value.empty() || !words.unit.empty()) {
    return Wrong("a value and a unit belong to replace, not to " + std::string(words.action));
  }
  if (!printable(words.reason, kTextBytesMax)) return Wrong("reason: 1 to 1024 bytes of printable text expected");
  if (!printable(by.who, kTextBytesMax)) return Wrong("who: 1 to 1024 bytes of printable text expected");
  amend.reason = words.reason;
  amend.who = by.who;
  amend.audited = by.audited;
  amend.id = "amend-" + rules_hash(encode_amend(amend));
  return amend;
}

Result<AmendFile> read_amends(const std::string& name, std::unique_ptr<ByteSource> source, const AmendBy& by,
                              const AmendFileLimits& limits) {
  AmendFile file;
  CsvRows rows(name, std::move(source), {kColumns, kColumns.size(), kHeader}, limits.line_bytes_max,
               limits.problems_max);
  std::map<std::tuple<std::string, core::Factor, core::EventTime>, std::int64_t> first;  // its line
  while (true) {
    const auto more = rows.next();
    if (!more) return tl::make_unexpected(more.error());
    if (!*more) break;
    if (file.lines.size() >= limits.lines_max) {
      rows.problem("more than " + std::to_string(limits.lines_max) + " corrections");
      break;
    }
    auto amend = amend_of(rows, by);
    if (!amend) {
      rows.problem(amend.error());
      continue;
    }
    // Two lines on one hour contradict one another: which one was meant?
    const auto [at, is_new] = first.emplace(std::tuple(amend->site, amend->factor, amend->interval.start), rows.line());
    if (!is_new) {
      rows.problem("this hour of " + amend->site + " " + std::string(core::name(amend->factor)) + " stands in line " +
                   std::to_string(at->second) + " already");
      continue;
    }
    file.lines.push_back({std::move(*amend), rows.place()});
  }
  file.problems = rows.take_problems();
  return file;
}

}  // namespace qc::wire
