// Alerts: the list, one, why it is, what became of it; and the rows of floods.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <charconv>
#include <tuple>

#include "console/alert_json.h"
#include "console/api_call.h"

namespace qc::console {
namespace {

namespace json = boost::json;

enum class AlertOrder : std::uint8_t { Urgent, Newest };

// Where an alert stands in a list. Smaller is further up.
struct AlertPlace {
  std::int64_t level = 0;  // negative: the highest first
  std::int64_t acked = 0;
  std::int64_t began = 0;  // Newest: negative
  std::string_view key;
  auto operator<=>(const AlertPlace&) const = default;
};

AlertPlace place_of_alert(const std::string& key, const core::Alert& alert, AlertOrder order) {
  if (order == AlertOrder::Newest) return {0, 0, -core::ms(alert.condition.began), key};
  return {-alert.condition.level, alert.response == core::Response::Acked ? 1 : 0, core::ms(alert.condition.began),
          key};
}

// "-3|0|1790000000000|aqi_level/S1/AQI"
std::string text_of_place(const AlertPlace& p) {
  return std::to_string(p.level) + "|" + std::to_string(p.acked) + "|" + std::to_string(p.began) + "|" +
         std::string(p.key);
}

// `key` of the result is a view of `text`.
std::optional<AlertPlace> read_place(std::string_view text) {
  AlertPlace place;
  for (std::int64_t* number : {&place.level, &place.acked, &place.began}) {
    const std::size_t end = text.find('|');
    if (end == std::string_view::npos) return std::nullopt;
    const auto read = std::from_chars(text.data(), text.data() + end, *number);
    if (read.ec != std::errc() || read.ptr != text.data() + end) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  place.key = text;
  return place;
}

char lower_letter(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}
// Latin letters in either case. `part` is in lower case.
bool holds_text(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower_letter(a) == b; }) != text.end();
}

struct AlertFilter {
  std::optional<bool> listed;
  std::optional<bool> suppressed;
  std::optional<core::Response> response;
  std::optional<core::Factor> factor;
  int level_min = 0;
  std::string rule, subject, state, q;
  std::string region;
  const Places* places = nullptr;

