// The topic `rules`: whole rule sets under their hash, whether the log's time is wall or fed, and what is played into
// it. Content-addressed, so looking one up is no side effect: the same hash is the same rules for ever.
//
// Lifecycle: made over a log that has the topic; outlived by it. Threads: any; one look-up at a time reads the log.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "core/rules.h"
#include "stream/log.h"

namespace qc::processor {

inline constexpr const char* kRulesTopic = "rules";

class RulesStore {
 public:
  explicit RulesStore(stream::Log& log) : log_(log) {}

  // rules_missing where the topic doesn't hold it.
  Result<std::shared_ptr<const core::RuleSet>> get(const std::string& hash);
  // Appends the rule set unless it is there. Returns its hash.
  Result<std::string> put(const std::string& canonical_bytes);

  // None where the log has not been set up yet.
  Result<core::Timeline> timeline();
  // `played`: serialised Played (simulation.proto), of a log that a simulation is played into; kept for ever.
  Result<void> put_timeline(core::Timeline timeline, const std::string& played = {});
  // Empty where nothing is played into this log.
  Result<std::string> played();

 private:
  Result<void> refresh();
  std::mutex mutex_;
  stream::Log& log_;
  std::map<std::string, std::shared_ptr<const core::RuleSet>, std::less<>> known_;
  core::Timeline timeline_ = core::Timeline::None;
  std::string played_;
  stream::Offset read_to_ = 0;
};

}  // namespace qc::processor
