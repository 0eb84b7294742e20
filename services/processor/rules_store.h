// The topic `rules`: whole rule sets under their hash, and whether the log's time is wall or fed. Content-addressed, so
// looking one up is no side effect: the same hash is the same rules for ever.
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
  Result<void> put_timeline(core::Timeline timeline);

 private:
  Result<void> refresh();
  std::mutex mutex_;
  stream::Log& log_;
  std::map<std::string, std::shared_ptr<const core::RuleSet>, std::less<>> known_;
  core::Timeline timeline_ = core::Timeline::None;
  stream::Offset read_to_ = 0;
};

}  // namespace qc::processor
