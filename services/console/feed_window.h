// The latest changes as the socket thread has them: read from the feed once for all streams, so that thousands of
// streams neither take the feed's lock nor look at a region each. Streams that see the same are one audience: whether
// it sees a change is found out once.
//
// Lifecycle: made over the feed; moved on by take(). Threads: one. Bounded: `capacity` changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "console/feed.h"
#include "console/principal.h"

namespace qc::console {

class EventSource;

// What some streams watch. `key` names it: the same key is the same view.
struct View {
  View(Subjects subjects_seen, Sight sight_seen);
  bool sees(const Feed::Item& item) const {
    return (mask & (1U << static_cast<unsigned>(item.subject))) != 0 && sight.sees(item.region);
  }
  Subjects subjects;
  Sight sight;
  unsigned mask = 0;
  std::string key;
};

struct Audience {
  explicit Audience(std::shared_ptr<const View> seen) : view(std::move(seen)) {}
  std::shared_ptr<const View> view;
  std::vector<std::uint8_t> visible;  // of the window's changes, each in its place
  std::vector<EventSource*> idle;     // these have all that it sees of the window
  std::size_t streams = 0;
};

class FeedWindow {
 public:
  // REQUIRES: `capacity` is a power of two.
  FeedWindow(const Feed& feed, std::size_t capacity);

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return end_; }
  // REQUIRES: first() <= sequence < end().
  const Feed::Item& at(std::uint64_t sequence) const { return items_[place(sequence)]; }
  std::size_t place(std::uint64_t sequence) const { return static_cast<std::size_t>(sequence) & (items_.size() - 1); }
  // The id of the latest change; empty: none is here.
  std::string_view id() const { return first_ == end_ ? std::string_view() : id_of(*at(end_ - 1).frame); }

  // Reads on to the feed's end. False: what came next is no longer in the feed; the window is empty, at the feed's end.
  bool take();
  // Empty, at the feed's end: while nobody watches.
  void skip();

  // The audience of a view; kept while it has streams.
  Audience& join(const std::shared_ptr<const View>& view);
  void leave(Audience& audience);
  // Of each audience: called with whether it sees something of what is at `from` and later.
  template <class F>
  void each_audience(std::uint64_t from, F&& use) {
    for (auto it = audiences_.begin(); it != audiences_.end();) {
      Audience& audience = *it->second;
      ++it;  // its last stream may end
      use(audience, sees_since(audience, from));
    }
  }

 private:
  bool sees_since(Audience& audience, std::uint64_t from);

  const Feed& feed_;
  std::vector<Feed::Item> items_;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::map<std::string, std::unique_ptr<Audience>> audiences_;
};

}  // namespace qc::console
