// The rules in force, for people: by what everything here was judged. Not the file that they were written in, but what
// the services made of it. Concentrations are in the factor's published unit.
#include <array>
#include <boost/json.hpp>

#include "console/alert_json.h"
#include "console/api_call.h"
#include "console/json_text.h"

namespace qc::console {
namespace {

namespace json = boost::json;
using core::RuleSet;

std::string_view kind_name(core::SignalKind kind) {
  switch (kind) {
    case core::SignalKind::HourLimit:
      return "hour_limit";
    case core::SignalKind::ReadingOverLimit:
      return "reading_over_limit";
    case core::SignalKind::AqiLevel:
      return "aqi_level";
    case core::SignalKind::DayLimit:
      return "day_limit";
    case core::SignalKind::RollingOverLimit:
      return "rolling_over_limit";
    case core::SignalKind::NoData:
      return "no_data";
    case core::SignalKind::Suspect:
      return "suspect";
    case core::SignalKind::HourHigh:
      return "hour_high";
    case core::SignalKind::Spike:
      return "spike";
    case core::SignalKind::None:
      break;
  }
  return "";
}

std::int64_t minutes_in(core::Duration d) {
  return std::chrono::duration_cast<std::chrono::minutes>(d).count();
}
std::int64_t seconds_in(core::Duration d) {
  return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

void put_dates(const core::Dated& dated, json::object& out) {
  out["from"] = dated.from == core::EventTime::min() ? json::value(nullptr) : json::value(core::to_iso(dated.from));
  out["until"] = dated.until == core::EventTime::max() ? json::value(nullptr) : json::value(core::to_iso(dated.until));
}

json::array limits_json(const RuleSet& rules) {
  json::array out;
  for (const core::Limit& l : rules.limits) {
    json::object one{{"factor", core::name(l.factor)},
                     {"window", core::name(l.window)},
                     {"unit", shown_unit(l.factor)},
                     {"class_1", shown_value(l.class_1.pg, l.factor)},
                     {"class_2", shown_value(l.class_2.pg, l.factor)},
                     {"clause", l.clause}};
    put_dates(l.dated, one);
    out.push_back(std::move(one));
  }
  return out;
}

json::array editions_json(const RuleSet& rules) {
  json::array out;
  for (const core::AqiEdition& e : rules.editions) {
    json::array iaqi, items;
    for (const int break_point : e.iaqi) iaqi.emplace_back(break_point);
    for (const core::AqiItem& item : e.items) {
      json::array concentrations;
      for (const core::Concentration c : item.concentrations)
        concentrations.emplace_back(shown_value(c.pg, item.factor));
      items.push_back(json::object{{"factor", core::name(item.factor)},
                                   {"window", core::name(item.window)},
                                   {"unit", shown_unit(item.factor)},
                                   {"hourly", item.hourly},
                                   {"concentrations", std::move(concentrations)}});
    }
    json::object one{{"clause", e.clause}, {"iaqi", std::move(iaqi)}, {"items", std::move(items)}};
    put_dates(e.dated, one);
    out.push_back(std::move(one));
  }
  return out;
}

json::array validities_json(const RuleSet& rules) {
  json::array out;
  for (const core::Validity& v : rules.validities) {
    json::array factors;
    for (const core::Factor f : v.factors) factors.emplace_back(core::name(f));
    json::object one{{"window", core::name(v.window)},
                     {"factors", std::move(factors)},
                     {"at_least", v.at_least},
                     {"clause", v.clause}};
    put_dates(v.dated, one);
    out.push_back(std::move(one));
  }
  return out;
}

json::array signals_json(const RuleSet& rules) {
  json::array out;
  for (const core::SignalRule& r : rules.signals) {
    json::array on;
    for (const core::Concentration level : r.on) on.emplace_back(static_cast<double>(level.pg) / 1e6);
    out.push_back(json::object{{"id", r.id},
                               {"kind", kind_name(r.kind)},
                               {"clause", r.clause},
                               {"check", core::name(r.check)},
                               {"on", std::move(on)},
                               {"dead_band_percent", r.dead_band_percent},
                               {"hold_on_minutes", minutes_in(r.hold_on)},
                               {"hold_off_minutes", minutes_in(r.hold_off)},
                               {"no_data_minutes", minutes_in(r.no_data)},
                               {"stale_max_minutes", minutes_in(r.stale_max)}});
  }
  return out;
}

json::array warnings_json(const RuleSet& rules) {
  json::array out;
  for (const core::WarningCriteria& w : rules.warnings) {
    json::array levels;
    for (const auto& alternatives : w.levels) {
      json::array any;
      for (const core::WarningAlternative& alternative : alternatives) {
        json::array all;
        for (const core::WarningCondition& c : alternative) {
          all.push_back(json::object{{"aqi", c.index}, {"reaches", c.reaches}, {"hours", c.hours}});
        }
        any.push_back(std::move(all));
      }
      levels.push_back(std::move(any));
    }
    json::object one{{"id", w.id},
                     {"clause", w.clause},
                     {"levels", std::move(levels)},
                     {"every_hour", w.lasting == core::Lasting::EveryHour},
                     {"lift_hours", w.lift_hours},
                     {"without_ozone", w.without_ozone},
                     {"without_dust", w.without_dust},
                     {"stale_hours", w.stale_hours}};
    put_dates(w.dated, one);
    out.push_back(std::move(one));
  }
  return out;
}

json::object horizons_json(const core::Horizons& h) {
  return {{"close_after_minutes", minutes_in(h.close_after)}, {"slots_kept_minutes", minutes_in(h.slots_kept)},
          {"hours_kept_minutes", minutes_in(h.hours_kept)},   {"running_every_seconds", seconds_in(h.running_every)},
          {"ahead_max_seconds", seconds_in(h.ahead_max)},     {"valid_minutes", h.valid_minutes}};
}

json::object alert_rules_json(const core::AlertRules& a) {
  const auto by_level = [](const std::array<core::Duration, core::kLevels>& times) {
    json::array out;
    for (const core::Duration d : times) out.emplace_back(seconds_in(d));
    return out;
  };
  json::array approvers, formal_rules;
  for (const std::string& office : a.formal.approvers) approvers.emplace_back(office);
  for (const std::string& rule : a.formal_rules) formal_rules.emplace_back(rule);
  return {{"ack_timeout_seconds", by_level(a.ack_timeout)},
          {"unshown_seconds", by_level(a.unshown)},
          {"level_kept", a.level_kept},
          {"level_breaking", a.level_breaking},
          {"shelve_max_minutes", minutes_in(a.shelve_max)},
          {"out_of_service_max_minutes", minutes_in(a.out_of_service_max)},
          {"flapping_begins", a.flapping_begins},
          {"flapping_window_minutes", minutes_in(a.flapping_window)},
          {"flood_new", a.flood_new},
          {"flood_over", a.flood_over},
          {"operators", a.operators},
          {"flood_window_minutes", minutes_in(a.flood_window)},
          {"level_folded", a.level_folded},
          {"notes_max", a.notes_max},
          {"text_max", a.text_max},
          {"formal", json::object{{"rules", std::move(formal_rules)},
                                  {"approvers", std::move(approvers)},
                                  {"undecided_minutes", minutes_in(a.formal.undecided)},
                                  {"republish_seconds", by_level(a.formal.republish)},
                                  {"auto_issue", a.formal.auto_issue}}}};
}

Answer get_rules(Call& call) {
  const RuleSet* rules = call.rules();
  if (rules == nullptr) {
    return problem({.status = 503,
                    .code = "not_ready",
                    .detail = "no rules have been read yet",
                    .retry_after = std::chrono::seconds(1)});
  }
  platform::WebResponse response = text_answer("application/json", {});
  const std::lock_guard lock(call.api.rules_mutex);
  if (call.api.rules_json == nullptr || call.api.rules_hash != rules->hash) {
    call.api.rules_hash = rules->hash;
    call.api.rules_json =
        std::make_shared<const std::string>(json_line(json::object{{"hash", rules->hash},
                                                                   {"limits", limits_json(*rules)},
                                                                   {"editions", editions_json(*rules)},
                                                                   {"validities", validities_json(*rules)},
                                                                   {"signals", signals_json(*rules)},
                                                                   {"warnings", warnings_json(*rules)},
                                                                   {"horizons", horizons_json(rules->horizons)},
                                                                   {"alerts", alert_rules_json(rules->alerts)}}));
  }
  response.body = call.api.rules_json;
  return response;
}

}  // namespace

std::span<const Route> rules_routes() {
  static const std::array<Route, 1> routes = {
      Route{.method = "GET", .path = "/rules", .access = Access::Model, .handler = get_rules},
  };
  return routes;
}

}  // namespace qc::console
