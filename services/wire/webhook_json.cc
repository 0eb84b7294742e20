#include "wire/webhook_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>

#include "core/concentration.h"

namespace qc::wire {
namespace {

namespace json = boost::json;

json::string text_of(std::string_view text) {
  return json::string(text);
}
json::string time_of(core::EventTime t) {
  return json::string(core::to_iso(t));
}
json::value optional_time(const std::optional<core::EventTime>& t) {
  return t ? json::value(time_of(*t)) : json::value(nullptr);
}

json::object labels_json(const Labels& labels) {
  json::object out;
  for (const auto& [name, value] : labels) out[name] = value;
  return out;
}

json::object summary_of(std::string_view chinese, std::string_view english) {
  json::object out;
  out["zh"] = text_of(chinese);
  out["en"] = text_of(english);
  return out;
}

void add_condition(const core::Signal& s, json::object& out) {
  out["rule"] = s.rule;
  out["subject"] = s.subject;
  out["region"] = s.region;
  out["root"] = s.root;
  out["factor"] = text_of(core::name(s.factor));
  out["window"] = text_of(core::name(s.window));
  out["level"] = s.level;
  out["condition"] = text_of(core::name(s.state));
  out["began"] = time_of(s.began);
  out["at"] = time_of(s.at);
  out["value"] = value_text(s);
  out["limit"] = limit_text(s);
  out["clause"] = s.clause;
  out["reason"] = s.reason;
  out["interval"] = {{"start", time_of(s.interval.start)}, {"end", time_of(s.interval.end)}};
  json::array marks;
  for (std::size_t m = 1; m < core::kMarks; ++m) {
    const auto mark = static_cast<core::Mark>(m);
    if (s.marks.has(mark)) marks.emplace_back(text_of(core::name(mark)));
  }
  out["marks"] = std::move(marks);
  out["signal"] = {{"id", s.id}, {"revision", s.revision}};
}

void add_response(const core::Alert& a, json::object& out) {
  out["response"] = a.response == core::Response::Acked ? "acked" : "unacked";
  out["owed"] = a.owed;
  out["acked"] = nullptr;
  if (a.acked_level > 0) {
    out["acked"] = {{"level", a.acked_level}, {"who", a.acked_by}, {"at", time_of(a.acked_at)}, {"comment", a.comment}};
  }
  out["assignee"] = a.assignee;
  out["handled"] = a.handled;
  out["closed"] = a.closed;
  out["shown"] = optional_time(a.shown_at);
  out["escalated"] = a.escalated;
  json::array notes;
  for (const core::AlertNote& n : a.notes) {
    notes.emplace_back(json::object{{"at", time_of(n.at)}, {"who", n.who}, {"text", n.text}});
  }
  out["notes"] = std::move(notes);
}

void add_suppression(const core::Alert& a, json::object& out) {
  out["suppressed"] = a.suppressed;
  out["suppression"] = suppression_text(a);
  out["shelf"] = nullptr;
  if (a.shelf.on) {
    out["shelf"] = {{"until", optional_time(a.shelf.until)}, {"who", a.shelf.who}, {"reason", a.shelf.reason}};
  }
  out["out_of_service"] = nullptr;
  if (const core::OutOfServiceMark& mark = a.out_of_service; mark.on) {
    out["out_of_service"] = {{"until", time_of(mark.until)}, {"who", mark.who}, {"reason", mark.reason}};
  }
  out["inhibited_by"] = a.inhibited_by;
  out["flapping"] = a.flapping;
  out["fold"] = a.fold;
}

}  // namespace

json::object alert_object(const core::ToldAlert& told, const AlertWords& words) {
  const core::Alert& a = told.alert;
  json::object out;
  out["type"] = "alert";
  out["id"] = item_id(told);
  out["key"] = core::text(a.key);
  out["revision"] = a.revision;
  out["telling"] = text_of(core::name(told.telling));
  out["annunciate"] = told.annunciate;
  out["episode"] = a.episode;
  out["listed"] = a.listed;
  out["place"] = words.place_of(a.condition.subject);
  add_condition(a.condition, out);
  out["level_max"] = a.level_max;
  out["occurrences"] = a.occurrences;
  add_response(a, out);
  add_suppression(a, out);
  out["change"] = {{"at", time_of(a.change.at)}, {"who", a.change.who}, {"what", a.change.what}, {"why", a.change.why}};
  out["summary"] = summary_of(alert_line(a, words, true), alert_line(a, words, false));
  return out;
}

json::object row_object(const core::FoldRow& row, const AlertWords& words) {
  json::object out;
  out["type"] = "row";
  out["id"] = item_id(row);
  out["key"] = row.id;
  out["revision"] = row.revision;
  out["region"] = row.region;
  out["place"] = words.place_of(row.region);
  out["factor"] = text_of(core::name(row.factor));
  out["flood"] = row.flood;
  out["alerts"] = row.alerts;
  out["open"] = row.open;
  out["began"] = time_of(row.began);
  out["at"] = time_of(row.at);
  out["summary"] = summary_of(row_line(row, words, true), row_line(row, words, false));
  return out;
}

std::string item_id(const AlertItem& item) {
  if (const auto* row = std::get_if<core::FoldRow>(&item)) {
    return "@row|" + row->id + "#" + std::to_string(row->revision);
  }
  const core::Alert& alert = std::get<core::ToldAlert>(item).alert;
  return core::text(alert.key) + "#" + std::to_string(alert.revision);
}

std::string item_json(const AlertItem& item, const AlertWords& words) {
  if (const auto* row = std::get_if<core::FoldRow>(&item)) return json::serialize(row_object(*row, words));
  return json::serialize(alert_object(std::get<core::ToldAlert>(item), words));
}

std::string webhook_json(std::string_view outlet, std::span<const std::string> items) {
  std::string out = R"({"version":"1","outlet":)" + json::serialize(text_of(outlet)) + R"(,"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    out += items[i];
  }
  return out + "]}";
}

