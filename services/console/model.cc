#include "console/model.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "console/alert_json.h"
#include "console/json_text.h"
#include "qingchuan/v1/alert.pb.h"
#include "wire/keys.h"

namespace qc::console {
namespace {

std::shared_ptr<const std::string> line_of(const boost::json::object& object) {
  return std::make_shared<const std::string>(json_line(object));
}

constexpr std::string_view kRowKey = "@row|";
constexpr std::string_view kMaintenanceKey = "@maintenance|";

}  // namespace

Model::Model(ModelOptions options, Slots slots, RulesOf rules, WordsOf words)
    : options_(options), rules_of_(std::move(rules)), words_of_(std::move(words)), feed_(options.feed, slots) {
  tables_.series = SeriesTable(options_.series);
  for (std::size_t i = 0; i < slots.size(); ++i) slot_of_.emplace(slots[i], i);
}

Result<void> Model::use_rules(const std::string& hash) {
  auto rules = rules_of_(hash);
  if (!rules) return tl::make_unexpected(rules.error());
  auto places = std::make_shared<const Places>(*rules);
  const std::unique_lock lock(mutex_);
  words_ = words_of_(*rules);
  tables_.places = std::move(places);
  tables_.rules = named_ = hash;
  const Places* names = tables_.places.get();
  for (auto& [key, entry] : tables_.alerts) entry.json = line_of(alert_json(entry, words_, names));
  for (auto& [id, entry] : tables_.rows) entry.json = line_of(row_json(entry.row, words_, names));
  for (auto& [subject, entry] : tables_.maintenance) entry.json = line_of(maintenance_json(entry.maintenance, names));
  for (LedgerItem& item : tables_.ledger) item.region = ledger_region(item.entry.subject, names);
  return {};
}

Result<void> Model::settle() {
  if (named_.empty() || named_ == tables_.rules) return {};
  return use_rules(named_);
}

std::uint64_t Model::refused_records() const {
  return refused_.load(std::memory_order_relaxed);
}

void Model::apply(const stream::Record& record) {
  auto& next = next_[*record.from];
  if (record.offset < next) return;
  next = record.offset + 1;
  const auto found = slot_of_.find(*record.from);
  const std::size_t slot = found == slot_of_.end() ? 0 : found->second;
  const std::unique_lock lock(mutex_);
  const std::string& topic = record.from->topic;
  if (topic == kAlerts) {
    take_alert(record, slot);
  } else if (topic == kMeans || topic == kRegionMeans) {
    take_mean(record, slot, topic == kRegionMeans);
  } else if (topic == kLedger) {
    take_ledger(record);
  }
  // Also what nobody sees moves the place that an event's id names.
  if (found != slot_of_.end()) feed_.pass(slot, record.offset);
}

void Model::tell(Subject subject, std::size_t slot, const stream::Record& record, std::string region, const char* event,
                 std::shared_ptr<const std::string> data) {
  feed_.add({subject, slot, record.offset, std::move(region), event, std::move(data)});
}

void Model::take_alert(const stream::Record& record, std::size_t slot) {
  const Places* places = tables_.places.get();
  if (record.tombstone) {
    if (record.key.starts_with(kRowKey)) {
      const auto row = tables_.rows.find(record.key.substr(kRowKey.size()));
      if (row != tables_.rows.end()) tables_.rows.erase(row);
    } else if (record.key.starts_with(kMaintenanceKey)) {
      const auto plan = tables_.maintenance.find(record.key.substr(kMaintenanceKey.size()));
      if (plan != tables_.maintenance.end()) tables_.maintenance.erase(plan);
    } else if (const auto alert = tables_.alerts.find(record.key); alert != tables_.alerts.end()) {
      tables_.alerts.erase(alert);
    }
    return;
  }
  auto decoded = wire::decode_alert_record(record.value);
  if (auto* row = std::get_if<core::FoldRow>(&decoded)) {
    auto json = line_of(row_json(*row, words_, places));
    tell(Subject::Alerts, slot, record, row->region, "row", json);
    std::string id = row->id;
    if (row->open) {
      tables_.rows[std::move(id)] = {std::move(*row), std::move(json)};
    } else {
      tables_.rows.erase(id);
    }
  } else if (auto* plan = std::get_if<core::Maintenance>(&decoded)) {
    auto json = line_of(maintenance_json(*plan, places));
    tell(Subject::Alerts, slot, record, plan->region, "maintenance", json);
    std::string subject = plan->subject;
    if (plan->open) {
      tables_.maintenance[std::move(subject)] = {std::move(*plan), std::move(json)};
    } else {
      tables_.maintenance.erase(subject);
    }
  } else if (auto* alert = std::get_if<wire::DecodedAlert>(&decoded)) {
    AlertEntry entry;
    entry.telling = alert->told.telling;
    entry.annunciate = alert->told.annunciate;
    entry.alert = std::move(alert->told.alert);
    entry.origin = std::move(alert->origin);
    entry.written_ms = record.written_ms;
    entry.json = line_of(alert_json(entry, words_, places));
    if (!entry.origin.rules.empty()) named_ = entry.origin.rules;
    tell(Subject::Alerts, slot, record, entry.alert.condition.region, "alert", entry.json);
    if (entry.alert.condition.warning != nullptr) {
      tables_.episodes[entry.alert.condition.id] = {entry.alert.condition};
      if (tables_.episodes.size() > options_.episodes_max) {
        tables_.episodes.erase(std::min_element(
            tables_.episodes.begin(), tables_.episodes.end(),
            [](const auto& a, const auto& b) { return a.second.signal.began < b.second.signal.began; }));
      }
    }
    std::string key = core::text(entry.alert.key);
    tables_.alerts[std::move(key)] = std::move(entry);
    if (tables_.alerts.size() > options_.alerts_max) drop_alerts();
  } else {
    ++refused_;
  }
}

// A tenth of those that are over, the longest over first; what is listed stays, whatever the number.
void Model::drop_alerts() {
  std::vector<std::pair<core::EventTime, std::string_view>> over;
  for (const auto& [key, entry] : tables_.alerts) {
    if (!entry.alert.listed) over.emplace_back(entry.alert.change.at, key);
  }
  const std::size_t drop = std::min(over.size(), options_.alerts_max / 10 + 1);
  std::nth_element(over.begin(), over.begin() + static_cast<std::ptrdiff_t>(drop), over.end());
  for (std::size_t i = 0; i < drop; ++i) tables_.alerts.erase(tables_.alerts.find(over[i].second));
}

void Model::take_mean(const stream::Record& record, std::size_t slot, bool of_region) {
  if (record.tombstone) return;
  auto decoded = means_.decode(record.value);
  if (const auto* tick = std::get_if<wire::UpstreamTick>(&decoded)) {
    tables_.now = std::max(tables_.now, tick->tick.now);
    return;
  }
  const auto* mean = std::get_if<const wire::DecodedMean*>(&decoded);
  if (mean == nullptr) {
    ++refused_;
    return;
  }
  if (!(*mean)->rules.empty()) named_ = (*mean)->rules;
  const core::Mean& m = (*mean)->mean;
  if (!tables_.series.take(m, of_region)) return;
  const SeriesKey key{m.site, m.factor, m.window};
  const Series& series = *tables_.series.find(key);
  // A correction of an older point is told as well as the newest one: whoever draws the curve wants both.
  const auto at = std::lower_bound(series.points.begin(), series.points.end(), m.interval.end,
                                   [](const SeriesPoint& p, core::EventTime end) { return p.interval.end < end; });
  tell(of_region ? Subject::RegionMeans : Subject::Means, slot, record, series.region, "mean",
       line_of(mean_json(key, series, *at, tables_.places.get())));
}

void Model::take_ledger(const stream::Record& record) {
  ::qingchuan::v1::LedgerEntry e;
  if (record.tombstone || !e.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    ++refused_;
    return;
  }
  LedgerItem item = ledger_item(e, tables_.places.get());
  tables_.ledger.push_back(std::move(item));
  if (tables_.ledger.size() > options_.ledger_max) {
    tables_.ledger.pop_front();
    ++tables_.ledger_dropped;
  }
}

Snapshot Model::snapshot(const Subjects& subjects, const Sight& sight) const {
  Snapshot out;
  const std::shared_lock lock(mutex_);
  const auto add = [&](const char* event, const std::string& data) {
    out.frames.push_back(std::make_shared<const std::string>(frame_of({}, event, data)));
  };
  if (subjects.contains(Subject::Alerts)) {
    for (const auto& [key, entry] : tables_.alerts) {
      if (entry.alert.listed && sight.sees(entry.alert.condition.region)) add("alert", *entry.json);
    }
    for (const auto& [id, entry] : tables_.rows) {
      if (sight.sees(entry.row.region)) add("row", *entry.json);
    }
    for (const auto& [subject, entry] : tables_.maintenance) {
      if (sight.sees(entry.maintenance.region)) add("maintenance", *entry.json);
    }
  }
  const bool sites = subjects.contains(Subject::Means);
  const bool regions = subjects.contains(Subject::RegionMeans);
  if (sites || regions) {
    for (const auto& [key, series] : tables_.series.all()) {
      const SeriesPoint* latest = series.latest();
      if ((series.of_region ? !regions : !sites) || latest == nullptr || !sight.sees(series.region)) continue;
      add("mean", json_line(mean_json(key, series, *latest, tables_.places.get())));
    }
  }
  out.sequence = feed_.end();
  out.id = text(feed_.positions());
  return out;
}

}  // namespace qc::console
