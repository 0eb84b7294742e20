// Corrections into a log (docs/amend.md): looks up what is published of the hours, refuses what the stage would refuse,
// and appends the records, each to the partition of its site. In a fed log, where no time would come to publish them
// by, a tick one millisecond after the last one follows in every partition.
//
// Of hours behind the horizon the stage holds nothing, so their record brings along what was published of them
// (core/past_amend.h): one record a site, read from `means` and `signals` once the processor has read all of the log.
// What such an hour is restored to is made again from the packets (amend_measured.h), or is the last mean that was
// published before a correction.
//
// All or nothing: where one correction cannot be made, nothing is written.
//
// Lifecycle: construct, plan once, then perhaps write once. Threads: one.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/past_gather.h"
#include "core/rules.h"
#include "qingchuan/amend_measured.h"
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
  std::vector<HourNow> hours;        // of its interval, in order
  bool past = false;                 // behind the horizon
  std::vector<core::Mean> measured;  // past and to be restored: of its hours, in order
};

struct AmendPlan {
  std::vector<PlannedAmend> amends;
  std::vector<core::PastAmend> past;  // the records of those behind the horizon, by site
  std::vector<std::string> problems;  // "audit.csv:12: what is wrong"; not empty: nothing can be written
};

struct AmendLimits {
  std::size_t record_bytes_max = std::size_t{1} << 20;
  std::chrono::milliseconds wait{90'000};  // for the processor to have read all of the log
};

class Amending {
 public:
  // `rules`: the configured ones. All outlive it.
  Amending(stream::Log& log, const core::RuleSet& rules, core::Timeline timeline, AmendLimits limits = {});

  Result<AmendPlan> plan(const std::vector<wire::AmendLine>& lines);
  // REQUIRES: a plan without problems. Returns how many went to each partition of `readings`.
  Result<std::map<int, int>> write(const AmendPlan& plan);

 private:
  // A correction, or the part of one that lies on one side of the horizon.
  struct Part {
    core::Amend amend;
    std::string where;
    bool past = false;
  };
  Result<std::vector<Part>> split(const std::vector<wire::AmendLine>& lines);
  Result<void> read_published(const std::vector<Part>& parts);
  Result<void> read_signals();
  Result<void> read_measured(const std::vector<Part>& parts);
  std::optional<std::string> problem_of(const core::Amend& amend) const;
  std::optional<std::string> problem_of_past(const core::Amend& amend, std::vector<core::Mean>& measured) const;
  std::string unknown_site(const std::string& site) const;
  int partition(const std::string& site) const;

  stream::Log& log_;
  const core::RuleSet& rules_;
  core::Timeline timeline_;
  AmendLimits limits_;
  int partitions_ = 0;
  std::map<int, core::EventTime> last_ticks_;                     // of the partitions that have one
  std::map<std::string, HourNow, std::less<>> now_;               // by the key in `means`
  std::set<std::string, std::less<>> sites_;                      // as keys write them; those of `means`
  std::map<std::string, core::PastGather, std::less<>> gathers_;  // by site
  std::map<std::string, core::Mean, std::less<>> before_;         // by key: the last that nobody had corrected
  std::map<int, Measured> measured_;                              // by partition
};

// What there was and what there is to be, a line each.
std::string to_text(const AmendPlan& plan);

}  // namespace qc::commands