  bool takes(const std::string& key, const core::Alert& a) const {
    const core::Signal& s = a.condition;
    if ((listed && a.listed != *listed) || (suppressed && a.suppressed != *suppressed) ||
        (response && a.response != *response) || (factor && a.key.factor != *factor) || s.level < level_min ||
        (!rule.empty() && a.key.rule != rule) || (!subject.empty() && a.key.subject != subject) ||
        (!state.empty() && core::name(s.state) != state)) {
      return false;
    }
    if (!region.empty() && s.region != region &&
        (places == nullptr || places->below(region).find(s.region) == places->below(region).end())) {
      return false;
    }
    if (q.empty()) return true;
    return holds_text(key, q) || holds_text(a.assignee, q) ||
           (places != nullptr &&
            (holds_text(places->name(a.key.subject), q) || holds_text(places->name_en(a.key.subject), q) ||
             holds_text(places->name(s.region), q)));
  }
};

AlertFilter read_filter(Call& call) {
  AlertFilter f;
  QueryReader& q = call.query;
  const std::string listed = q.word("listed", {"true", "false", "any"}, "true");
  if (listed != "any") f.listed = listed == "true";
  f.suppressed = q.flag("suppressed");
  const std::string response = q.word("response", {"unacked", "acked"}, "");
  if (!response.empty()) f.response = response == "acked" ? core::Response::Acked : core::Response::Unacked;
  f.factor = q.factor("factor");
  f.level_min = static_cast<int>(q.number("level_min", 1, core::kLevels, 0));
  f.rule = q.text("rule", 64);
  f.subject = q.text("subject", 64);
  f.region = q.text("region", 64);
  f.state = q.word("state", {"active", "stale", "cleared", "ended_no_data", "withdrawn"}, "");
  f.q = q.text("q", 100);
  std::transform(f.q.begin(), f.q.end(), f.q.begin(), lower_letter);
  f.places = call.places.get();
  return f;
}

Answer get_alerts(Call& call) {
  const AlertFilter filter = read_filter(call);
  const auto order =
      call.query.word("order", {"urgent", "newest"}, "urgent") == "newest" ? AlertOrder::Newest : AlertOrder::Urgent;
  const Paging paging = paging_of(call);
  std::optional<AlertPlace> after;
  if (!paging.after.empty() && !(after = read_place(paging.after))) {
    call.query.wrong("cursor", "must be the `next` of an answer of this list");
  }
  if (!call.query.fine()) return parameters_problem(call.query.errors());

  // What is shown stands as JSON in the model: a page is found, copied as pointers, and joined without the lock.
  std::vector<std::shared_ptr<const std::string>> items;
  std::optional<std::string> next;
  std::size_t total = 0;
  call.api.parts.model.read([&](const Tables& t) {
    using Found = std::pair<AlertPlace, const AlertEntry*>;
    std::vector<Found> found;
    for (const auto& [key, entry] : t.alerts) {
      if (!call.sight.sees(entry.alert.condition.region) || !filter.takes(key, entry.alert)) continue;
      ++total;
      const AlertPlace place = place_of_alert(key, entry.alert, order);
      if (!after || *after < place) found.emplace_back(place, &entry);
    }
    const std::size_t shown = std::min(found.size(), paging.limit);
    const auto by_place = [](const Found& a, const Found& b) { return a.first < b.first; };
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end(), by_place);
    items.reserve(shown);
    for (std::size_t i = 0; i < shown; ++i) items.push_back(found[i].second->json);
    if (shown > 0 && shown < found.size()) next = make_cursor(text_of_place(found[shown - 1].first));
  });
  return list_answer(items, next, total);
}

Answer get_alert(Call& call) {
  std::shared_ptr<const std::string> shown;
  if (!with_alert(call, call.parts[0], [&](const AlertEntry& entry, const Tables&) { shown = entry.json; })) {
    return not_found("alert");
  }
  platform::WebResponse response = text_answer("application/json", {});
  response.body = shown;
  return response;
}

// ---- why

double signal_number(core::Concentration value, core::Unit unit) {
  const auto pg = static_cast<double>(value.pg);
  return unit == core::Unit::MgM3 ? pg / 1e9 : unit == core::Unit::NgM3 ? pg / 1e3 : pg / 1e6;
}

json::array why_marks(core::Marks marks) {
  json::array out;
  for (std::size_t m = 1; m < core::kMarks; ++m) {
    const auto mark = static_cast<core::Mark>(m);
    if (marks.has(mark)) out.emplace_back(core::name(mark));
  }
  return out;
}

json::object why_judged(const core::Signal& s, const Places* places) {
  const core::Unit unit = s.unit == core::Unit::None ? core::publishing_unit(s.factor) : s.unit;
  json::array evidence;
  for (const core::Evidence& e : s.evidence) {
    evidence.push_back(json::object{{"subject", e.subject},
                                    {"name", places == nullptr ? std::string_view(e.subject) : places->name(e.subject)},
                                    {"value", signal_number(e.value, unit)}});
  }
  return {{"factor", core::name(s.factor)},
          {"window", core::name(s.window)},
          {"unit", core::name(unit)},
          {"value", signal_number(s.value, unit)},
          {"limit", signal_number(s.limit, unit)},
          {"start", core::to_iso(s.interval.start)},
          {"end", core::to_iso(s.interval.end)},
          {"count", s.count},
          {"expected", s.expected},
          {"marks", why_marks(s.marks)},
          {"evidence", std::move(evidence)}};
}

