// The published records of one partition of an output topic that one stage of one input partition made, in their
// sequence: what `replay` compares with. Read as they are asked for; memory: the batches that are looked at.
//
// Lifecycle: open over an end that is known, then ahead() and take(). Threads: one.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/result.h"
#include "qingchuan/replay_made.h"
#include "stream/read_range.h"

namespace qc::commands {

// What was made before the fold began: it is passed over.
struct MadeBefore {
  stream::Offset at = 0;
  core::EventTime now = core::EventTime::min();
  bool holds(const Made& made) const { return made.tick ? made.now <= now : made.at < at; }
};

struct Published {
  stream::Record record;
  Made made;
  std::shared_ptr<stream::Batch> batch;  // what the record's views live in
};

class PublishedStream {
 public:
  using Other = std::function<void(const stream::Record&, const std::optional<Made>&)>;
  // `other`: told of each record that another made, or of which nobody can say who did; may be empty.
  static Result<std::unique_ptr<PublishedStream>> open(stream::Log& log, const stream::Stretch& of, const Maker& by,
                                                       const MadeBefore& before, Other other);

  // The one that comes so many behind the next; nullptr: there are not so many. Valid until take() passes it.
  Result<const Published*> ahead(std::size_t places = 0);
  void take() { queue_.pop_front(); }
  std::int64_t passed_over() const { return passed_over_; }

 private:
  PublishedStream(std::unique_ptr<stream::Reader> reader, const stream::Stretch& of, const Maker& by,
                  const MadeBefore& before, Other other)
      : reader_(std::move(reader)), left_(of), by_(by), before_(before), other_(std::move(other)) {}
  Result<void> read_on();

  std::unique_ptr<stream::Reader> reader_;
  stream::Stretch left_;  // not read yet
  Maker by_;
  MadeBefore before_;
  Other other_;
  bool ended_ = false;
  std::int64_t passed_over_ = 0;
  std::deque<Published> queue_;
};

}  // namespace qc::commands