// ---- Alertmanager
// ----------------------------------------------------------------------------------------------------

bool fires(const core::Alert& alert) {
  return alert.open() && alert.listed && !alert.suppressed;
}

Labels alert_labels(const core::Alert& alert) {
  const core::Signal& s = alert.condition;
  Labels labels{{"alertname", s.rule}};
  // An empty label is no label to Alertmanager.
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) labels.emplace_back(name, std::move(value));
  };
  add("factor", std::string(core::name(s.factor)));
  add("level", level_text(s));
  add("region", s.region);
  add("subject", s.subject);
  return labels;
}

Labels alert_annotations(const core::ToldAlert& told, const AlertWords& words) {
  const core::Alert& a = told.alert;
  Labels out{{"summary", alert_line(a, words, true)}, {"summary_en", alert_line(a, words, false)}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) out.emplace_back(name, std::move(value));
  };
  add("id", item_id(told));
  add("place", words.place_of(a.condition.subject));
  add("value", value_text(a.condition));
  add("limit", limit_text(a.condition));
  add("clause", a.condition.clause);
  add("response", a.response == core::Response::Acked ? "acked" : "unacked");
  add("suppression", suppression_text(a));
  return out;
}

std::string fingerprint(const Labels& labels) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  };
  Labels sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, value] : sorted) {
    add(name);
    add("\xff");
    add(value);
    add("\xff");
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4U) text[i] = kDigits[hash & 15U];
  return text;
}

std::string alertmanager_webhook_json(std::string_view outlet, std::span<const AlertItem> items,
                                      const AlertWords& words) {
  json::array alerts;
  bool any_fires = false;
  for (const AlertItem& item : items) {
    const auto* told = std::get_if<core::ToldAlert>(&item);
    if (told == nullptr) continue;
    Labels labels = alert_labels(told->alert);
    Labels annotations = alert_annotations(*told, words);
    std::erase_if(labels, [](const auto& label) { return label.first == "level"; });
    annotations.emplace_back("level", level_text(told->alert.condition));
    const bool firing = fires(told->alert);
    any_fires = any_fires || firing;
    json::object alert;
    alert["status"] = firing ? "firing" : "resolved";
    alert["labels"] = labels_json(labels);
    alert["annotations"] = labels_json(annotations);
    alert["startsAt"] = time_of(told->alert.condition.began);
    // Go's zero time: it has no end yet.
    alert["endsAt"] = firing ? json::string("0001-01-01T00:00:00Z") : time_of(told->alert.change.at);
    alert["generatorURL"] = "";
    alert["fingerprint"] = fingerprint(labels);
    alerts.emplace_back(std::move(alert));
  }
  if (alerts.empty()) return {};
  json::object out;
  out["version"] = "4";
  out["groupKey"] = "{}:{outlet=\"" + std::string(outlet) + "\"}";
  out["truncatedAlerts"] = 0;
  out["status"] = any_fires ? "firing" : "resolved";
  out["receiver"] = text_of(outlet);
  out["groupLabels"] = json::object();
  out["commonLabels"] = json::object();
  out["commonAnnotations"] = json::object();
  out["externalURL"] = "";
  out["alerts"] = std::move(alerts);
  return json::serialize(out);
}