json::object why_json(const AlertEntry& entry, const Places* places, const std::string& version) {
  const core::Alert& a = entry.alert;
  const core::Signal& s = a.condition;
  json::array covers;
  for (const std::string& region : s.covers) covers.emplace_back(region);
  json::object out{{"key", core::text(a.key)},
                   {"revision", a.revision},
                   {"rule", s.rule},
                   {"clause", s.clause},
                   {"reason", s.reason},
                   {"state", core::name(s.state)},
                   {"level", s.level},
                   {"began", core::to_iso(s.began)},
                   {"at", core::to_iso(s.at)},
                   {"judged", why_judged(s, places)},
                   {"covers", std::move(covers)},
                   {"inhibited_by", a.inhibited_by},
                   {"first_out", a.first_out},
                   {"warning", nullptr}};
  if (s.warning != nullptr) out["warning"] = episode_json(s, places);
  // Whoever has the log finds with it the very records that made the signal, and by which rules.
  out["signal"] = json::object{{"id", s.id},
                               {"revision", s.revision},
                               {"rules", a.source.rules},
                               {"partition", a.source.partition},
                               {"first_offset", s.origin.first_offset},
                               {"offset", s.origin.offset}};
  out["origin"] = json::object{{"rules", entry.origin.rules},
                               {"partition", entry.origin.partition},
                               {"signals", entry.origin.signals},
                               {"commands", entry.origin.commands},
                               {"binary", version}};
  return out;
}

Answer get_alert_why(Call& call) {
  AlertEntry entry;
  if (!with_alert(call, call.parts[0], [&](const AlertEntry& found, const Tables&) { entry = found; })) {
    return not_found("alert");
  }
  return json_answer(200, why_json(entry, call.places.get(), call.api.options.version));
}

Answer get_alert_history(Call& call) {
  if (!with_alert(call, call.parts[0], [](const AlertEntry&, const Tables&) {})) return not_found("alert");
  const auto limit = static_cast<std::size_t>(
      call.query.number("limit", 1, static_cast<std::int64_t>(call.api.options.page_max), 100));
  if (!call.query.fine()) return parameters_problem(call.query.errors());
  const auto items = ledger_of(call, call.parts[0], limit);
  if (!items) return items.error();
  json::array out;
  for (const LedgerItem& item : *items) out.push_back(ledger_json(item));
  const std::size_t total = out.size();
  return list_answer(std::move(out), std::nullopt, total);
}

Answer get_rows(Call& call) {
  std::vector<std::shared_ptr<const std::string>> items;
  call.api.parts.model.read([&](const Tables& t) {
    for (const auto& [id, entry] : t.rows) {
      if (items.size() < call.api.options.page_max && call.sight.sees(entry.row.region)) items.push_back(entry.json);
    }
  });
  return list_answer(items, std::nullopt, items.size());
}

Answer get_maintenance(Call& call) {
  std::vector<std::shared_ptr<const std::string>> items;
  call.api.parts.model.read([&](const Tables& t) {
    for (const auto& [subject, entry] : t.maintenance) {
      if (items.size() < call.api.options.page_max && call.sight.sees(entry.maintenance.region)) {
        items.push_back(entry.json);
      }
    }
  });
  return list_answer(items, std::nullopt, items.size());
}

Route of_model(std::string_view path, std::vector<std::string_view> query, Handler handler) {
  return {.method = "GET", .path = path, .access = Access::Model, .query = std::move(query), .handler = handler};
}

}  // namespace

std::span<const Route> alert_routes() {
  static const std::array<Route, 6> routes = {
      of_model("/alerts",
               {"listed", "region", "rule", "subject", "factor", "level_min", "response", "suppressed", "state", "q",
                "order", "limit", "cursor"},
               get_alerts),
      of_model("/alerts/{key}", {}, get_alert),
      of_model("/alerts/{key}/why", {}, get_alert_why),
      of_model("/alerts/{key}/history", {"limit"}, get_alert_history),
      of_model("/rows", {}, get_rows),
      of_model("/maintenance", {}, get_maintenance),
  };
  return routes;
}

}  // namespace qc::console
