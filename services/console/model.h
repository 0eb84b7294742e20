// The read model: everything that the control room sees, folded from committed records, in memory and bounded. One
// thread (follower.h) gives it records; any thread reads it.
//
// `read` and `snapshot` hold a shared lock while they run: they copy what they need and leave. What is read together is
// of one moment.
//
// Lifecycle: made empty; records in each partition's order; a record given again does nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "console/feed.h"
#include "console/places.h"
#include "console/principal.h"
#include "console/series.h"
#include "core/alert.h"
#include "core/alert_stage.h"
#include "core/measures.h"
#include "core/warning.h"
#include "stream/log.h"
#include "wire/alert_codec.h"
#include "wire/alert_text.h"
#include "wire/mean_decoder.h"

namespace qingchuan::v1 {
class LedgerEntry;
}

namespace qc::console {

// The rule set with a hash; the same hash is the same rules for ever. Any thread.
using RulesOf = std::function<Result<std::shared_ptr<const core::RuleSet>>(const std::string& hash)>;

// What things are called in a line, by those rules. Any thread.
using WordsOf = std::function<wire::AlertWords(std::shared_ptr<const core::RuleSet> rules)>;

// Topics that the console reads.
inline constexpr const char* kAlerts = "alerts";
inline constexpr const char* kMeans = "means";
inline constexpr const char* kRegionMeans = "region-means";
inline constexpr const char* kLedger = "ledger";
inline constexpr const char* kOutcomes = "outcomes";
inline constexpr const char* kCommands = "commands";

struct AlertEntry {
  core::Alert alert;
  core::Telling telling = core::Telling::Alert;
  bool annunciate = false;
  wire::AlertOrigin origin;
  std::int64_t written_ms = 0;
  std::shared_ptr<const std::string> json;  // as the API and the stream show it (alert_json.h)
};
struct RowEntry {
  core::FoldRow row;
  std::shared_ptr<const std::string> json;
};
struct MaintenanceEntry {
  core::Maintenance maintenance;
  std::shared_ptr<const std::string> json;
};
struct LedgerItem {
  std::string id;
  core::LedgerEntry entry;
  std::string region;  // of the subject, by the rules in force; empty: none (accounts)
};
LedgerItem ledger_item(const ::qingchuan::v1::LedgerEntry& entry, const Places* places);
// The subject of an entry is an alert's key ("rule/subject/factor"), a site or region, or "account/NAME".
std::string ledger_region(std::string_view subject, const Places* places);
// A warning episode of a region, as its alert last said it.
struct EpisodeEntry {
  core::Signal signal;  // rule kWarningRule, with `warning`
};

struct Tables {
  std::map<std::string, AlertEntry, std::less<>> alerts;             // by key as text
  std::map<std::string, RowEntry, std::less<>> rows;                 // by id; those of a flood that goes on
  std::map<std::string, MaintenanceEntry, std::less<>> maintenance;  // by subject; planned and running
  SeriesTable series{SeriesOptions{}};
  std::deque<LedgerItem> ledger;                              // the latest, in their order
  std::uint64_t ledger_dropped = 0;                           // older ones, not kept here
  std::map<std::string, EpisodeEntry, std::less<>> episodes;  // by the signal's id; the latest
  std::shared_ptr<const Places> places;                       // null: no rules are known yet
  std::string rules;                                          // hash of those in force
  core::EventTime now = core::EventTime::min();               // the greatest tick read
};

struct ModelOptions {
  SeriesOptions series;
  FeedOptions feed;
  std::size_t alerts_max = 200'000;  // keys; of more the ones longest over go
  std::size_t ledger_max = 50'000;
  std::size_t episodes_max = 10'000;
};

// What a new subscriber is told first.
struct Snapshot {
  std::vector<std::shared_ptr<const std::string>> frames;  // without ids
  std::uint64_t sequence = 0;                              // of the feed: what comes next
  std::string id;                                          // the positions that it is of
};

using Subjects = std::set<Subject>;

class Model {
 public:
  Model(ModelOptions options, Slots slots, RulesOf rules, WordsOf words);

  // By these rules until records name others: what things are called, who lies where. Errors: they cannot be read.
  Result<void> use_rules(const std::string& hash);
  // A record of alerts, means, region-means or ledger.
  void apply(const stream::Record& record);
  // After a batch, once all that was there at the start has been read: takes the rules that the latest record names.
  Result<void> settle();
  std::uint64_t refused_records() const;  // could not be read

  template <class F>
  auto read(F&& use) const {
    const std::shared_lock lock(mutex_);
    return use(static_cast<const Tables&>(tables_));
  }
  Snapshot snapshot(const Subjects& subjects, const Sight& sight) const;
  Feed& feed() { return feed_; }
  const Feed& feed() const { return feed_; }

 private:
  void take_alert(const stream::Record& record, std::size_t slot);
  void take_mean(const stream::Record& record, std::size_t slot, bool of_region);
  void take_ledger(const stream::Record& record);
  void tell(Subject subject, std::size_t slot, const stream::Record& record, std::string region, const char* event,
            std::shared_ptr<const std::string> data);
  void drop_alerts();

  const ModelOptions options_;
  const RulesOf rules_of_;
  const WordsOf words_of_;
  mutable std::shared_mutex mutex_;
  Tables tables_;
  Feed feed_;
  wire::MeanDecoder means_;
  std::map<stream::TopicPartition, std::size_t> slot_of_;
  std::map<stream::TopicPartition, stream::Offset> next_;
  wire::AlertWords words_;
  std::string named_;  // hash that the latest record names
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace qc::console
