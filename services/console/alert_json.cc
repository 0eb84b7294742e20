#include "console/alert_json.h"

#include <boost/json.hpp>

#include "core/concentration.h"
#include "qingchuan/v1/alert.pb.h"
#include "wire/webhook_json.h"

namespace qc::console {

namespace json = boost::json;

namespace {

json::string json_time(core::EventTime t) {
  return json::string(core::to_iso(t));
}
json::value json_time_or_null(core::EventTime t) {
  return t == core::EventTime{} ? json::value(nullptr) : json::value(json_time(t));
}
json::string json_text(std::string_view text) {
  return json::string(text);
}

json::array json_factors(const std::vector<core::Factor>& factors) {
  json::array out;
  for (const core::Factor f : factors) out.emplace_back(json_text(core::name(f)));
  return out;
}

json::array json_marks(core::Marks marks) {
  json::array out;
  for (std::size_t m = 1; m < core::kMarks; ++m) {
    const auto mark = static_cast<core::Mark>(m);
    if (marks.has(mark)) out.emplace_back(json_text(core::name(mark)));
  }
  return out;
}

// In whole millionths of the unit, so that a decimal number is as short as it can be.
double in_unit(std::int64_t pg, core::Unit unit) {
  switch (unit) {
    case core::Unit::MgM3:
      return static_cast<double>(pg) / 1e9;
    case core::Unit::NgM3:
      return static_cast<double>(pg) / 1e3;
    default:
      return static_cast<double>(pg) / 1e6;
  }
}

json::object json_place(std::string_view id, const Places* places) {
  json::object out;
  out["id"] = json_text(id);
  out["name"] = json_text(places == nullptr ? id : places->name(id));
  out["name_en"] = json_text(places == nullptr ? id : places->name_en(id));
  return out;
}

json::value proposal_json(const core::FormalProposal& p) {
  if (p.level == 0) return nullptr;
  return json::object{{"level", p.level},
                      {"basis", json_text(core::name(p.basis))},
                      {"criteria", p.criteria},
                      {"at", json_time(p.at)},
                      {"overdue", p.escalated}};
}

json::value approval_json(const core::FormalApproval& a) {
  if (a.level == 0) return nullptr;
  return json::object{
      {"level", a.level}, {"by", a.by}, {"role", a.role}, {"at", json_time(a.at)}, {"comment", a.comment}};
}

}  // namespace

double shown_value(std::int64_t pg, core::Factor factor) {
  return in_unit(pg, core::publishing_unit(factor));
}
std::string_view shown_unit(core::Factor factor) {
  return core::name(core::publishing_unit(factor));
}
std::string_view factor_name(core::Factor factor) {
  return core::name(factor);
}
std::string_view window_name(core::Window window) {
  return core::name(window);
}

json::object warning_json(const core::FormalWarning& w) {
  json::object out;
  out["step"] = json_text(core::name(w.step()));
  out["in_force"] = w.in_force();
  out["candidate"] = w.is_candidate();
  out["proposed"] = proposal_json(w.proposed);
  out["approved"] = approval_json(w.approved);
  out["issued"] = nullptr;
  if (w.issued.level > 0) {
    out["issued"] = json::object{{"level", w.issued.level},       {"by", w.issued.by},
                                 {"role", w.issued.role},         {"at", json_time(w.issued.at)},
                                 {"exercise", w.issued.exercise}, {"approved", approval_json(w.issued.approved)}};
  }
  out["lifted"] = nullptr;
  if (!w.lifted.by.empty()) {
    out["lifted"] = json::object{
        {"by", w.lifted.by}, {"role", w.lifted.role}, {"at", json_time(w.lifted.at)}, {"reason", w.lifted.reason}};
  }
  out["message"] = nullptr;
  if (w.message.number > 0) {
    out["message"] = json::object{{"number", w.message.number},
                                  {"type", json_text(core::name(w.message.type))},
                                  {"status", json_text(core::name(w.message.status))},
                                  {"level", w.message.level},
                                  {"sent", json_time(w.message.sent)}};
  }
  return out;
}

json::object alert_json(const AlertEntry& entry, const wire::AlertWords& words, const Places* places) {
  const core::Alert& a = entry.alert;
  const core::Signal& s = a.condition;
  json::object out = wire::alert_object({entry.telling, entry.annunciate, a}, words);
  out["place"] = json_place(s.subject, places);
  out["place"].as_object()["region"] = s.region;
  const core::Unit unit = s.unit == core::Unit::None ? core::publishing_unit(s.factor) : s.unit;
  out["number"] = json::object{{"value", in_unit(s.value.pg, unit)},
                               {"limit", in_unit(s.limit.pg, unit)},
                               {"unit", json_text(core::name(unit))},
                               {"count", s.count},
                               {"expected", s.expected}};
  out["announced"] = json_time_or_null(a.announced_at);
  out["announced_revision"] = a.announced_revision;
  out["shown_on"] = a.shown_on;
  out["maintenance"] = a.maintenance;
  out["first_out"] = a.first_out;
  out["formal"] = nullptr;
  if (a.formal.step() != core::FormalStep::None) out["formal"] = warning_json(a.formal);
  out["origin"] = json::object{{"rules", entry.origin.rules}, {"partition", entry.origin.partition}};
  return out;
}

json::object row_json(const core::FoldRow& row, const wire::AlertWords& words, const Places* places) {
  json::object out = wire::row_object(row, words);
  out["place"] = json_place(row.region, places);
  return out;
}

json::object maintenance_json(const core::Maintenance& m, const Places* places) {
  json::object out;
  out["subject"] = m.subject;
  out["place"] = json_place(m.subject, places);
  out["region"] = m.region;
  out["revision"] = m.revision;
  out["open"] = m.open;
  out["from"] = json_time(m.from);
  out["until"] = json_time(m.until);
  out["who"] = m.who;
  out["reason"] = m.reason;
  return out;
}

json::object point_json(const SeriesPoint& p, core::Factor factor) {
  json::object out;
  out["start"] = json_time(p.interval.start);
  out["end"] = json_time(p.interval.end);
  out["value"] = p.count > 0 ? json::value(shown_value(p.value_pg, factor)) : json::value(nullptr);
  out["valid"] = p.valid;
  out["status"] = json_text(core::name(p.status));
  out["revision"] = p.revision;
  out["count"] = p.count;
  out["expected"] = p.expected;
  out["exceeds"] = p.exceeds;
  out["limit"] = p.limit_pg ? json::value(shown_value(*p.limit_pg, factor)) : json::value(nullptr);
  out["marks"] = json_marks(p.marks);
  out["audited"] = p.audited;
  out["primary"] = json_factors(p.primary);
  return out;
}

json::object mean_json(const SeriesKey& key, const Series& series, const SeriesPoint& point, const Places* places) {
  json::object out = point_json(point, key.factor);
  out["subject"] = json_place(key.subject, places);
  out["region"] = series.region;
  out["of"] = series.of_region ? "region" : "station";
  out["factor"] = json_text(core::name(key.factor));
  out["window"] = json_text(core::name(key.window));
  out["unit"] = json_text(shown_unit(key.factor));
  return out;
}

json::object episode_json(const core::Signal& s, const Places* places) {
  json::object out;
  out["id"] = s.id;
  out["revision"] = s.revision;
  out["region"] = json_place(s.region, places);
  out["state"] = json_text(core::name(s.state));
  out["level"] = s.level;
  out["began"] = json_time(s.began);
  out["at"] = json_time(s.at);
  out["clause"] = s.clause;
  if (s.warning == nullptr) return out;
  const core::WarningEpisode& w = *s.warning;
  out["criteria"] = w.criteria;
  out["level_max"] = w.level_max;
  out["peak"] = w.peak == core::kNoIndex ? json::value(nullptr)
                                         : json::value(json::object{{"aqi", w.peak}, {"at", json_time(w.peak_at)}});
  out["hours"] = json::object{{"yellow", w.hours_over[0]}, {"orange", w.hours_over[1]}, {"red", w.hours_over[2]},
                              {"ozone", w.hours_ozone},    {"dust", w.hours_dust},      {"missing", w.hours_missing}};
  json::array changes;
  for (const core::LevelChange& c : w.changes) {
    json::array conditions;
    for (const core::MetCondition& m : c.conditions) {
      conditions.emplace_back(json::object{{"index", m.condition.index},
                                           {"reaches", m.condition.reaches},
                                           {"hours", m.condition.hours},
                                           {"first", json_time(m.first)},
                                           {"last", json_time(m.last)},
                                           {"lowest", m.lowest},
                                           {"forecast", m.forecast}});
    }
    changes.emplace_back(json::object{{"level", c.level},
                                      {"decided", json_time(c.decided)},
                                      {"at", json_time(c.at)},
                                      {"began", json_time(c.began)},
                                      {"basis", json_text(core::name(c.basis))},
                                      {"lead_hours", c.up() ? c.lead_hours() : 0},
                                      {"conditions", std::move(conditions)}});
  }
  out["changes"] = std::move(changes);
  return out;
}

LedgerItem ledger_item(const ::qingchuan::v1::LedgerEntry& e, const Places* places) {
  LedgerItem item;
  item.id = e.id();
  item.entry = {e.subject(), core::event_time(e.at_ms()), e.who(), e.what(), e.why(), e.before(), e.after()};
  item.region = ledger_region(e.subject(), places);
  return item;
}

std::string ledger_region(std::string_view subject, const Places* places) {
  if (places == nullptr) return {};
  if (const std::string_view region = places->region_of(subject); !region.empty()) return std::string(region);
  // rule/subject/factor; a rule and a factor have no slash.
  const std::size_t first = subject.find('/');
  const std::size_t last = subject.rfind('/');
  if (first == std::string_view::npos || first == last) return {};
  return std::string(places->region_of(subject.substr(first + 1, last - first - 1)));
}

}  // namespace qc::console
