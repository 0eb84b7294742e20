// The topics of a log against those of the configuration: what `qingchuan topics` shows and does. Pure; the command
// reads and writes.
//
// A topic that nobody configured is left alone and is no difference: a cluster is shared. A partition count is for
// ever, because keys and state go by it: a changed one is refused, and with it everything else.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stream/log.h"

namespace qc::commands {

struct TopicDifference {
  enum class Kind { None, Missing, Settings, Partitions, NotConfigured };
  std::string name;
  Kind kind = Kind::None;
  std::optional<stream::TopicSpec> found;
  std::optional<stream::TopicSpec> wanted;
};

// Of every topic, in the configuration's order; then those that are not configured.
std::vector<TopicDifference> compare_topics(std::span<const stream::TopicSpec> found,
                                            std::span<const stream::TopicSpec> wanted);

bool differ(std::span<const TopicDifference> all);   // there is something to do, or to refuse
bool refused(std::span<const TopicDifference> all);  // a partition count changed
std::string to_text(std::span<const TopicDifference> all);

}  // namespace qc::commands
