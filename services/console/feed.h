// What has happened, for those who watch: a ring of the last changes, in the order in which they were read, each with
// its frame as it goes over the wire. Subscribers hold a place in it (`sequence`) and read on from there; whoever falls
// out of its past begins again with a snapshot. Bounded by number and bytes; nobody's slowness costs others anything.
//
// The ring is filled from the start of the process on with what is read then, so that a client that was away during a
// restart finds the changes that it has not seen. Another process reads the partitions in another interleaving; within
// a partition the order is always the log's.
//
// Lifecycle: made with the model (model.h), which writes it. Threads: any; one writer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "console/positions.h"

namespace qc::console {

// What can be subscribed to.
enum class Subject : std::uint8_t { Alerts = 0, Means, RegionMeans };
inline constexpr std::size_t kSubjects = 3;
std::string_view name(Subject subject);  // "alerts", "means", "region-means": the topic's name, too
std::optional<Subject> subject_named(std::string_view text);
using Subjects = std::set<Subject>;

struct Change {
  Subject subject = Subject::Alerts;
  std::size_t slot = 0;
  stream::Offset offset = 0;
  std::string region;                       // who sees it
  std::string event;                        // "alert", "row", "maintenance", "mean"
  std::shared_ptr<const std::string> data;  // JSON, one line
};

struct FeedOptions {
  std::size_t changes_max = 200'000;
  std::size_t bytes_max = std::size_t{128} << 20;  // frames, with what it costs to keep them
};

// "id: 1.5.6\nevent: alert\ndata: {...}\n\n"; id empty: none. REQUIRES: no line break in any of them.
std::string frame_of(std::string_view id, std::string_view event, std::string_view data);
// The id of such a frame; empty: none.
std::string_view id_of(std::string_view frame);

class Feed {
 public:
  // REQUIRES: the topic of each slot is the name of a subject.
  Feed(FeedOptions options, Slots slots);

  struct Item {
    std::uint64_t sequence = 0;
    Subject subject = Subject::Alerts;
    std::size_t slot = 0;
    stream::Offset offset = 0;
    std::string region;
    std::shared_ptr<const std::string> frame;  // its id: the positions after it
  };

  // Writer only. The slot's position becomes offset + 1. REQUIRES: offsets of a slot rise; the subject is the slot's.
  void add(Change change);
  // A record of a slot was read that nobody sees; after add() of the same it does nothing.
  void pass(std::size_t slot, stream::Offset offset);

  const Slots& slots() const { return slots_; }
  Subject subject_of(std::size_t slot) const { return subject_of_[slot]; }
  std::uint64_t begin() const;  // of the oldest that is kept
  std::uint64_t end() const;    // after the latest
  Positions positions() const;  // of end()

  // Calls with each item from `from` on until it says false (that item is used); returns the next sequence to ask for.
  // nullopt: `from` is before what is kept. The feed is locked meanwhile: be quick.
  std::optional<std::uint64_t> read(std::uint64_t from, const std::function<bool(const Item&)>& use) const;

  // Where one who has seen all changes of `subjects` before `seen` goes on: every change that it has not seen is at or
  // after `from`. From there to `end` stand such that it has seen, too: those with an offset before `seen` of their
  // slot; and there the id of an item may be behind `seen`, because the partitions were read in another interleaving
  // then. From `end` on neither is so.
  // nullopt: something in between is no longer kept (TooOld), or `seen` is ahead of this feed (another log: Ahead).
  // Slots of other subjects do not matter.
  struct Resume {
    std::uint64_t from = 0;
    std::uint64_t end = 0;
  };
  enum class NoResume : std::uint8_t { TooOld = 1, Ahead };
  std::optional<Resume> resume(const Positions& seen, const Subjects& subjects, NoResume* why = nullptr) const;

  // Called by the writer after changes were added; set once before the first, for whoever must wake its readers.
  void on_change(std::function<void()> wake);
  void wake() const;

  struct Figures {
    std::size_t changes = 0;
    std::size_t bytes = 0;
    std::uint64_t dropped = 0;  // out of the ring
  };
  Figures figures() const;

 private:
  void moved(std::size_t slot, stream::Offset offset);
  void trim();

  const FeedOptions options_;
  const Slots slots_;
  std::vector<Subject> subject_of_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
  std::vector<std::deque<std::uint64_t>> of_slot_;  // sequences of each slot's items: resuming looks nothing else up
  std::uint64_t first_ = 0;                         // sequence of items_.front()
  Positions next_;                                  // of end(); written by the writer alone
  Positions kept_;                                  // everything at or after these is still in the ring
  std::vector<bool> begun_;                         // a record of the slot was read
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::shared_ptr<const std::function<void()>> wake_;
};

}  // namespace qc::console
