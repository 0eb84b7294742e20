#include "alerts/out_alertmanager.h"

#include <algorithm>
#include <utility>

namespace qc::alerts {
namespace {

// What fires holds so many times `resend`: two posts may be lost.
constexpr std::int64_t kHeld = 3;
constexpr std::size_t kAlertsOfPost = 500;

std::string key_of(const core::ToldAlert& told) {
  return core::text(told.alert.key);
}

}  // namespace

std::optional<AlertmanagerChannel::Said> AlertmanagerChannel::said_of(const OutItem& item) const {
  const auto* told = std::get_if<core::ToldAlert>(item.alert());
  if (told == nullptr || !wire::fires(told->alert)) return std::nullopt;
  return Said{item.at, wire::alert_labels(told->alert), wire::alert_annotations(*told, words_),
              told->alert.condition.began};
}

wire::PostableAlert AlertmanagerChannel::postable(const Said& said, std::int64_t now_ms) const {
  const std::int64_t ends = said.over_ms == 0 ? now_ms + kHeld * options_.resend.count() : said.over_ms;
  // It refuses what ends before it starts: the wall clock may be behind the log's time.
  return {said.labels, said.annotations, std::min(said.starts, core::event_time(ends - 1)), core::event_time(ends)};
}

OutPost AlertmanagerChannel::make(std::span<const OutItem> items, std::int64_t now_ms) {
  // Of each alert the last revision: what lay between was over before it could be told.
  std::map<Key, const OutItem*> last;
  for (const OutItem& item : items) {
    if (const auto* told = std::get_if<core::ToldAlert>(item.alert())) last[key_of(*told)] = &item;
  }
  std::vector<wire::PostableAlert> alerts;
  for (const auto& [key, item] : last) {
    const auto said = said_of(*item);
    const auto before = firing_.find(key);
    if (before != firing_.end() && (!said || said->labels != before->second.labels)) {
      Said over = before->second;
      over.over_ms = now_ms;
      over.annotations = wire::alert_annotations(std::get<core::ToldAlert>(*item->alert()), words_);
      alerts.push_back(postable(over, now_ms));
    }
    if (said) alerts.push_back(postable(*said, now_ms));
  }
  return {items.size(), alerts.empty() ? std::string() : wire::alertmanager_json(alerts), ""};
}

void AlertmanagerChannel::put(const OutItem& item, std::int64_t now_ms) {
  const auto* told = std::get_if<core::ToldAlert>(item.alert());
  if (told == nullptr) return;
  auto said = said_of(item);
  const auto before = firing_.find(key_of(*told));
  if (before != firing_.end() && (!said || said->labels != before->second.labels)) {
    Said over = std::move(before->second);
    over.over_ms = now_ms;
    over.annotations = wire::alert_annotations(*told, words_);
    over_[wire::fingerprint(over.labels)] = std::move(over);
    firing_.erase(before);
  }
  if (!said) return;
  over_.erase(wire::fingerprint(said->labels));
  firing_[key_of(*told)] = std::move(*said);
}

void AlertmanagerChannel::taken(std::span<const OutItem> items, std::int64_t now_ms) {
  for (const OutItem& item : items) put(item, now_ms);
}

void AlertmanagerChannel::fold(const OutItem& item) {
  const auto* told = std::get_if<core::ToldAlert>(item.alert());
  if (told == nullptr) return;
  // Compaction may have left of an alert only that it is over.
  const bool is_over = told->telling == core::Telling::Cancel && !told->alert.suppressed;
  if (is_over && !firing_.contains(key_of(*told))) {
    wire::Labels labels = wire::alert_labels(told->alert);
    const std::string id = wire::fingerprint(labels);
    over_[id] = {item.at, std::move(labels), wire::alert_annotations(*told, words_), told->alert.condition.began,
                 item.written_ms};
    return;
  }
  put(item, item.written_ms);
}

void AlertmanagerChannel::forget(const stream::TopicPartition& partition) {
  std::erase_if(firing_, [&](const auto& entry) { return entry.second.at == partition; });
  std::erase_if(over_, [&](const auto& entry) { return entry.second.at == partition; });
}

std::vector<std::string> AlertmanagerChannel::again(std::int64_t now_ms) {
  const std::int64_t oldest = now_ms - options_.resolved_kept.count();
  std::erase_if(over_, [&](const auto& entry) { return entry.second.over_ms <= oldest; });
  std::vector<wire::PostableAlert> alerts;
  for (const auto& [key, said] : firing_) alerts.push_back(postable(said, now_ms));
  for (const auto& [id, over] : over_) alerts.push_back(postable(over, now_ms));
  std::vector<std::string> bodies;
  for (std::size_t begin = 0; begin < alerts.size(); begin += kAlertsOfPost) {
    const std::size_t count = std::min(kAlertsOfPost, alerts.size() - begin);
    bodies.push_back(wire::alertmanager_json(std::span(alerts).subspan(begin, count)));
  }
  return bodies;
}

}  // namespace qc::alerts
