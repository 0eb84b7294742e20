// A back-test: the readings of a log folded with another rule set in place of every one that the log names, and the
// alarms that it would have raised, side by side with those that were published.
//
// An alarm is an episode: it counts once, on the day in Beijing that it began on, at the highest level that it reached.
// One that was withdrawn by a correction does not count. All partitions are folded at once, the one whose time is
// furthest behind first, because the region stage compares sites of all of them; its input is what the fold gives.
//
// It reads and changes nothing. Memory: the state of all partitions and the episodes. Threads: the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "processor/records.h"
#include "processor/rules_store.h"
#include "qingchuan/replay_tally.h"
#include "qingchuan/v1/output.pb.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

struct AlarmsOf {
  std::string day;  // 2015-12-08
  std::string site;
  int level = 0;
  auto operator<=>(const AlarmsOf&) const = default;
};

class AlarmCounter {
 public:
  explicit AlarmCounter(ReplayFilter filter) : filter_(std::move(filter)) {}
  // Any record of `signals`.
  void add(std::string_view value);
  std::map<AlarmsOf, std::int64_t> counts() const;

 private:
  struct Episode {
    std::string day;
    std::string site;
    int level = 0;
    bool withdrawn = false;
  };
  ReplayFilter filter_;
  std::map<std::string, Episode> episodes_;  // by id
};

struct BacktestSpec {
  ReplayFilter filter;            // by site, region and the episode's beginning
  processor::StageOptions stage;  // limits; the partition counts are taken from the log
  std::string rules;              // hash of the rule set to fold with
};

struct Backtest {
  std::string rules;
  std::map<AlarmsOf, std::int64_t> published;
  std::map<AlarmsOf, std::int64_t> recomputed;
  std::int64_t readings = 0;
};

// `with`: holds the rule set. Errors: rules_missing, state_corrupt (the log's beginning is gone), stopped, those of the
// log.
Result<Backtest> backtest(stream::Log& log, processor::RulesStore& with, const BacktestSpec& spec,
                          std::stop_token stop = {});

std::string to_text(const Backtest& backtest, double seconds, Language language);
// Columns: day, site, level, published, recomputed.
std::string to_csv(const Backtest& backtest);

}  // namespace qc::commands
