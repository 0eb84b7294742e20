// What a replay found: counts of each pair of input partition and output topic, the first differences in full, and what
// could not be recomputed, by series. Gathered by the comparisons, printed by replay_print.
//
// Memory: the series that something could not be recomputed of. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/time.h"
#include "qingchuan/replay_made.h"
#include "stream/log.h"

namespace qc::commands {

// Which records are counted and shown. The fold goes through all of them.
struct ReplayFilter {
  std::vector<std::string> sites;  // empty: all
  std::string region;              // a county or a root region; empty: all
  core::EventTime from = core::EventTime::min();
  core::EventTime until = core::EventTime::max();
  bool all() const {
    return sites.empty() && region.empty() && from == core::EventTime::min() && until == core::EventTime::max();
  }
  // By site, region, and a window's end (a signal's instant) within (from, until].
  bool holds(const About& a) const;
};

// Why a published record could not be compared, or what was recomputed has nothing to be compared with.
enum class NotRecomputed {
  InputTrimmed,      // retention took the beginning of the input, and no snapshot stands in for it
  PublishedTrimmed,  // retention took what was published
  Compacted,         // a later revision stands in the log, the earlier one is compacted away
  MeansIncomplete,   // the region stage's input: means that are gone, or are not what they were
};
inline constexpr std::size_t kNotRecomputed = 4;

struct ReplayCount {
  std::int64_t equal = 0;
  std::int64_t different = 0;
  std::int64_t not_recomputed = 0;
};

enum class DifferenceKind { Differs, Missing, Unexpected, Unreadable };

struct Difference {
  DifferenceKind kind = DifferenceKind::Differs;
  std::string maker;      // "readings-2"; empty: nobody's
  std::string published;  // "means-0 at 4711"; empty: not there
  std::string made_at;    // "readings-2 at 815"; empty: not recomputed
  std::string fields;     // that differ
  std::string was;        // whole records, a line each
  std::string is;
};

struct UnseenSeries {
  NotRecomputed why{};
  std::string topic;
  std::string site;
  std::string factor;
  std::string what;  // a mean's window, a signal's rule, "tick", "dead letter", "row ended"
  auto operator<=>(const UnseenSeries&) const = default;
};
struct Unseen {
  std::int64_t records = 0;
  core::EventTime first = core::EventTime::max();  // of the windows' ends
  core::EventTime last = core::EventTime::min();
};

// Empty: it erases its key.
inline std::string_view value_of(const stream::NewRecord& record) {
  return record.value ? std::string_view(*record.value) : std::string_view();
}

class ReplayTally {
 public:
  explicit ReplayTally(ReplayFilter filter, std::size_t shown_max = 20)
      : filter_(std::move(filter)), shown_max_(shown_max) {}

  // The one that a comparison counts in.
  ReplayCount& count(const Maker& by, const std::string& topic) { return counts_[{by, topic}]; }
  // Whether a record is to be counted at all.
  bool wanted(std::string_view topic, std::string_view key, std::string_view value) const;

  // Those that the filter leaves out are not counted.
  void equal(ReplayCount& in, std::string_view topic, std::string_view key, std::string_view value);
  void differs(ReplayCount& in, const Maker& by, const stream::Record& published, const stream::NewRecord& recomputed,
               stream::Offset at);
  void missing(ReplayCount& in, const Maker& by, const stream::NewRecord& recomputed, stream::Offset at);
  void unexpected(ReplayCount& in, const Maker& by, const stream::Record& published);
  void unreadable(const stream::Record& published);
  void not_recomputed(ReplayCount& in, NotRecomputed why, std::string_view topic, std::string_view key,
                      std::string_view value, std::int64_t records = 1);

  const std::map<std::pair<Maker, std::string>, ReplayCount>& counts() const { return counts_; }
  const std::map<UnseenSeries, Unseen>& unseen() const { return unseen_; }
  const std::vector<Difference>& first_differences() const { return shown_; }
  std::int64_t differences() const { return differences_; }
  std::int64_t equals() const;
  std::int64_t all_not_recomputed() const;

 private:
  void show(Difference difference);

  ReplayFilter filter_;
  std::size_t shown_max_;
  std::map<std::pair<Maker, std::string>, ReplayCount> counts_;
  std::map<UnseenSeries, Unseen> unseen_;
  std::vector<Difference> shown_;
  std::int64_t differences_ = 0;
};

}  // namespace qc::commands
