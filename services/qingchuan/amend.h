// Corrections into a log (docs/amend.md): looks up what is published of the hours, refuses what the stage would refuse,
// and appends the records, each to the partition of its site. In a fed log, where no time would come to publish them
// by, a tick one millisecond after the last one follows in every partition.
//
// All or nothing: where one correction cannot be made, nothing is written.
//
// Lifecycle: construct, plan once, then perhaps write once. Threads: one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/rules.h"
#include "stream/log.h"
#include "wire/amend_lines.h"
#include "wire/codec.h"

namespace qc::commands {

// What is published of one hour, the latest revision.
struct HourNow {
  bool is_known = false;
  std::int32_t revision = 0;
  bool valid = false;
  bool audited = false;
  core::Concentration value;
  core::Source source = core::Source::None;
};

struct PlannedAmend {
  core::Amend amend;
  std::vector<HourNow> hours;  // of its interval, in order
};

struct AmendPlan {
  std::vector<PlannedAmend> amends;
  std::vector<std::string> problems;  // "audit.csv:12: what is wrong"; not empty: nothing can be written
};

class Amending {
 public:
  // `rules`: the configured ones. All outlive it.
  Amending(stream::Log& log, const core::RuleSet& rules, core::Timeline timeline);

  Result<AmendPlan> plan(const std::vector<wire::AmendLine>& lines);
  // REQUIRES: a plan without problems. Returns how many went to each partition of `readings`.
  Result<std::map<int, int>> write(const AmendPlan& plan);

 private:
  Result<void> look_up(const std::vector<wire::AmendLine>& lines);
  std::optional<std::string> problem_of(const core::Amend& amend) const;
  std::string unknown_site(const std::string& site) const;
  int partition(const std::string& site) const;

  stream::Log& log_;
  const core::RuleSet& rules_;
  core::Timeline timeline_;
  int partitions_ = 0;
  std::map<int, core::EventTime> last_ticks_;        // of the partitions that have one
  std::map<std::string, HourNow, std::less<>> now_;  // by the key in `means`
  std::set<std::string, std::less<>> sites_;         // as keys write them; those of `means`
};

// What there was and what there is to be, a line each.
std::string to_text(const AmendPlan& plan);

}  // namespace qc::commands