std::string alertmanager_json(std::span<const PostableAlert> alerts) {
  json::array out;
  for (const PostableAlert& a : alerts) {
    json::object alert;
    alert["labels"] = labels_json(a.labels);
    alert["annotations"] = labels_json(a.annotations);
    alert["startsAt"] = time_of(a.starts);
    alert["endsAt"] = time_of(a.ends);
    out.emplace_back(std::move(alert));
  }
  return json::serialize(out);
}

// ---- robots
// ----------------------------------------------------------------------------------------------------------

bool is_for_robots(const AlertItem& item) {
  const auto* told = std::get_if<core::ToldAlert>(&item);
  if (told == nullptr) return true;
  return !told->alert.suppressed && (told->annunciate || told->telling == core::Telling::Cancel);
}

namespace {

struct RobotText {
  std::string title;  // empty: there is nothing to say
  std::string text;
};

// A line an item below the title, within `bytes_max`; what doesn't fit is counted. `decorate` marks up a line.
template <class Decorate>
RobotText robot_text(std::span<const AlertItem> items, const AlertWords& words, std::size_t bytes_max,
                     Decorate decorate) {
  std::vector<std::string> lines;
  for (const AlertItem& item : items) {
    if (!is_for_robots(item)) continue;
    if (const auto* told = std::get_if<core::ToldAlert>(&item)) {
      lines.push_back(decorate(alert_line(told->alert, words, true), told->alert.open()));
    } else {
      const auto& row = std::get<core::FoldRow>(item);
      lines.push_back(decorate(row_line(row, words, true), row.open));
    }
  }
  if (lines.empty()) return {};
  RobotText out;
  out.title = "晴川告警 " + std::to_string(lines.size()) + " 条";
  out.text = "**" + out.title + "**";
  const auto rest = [&](std::size_t count) { return "\n\n另有 " + std::to_string(count) + " 条，见告警列表"; };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t left = lines.size() - i;
    const std::size_t kept_free = left > 1 ? rest(left - 1).size() : 0;
    if (out.text.size() + 2 + lines[i].size() + kept_free > bytes_max) {
      out.text += rest(left);
      break;
    }
    out.text += "\n\n" + lines[i];
  }
  return out;
}

}  // namespace

std::string wecom_json(std::span<const AlertItem> items, const AlertWords& words) {
  const RobotText said = robot_text(items, words, kWecomBytesMax, [](const std::string& line, bool open) {
    return std::string(open ? "<font color=\"warning\">" : "<font color=\"info\">") + line + "</font>";
  });
  if (said.title.empty()) return {};
  return json::serialize(json::object{{"msgtype", "markdown"}, {"markdown", json::object{{"content", said.text}}}});
}

std::string dingtalk_json(std::span<const AlertItem> items, const AlertWords& words) {
  const RobotText said =
      robot_text(items, words, kDingtalkBytesMax, [](const std::string& line, bool) { return line; });
  if (said.title.empty()) return {};
  return json::serialize(
      json::object{{"msgtype", "markdown"}, {"markdown", json::object{{"title", said.title}, {"text", said.text}}}});
}

std::optional<std::string> robot_refusal(std::string_view body) {
  json::error_code error;
  json::parse_options limits;
  limits.max_depth = 8;
  const json::value answer = json::parse(body, error, {}, limits);
  const json::object* object = error ? nullptr : answer.if_object();
  const json::value* code = object == nullptr ? nullptr : object->if_contains("errcode");
  if (code == nullptr || !code->is_int64()) return "its answer has no errcode";
  if (code->as_int64() == 0) return std::nullopt;
  std::string why = "errcode " + std::to_string(code->as_int64());
  if (const json::value* text = object->if_contains("errmsg"); text != nullptr && text->is_string()) {
    constexpr std::size_t kShown = 200;
    why += ": " + std::string(std::string_view(text->as_string()).substr(0, kShown));
  }
  return why;
}

}  // namespace qc::wire
