// What names positions of the log, in records and in state, said anew for a copy in which they are others
// (offset_map.h).
//
//   means                      origin: of the partition of `readings` that it was made from
//   signals                    origin: of `readings`, or of `means` where the region stage made it (header ce_source)
//   dead-letters               the record that it is
//   alerts, outcomes, ledger   how far signals and commands had been read; an alert its signal's origin
//   <service>-state            the worker's position; first inputs of windows and episodes; the region stage's order
//
// An input that is no longer there: a window begins with the first one that is; a maker (`offset`) is the last one at
// or before it, so that it still says how far its stage had read; -1 where there is none.
//
// Values and functions; threads: one at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qingchuan/offset_map.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "stream/log.h"

namespace qc::commands {

// A service, as far as a copy of its log is concerned: its group and the state topic "<name>-state".
struct CopyGroup {
  std::string name;
  std::vector<std::string> topics;  // its inputs
};
// Those of this binary.
std::vector<CopyGroup> copy_groups();

// The last value of each key.
using StateEntries = std::map<std::string, std::string>;

class Renumber {
 public:
  // `maps`: of the partitions of the groups' inputs. Outlives this.
  Renumber(const std::map<stream::TopicPartition, OffsetMap>& maps, std::vector<CopyGroup> groups);

  // Some offset that somebody may name is another one in the copy.
  bool needed() const { return needed_; }
  // Whether the state beside it names an input whose offsets change.
  bool needs_state(const stream::TopicPartition& state) const;
  // Whether it is known what the records of a topic name.
  static bool knows(const std::string& topic);
  // The value in the copy; nullopt: as it is.
  std::optional<std::string> value(const stream::Record& record) const;
  // The state of one partition number in the copy. copy_refused: a position cannot be told; state_version,
  // state_corrupt: it cannot be read.
  Result<StateEntries> state(const stream::TopicPartition& state, const StateEntries& entries) const;

 private:
  const CopyGroup* group_of(const std::string& state_topic) const;
  const OffsetMap* changed(const std::string& topic, int partition) const;
  Result<StateEntries> readings_state(const OffsetMap& map, const StateEntries& entries) const;
  Result<StateEntries> regions_state(const std::string& topic, const OffsetMap& map, const StateEntries& entries) const;
  std::optional<std::string> of_alerts(const stream::Record& record) const;
  bool change_alert(::qingchuan::v1::Alert& alert) const;  // true: something changed
  bool change_alert_origin(::qingchuan::v1::AlertOrigin& origin) const;
  std::optional<std::string> taken(::qingchuan::v1::SignalRecord& message) const;

  const std::map<stream::TopicPartition, OffsetMap>& maps_;
  std::vector<CopyGroup> groups_;
  bool needed_ = false;
};

}  // namespace qc::commands
