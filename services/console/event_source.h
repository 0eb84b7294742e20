// One stream: what it says next. For stream.cc alone.
//
// Phases: greeting (hello; reset; snapshot; live), changes, over. What only the greeting needs is freed after it,
// because thousands of streams stand open for days.
//
// Lifecycle: made when the answer begins, destroyed with its connection. Threads: the socket thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "console/feed_window.h"
#include "console/snapshots.h"
#include "console/stream.h"

namespace qc::console {

using SharedFrame = std::shared_ptr<const std::string>;
using StreamTime = std::chrono::steady_clock::time_point;

enum class ResetReason : std::uint8_t { TooOld = 1, Ahead, UnknownId, Behind };
enum class ByeReason : std::uint8_t { None = 0, SignedOut, Rights, Stopping };

// What all streams share.
struct StreamHub {
  StreamHub(Feed& read, SnapshotOf snapshot, StreamOptions given);

  // Reads what came and wakes those who see some of it.
  void changed();
  void look(StreamTime at);

  Feed& feed;
  const StreamOptions options;
  Snapshots snapshots;

  // Socket thread.
  FeedWindow window;
  std::vector<EventSource*> all;
  std::vector<EventSource*> waking;  // while they are woken; null: gone meanwhile
  StreamTime now;
  SharedFrame beat;  // a sign of life with the window's latest id
  std::string beat_id;

  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> snapshots_sent{0};
  std::atomic<std::uint64_t> resets{0};
  std::atomic<std::uint64_t> resumed{0};
};

// What a stream says before changes.
struct Greeting {
  SharedFrame hello;  // null: said
  SharedFrame reset;  // null: none, or said
  bool wants_snapshot = false;
  std::shared_ptr<const Snapshot> snapshot;
  std::size_t at = 0;  // frames sent; 0: `snapshot` was not said yet
  StreamTime until;    // the snapshot's
};

// Who came back: what it has seen of what stands before `end`.
struct Resuming {
  Positions seen;
  std::uint64_t end = 0;
};

struct SourceParts {
  std::shared_ptr<StreamHub> hub;
  std::shared_ptr<const View> view;
  std::shared_ptr<void> permit;  // counts it among its principal's
  std::function<std::optional<Sight>()> still;
  std::unique_ptr<Greeting> greeting;
  std::unique_ptr<Resuming> resuming;
  std::uint64_t from = 0;  // with `resuming`
};

SharedFrame reset_frame(ResetReason reason);

class EventSource final : public platform::WebSource {
 public:
  explicit EventSource(SourceParts parts);
  ~EventSource() override;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  void opened(platform::WebStream& stream) override;
  void next(std::vector<SharedFrame>& out, std::size_t bytes_max) override;
  void draining() override;

 private:
  friend struct StreamHub;
  struct Out;  // what next() gathers
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  void look(StreamTime at);
  void wake_from(std::uint64_t from);
  bool greet(Out& out);
  bool begin_snapshot();
  void changes(Out& out);
  bool read_window(Out& out);
  bool read_feed(Out& out);
  void change(const Feed::Item& item, Out& out);
  void fell_behind();
  void go_idle();
  void leave_idle();
  void say_bye(ByeReason reason);
  SharedFrame sign_of_life() const;

  std::shared_ptr<StreamHub> hub_;
  std::shared_ptr<const View> view_;
  std::shared_ptr<void> permit_;
  std::function<std::optional<Sight>()> still_;
  std::unique_ptr<Greeting> greeting_;
  std::unique_ptr<Resuming> resuming_;
  platform::WebStream* web_ = nullptr;
  Audience* audience_ = nullptr;
  std::uint64_t next_;  // while idle: what it has is at least this
  std::size_t idle_at_ = kNowhere;
  std::size_t all_at_ = kNowhere;
  std::size_t waking_at_ = kNowhere;
  StreamTime said_at_;
  StreamTime check_at_;
  ByeReason bye_ = ByeReason::None;
  bool beat_due_ = false;
  bool over_ = false;
};

}  // namespace qc::console
