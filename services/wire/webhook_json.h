// What goes out of `alerts` by webhook, as JSON (docs/alerts-out.md has each shape with an example): our own,
// Alertmanager's webhook of version 4, and the messages of the robots of 企业微信 and 钉钉; and the robots' answers.
//
// Order and repeats: revisions stand in their order, each with an id (key and revision) that a receiver drops repeats
// by. What is suppressed goes out in our own shape, with what hides it; Alertmanager's shape shows it as resolved, and
// robots say nothing of it: a flood's row speaks for what it folds.
//
// Functions of their arguments; any thread.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/alert.h"
#include "core/alert_stage.h"
#include "wire/alert_text.h"

namespace qc::wire {

using AlertItem = std::variant<core::ToldAlert, core::FoldRow>;

// "aqi_level/S1/AQI#7": unique for ever.
std::string item_id(const AlertItem& item);

// One object of our shape, as a value (the console adds to it) and as text. What stands around them: webhook_json.
boost::json::object alert_object(const core::ToldAlert& told, const AlertWords& words);
boost::json::object row_object(const core::FoldRow& row, const AlertWords& words);
std::string item_json(const AlertItem& item, const AlertWords& words);
// {"version": "1", "outlet": ..., "items": [...]}
std::string webhook_json(std::string_view outlet, std::span<const std::string> items);

// ---- Alertmanager
// ----------------------------------------------------------------------------------------------------

using Labels = std::vector<std::pair<std::string, std::string>>;  // by name

// Whether Alertmanager is told that it fires: the condition stands and nothing hides it.
bool fires(const core::Alert& alert);
// alertname (the rule), subject, region, factor, level: what makes two alerts the same one there.
Labels alert_labels(const core::Alert& alert);
Labels alert_annotations(const core::ToldAlert& told, const AlertWords& words);
// Alertmanager's own: FNV-1a over names and values.
std::string fingerprint(const Labels& labels);

// Its webhook, version 4. The level is an annotation there: a label that changes would leave the old one firing for
// ever. Rows are left out. Empty: nothing is left.
std::string alertmanager_webhook_json(std::string_view outlet, std::span<const AlertItem> items,
                                      const AlertWords& words);

// One alert of its API v2.
struct PostableAlert {
  Labels labels;
  Labels annotations;
  core::EventTime starts{};
  core::EventTime ends{};
};
std::string alertmanager_json(std::span<const PostableAlert> alerts);

// ---- robots
// ----------------------------------------------------------------------------------------------------------

// What they say something of: what asks for attention, what is over, and rows.
bool is_for_robots(const AlertItem& item);

// The largest texts that the services take.
inline constexpr std::size_t kWecomBytesMax = 4096;
inline constexpr std::size_t kDingtalkBytesMax = 20'000;
// One message of all that is for robots; lines that don't fit are counted. Empty: there is nothing to say.
std::string wecom_json(std::span<const AlertItem> items, const AlertWords& words);
std::string dingtalk_json(std::span<const AlertItem> items, const AlertWords& words);

// What their answer says: nullopt: taken. Otherwise why not, for people.
std::optional<std::string> robot_refusal(std::string_view body);

}  // namespace qc::wire
