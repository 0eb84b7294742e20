#include "qingchuan/event.h"

#include <algorithm>
#include <array>

#include "processor/records.h"
#include "stream/partition.h"
#include "wire/event_codec.h"
#include "wire/keys.h"
#include "wire/rules.h"

namespace qc::commands {
namespace {

// "2026-11-27 08:00", Beijing's.
std::string minute_text(core::EventTime t) {
  const std::string iso = core::to_iso(t);
  return iso.substr(0, 10) + " " + iso.substr(11, 5);
}

std::string forecast_text(const core::Forecast& hours, Language language) {
  const bool zh = language == Language::Chinese;
  const auto by_index = [](const auto& a, const auto& b) { return a.second.index < b.second.index; };
  const auto least = std::min_element(hours.begin(), hours.end(), by_index);
  const auto most = std::max_element(hours.begin(), hours.end(), by_index);
  const std::string to = zh ? " 至 " : " to ";
  std::string out = std::to_string(hours.size()) + (zh ? " 小时, " : hours.size() == 1 ? " hour, " : " hours, ");
  out += minute_text(hours.begin()->first) + to + minute_text(hours.rbegin()->first) + ", AQI ";
  if (least->second.index == most->second.index) return out + std::to_string(most->second.index);
  return out + std::to_string(least->second.index) + to + std::to_string(most->second.index) +
         (zh ? ", 最高在 " : ", the highest at ") + minute_text(most->first);
}

std::string order_text(const core::AreaOrder& order, Language language) {
  const bool zh = language == Language::Chinese;
  const auto& [from, until] = order.interval;
  const std::string end = until == core::EventTime::max() ? (zh ? "另行通知" : "further notice") : minute_text(until);
  return std::string(warning_level_word(order.level, language)) + ", " + minute_text(from) + (zh ? " 至 " : " until ") +
         end;
}

}  // namespace

std::string root_of(const core::RuleSet& rules, std::string_view region) {
  auto at = rules.regions.find(region);
  while (at != rules.regions.end() && !at->second.parent.empty()) at = rules.regions.find(at->second.parent);
  return at == rules.regions.end() ? std::string(region) : at->first;
}

std::string event_id(std::string_view prefix, const core::Event& event) {
  core::Event said = event;
  said.id.clear();
  said.received = {};
  return std::string(prefix) + "-" + wire::rules_hash(wire::encode_event(said));
}

stream::NewRecord event_record(const core::Event& event, int partitions, std::string_view version) {
  const std::array headers = {stream::Header{"region", event.root}, stream::Header{"version", std::string(version)}};
  return {{processor::kEvents, stream::partition_of(event.root, partitions)},
          wire::event_key(event.region),
          wire::encode_event(event),
          stream::encode_headers(headers)};
}

std::string to_text(const core::RuleSet& rules, const core::Event& event, Language language) {
  const bool zh = language == Language::Chinese;
  std::string region = event.region;
  if (const auto found = rules.regions.find(event.region); found != rules.regions.end())
    region = zh || found->second.name_en.empty() ? found->second.name : found->second.name_en;
  if (const auto* forecast = std::get_if<core::ForecastIssue>(&event.what)) {
    const std::string by = event.source + (zh ? " " : ", ") + minute_text(forecast->issued);
    if (forecast->hours.empty())
      return zh ? region + ": 预报撤销 (" + by + ")" : region + ": forecast withdrawn (" + by + ")";
    return region + (zh ? ": 预报 (" : ": forecast (") + by + "): " + forecast_text(forecast->hours, language);
  }
  const auto& order = std::get<core::AreaOrder>(event.what);
  const std::string by = event.id + ", " + event.source;
  if (order.level == 0) return region + (zh ? ": 调度令撤销 (" : ": order withdrawn (") + by + ")";
  return region + (zh ? ": 调度令 (" : ": order (") + by + "): " + order_text(order, language);
}

}  // namespace qc::commands
