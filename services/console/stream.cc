#include "console/stream.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "console/event_source.h"

namespace qc::console {
namespace {

constexpr int kStreamRetryMs = 2'000;  // after which a browser comes back

// `resumed`: the id that the client came back with. It is said again: a parser that begins with an empty one would
// otherwise forget it with this event.
SharedFrame hello_frame(const View& view, std::chrono::milliseconds heartbeat, const std::string& resumed) {
  std::string subjects;
  for (const Subject subject : view.subjects) {
    if (!subjects.empty()) subjects += ',';
    subjects.append("\"").append(name(subject)).append("\"");
  }
  std::string out = resumed.empty() ? std::string() : "id: " + resumed + "\n";
  out += "retry: " + std::to_string(kStreamRetryMs) + "\nevent: hello\ndata: {\"subjects\":[" + subjects;
  out += "],\"heartbeat_ms\":" + std::to_string(heartbeat.count());
  out += resumed.empty() ? ",\"resumed\":false}\n\n" : ",\"resumed\":true}\n\n";
  return std::make_shared<const std::string>(std::move(out));
}

}  // namespace

struct EventStreams::Impl {
  Impl(Feed& feed, SnapshotOf snapshot, StreamOptions options)
      : hub(std::make_shared<StreamHub>(feed, std::move(snapshot), std::move(options))) {}

  // Tasks that were posted and have not run yet are one.
  struct Posting {
    std::mutex mutex;
    std::function<void(std::function<void()>)> post;  // empty: closed
    std::atomic<bool> change_waits = false;
    std::atomic<bool> tick_waits = false;

    void send(std::atomic<bool>& waits, std::function<void()> task) {
      if (waits.exchange(true)) return;
      const std::lock_guard lock(mutex);
      if (post) {
        post(std::move(task));
      } else {
        waits = false;
      }
    }
  };

  // Permits outlive the streams' owner with the last stream.
  struct Principals {
    std::mutex mutex;
    std::map<std::string, std::size_t> streams;
  };
  std::shared_ptr<void> permit_of(const Principal& who);
  void choose_beginning(const StreamAsked& asked, SourceParts& parts);

  std::shared_ptr<StreamHub> hub;
  std::shared_ptr<Posting> posting = std::make_shared<Posting>();
  std::shared_ptr<Principals> principals = std::make_shared<Principals>();
  std::atomic<std::uint64_t> refused{0};
  std::jthread ticker;
};

std::shared_ptr<void> EventStreams::Impl::permit_of(const Principal& who) {
  const std::string key = who.id.empty() ? "account/" + who.account : who.id;
  const std::lock_guard lock(principals->mutex);
  std::size_t& count = principals->streams[key];
  if (count >= hub->options.per_principal_max) {
    if (count == 0) principals->streams.erase(key);
    return nullptr;
  }
  ++count;
  const auto give_back = [counted = principals, key](void*) {
    const std::lock_guard again(counted->mutex);
    const auto found = counted->streams.find(key);
    if (--found->second == 0) counted->streams.erase(found);
  };
  return {static_cast<void*>(principals.get()), give_back};
}

void EventStreams::Impl::choose_beginning(const StreamAsked& asked, SourceParts& parts) {
  Greeting& greeting = *parts.greeting;
  const StreamOptions& options = hub->options;
  std::optional<ResetReason> reset;
  if (!asked.last_event_id.empty()) {
    const auto seen = parse_positions(asked.last_event_id, hub->feed.slots().size());
    Feed::NoResume why = Feed::NoResume::TooOld;
    const auto resume = seen ? hub->feed.resume(*seen, asked.subjects, &why) : std::nullopt;
    if (resume) {
      parts.from = resume->from;
      parts.resuming = std::make_unique<Resuming>(Resuming{*seen, resume->end});
      greeting.hello = hello_frame(*parts.view, options.heartbeat, text(*seen));
      return;
    }
    reset = !seen ? ResetReason::UnknownId : why == Feed::NoResume::Ahead ? ResetReason::Ahead : ResetReason::TooOld;
  }
  greeting.hello = hello_frame(*parts.view, options.heartbeat, {});
  if (reset) greeting.reset = reset_frame(*reset);
  greeting.wants_snapshot = true;
  // Made here, in a worker, so that the socket thread goes on meanwhile.
  const StreamTime now = options.now();
  greeting.snapshot = hub->snapshots.get(*parts.view, now);
  greeting.until = now + options.snapshot_within;
}

EventStreams::EventStreams(Feed& feed, SnapshotOf snapshot, StreamOptions options)
    : impl_(std::make_shared<Impl>(feed, std::move(snapshot), std::move(options))) {}

EventStreams::~EventStreams() {
  close();
}

void EventStreams::use(std::function<void(std::function<void()>)> post) {
  {
    const std::lock_guard lock(impl_->posting->mutex);
    QC_ASSERT(!impl_->posting->post);
    impl_->posting->post = std::move(post);
  }
  // The feed outlives neither's tasks: what is posted holds what it needs.
  const auto changed = [hub = impl_->hub, posting = impl_->posting] {
    posting->change_waits = false;
    hub->changed();
  };
  impl_->hub->feed.on_change([changed, posting = impl_->posting] { posting->send(posting->change_waits, changed); });
  const auto every = impl_->hub->options.tick;
  if (every.count() == 0) return;
  const auto look = [hub = impl_->hub, posting = impl_->posting] {
    posting->tick_waits = false;
    hub->look(hub->options.now());
  };
  impl_->ticker = std::jthread([every, look, posting = impl_->posting](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, every, [&stop] { return stop.stop_requested(); })) {
      posting->send(posting->tick_waits, look);
    }
  });
}

void EventStreams::close() {
  if (impl_->ticker.joinable()) {
    impl_->ticker.request_stop();
    impl_->ticker.join();
  }
  const std::lock_guard lock(impl_->posting->mutex);
  impl_->posting->post = nullptr;
}

platform::WebResponse EventStreams::open(StreamAsked asked) {
  auto parts = std::make_shared<SourceParts>();
  parts->permit = impl_->permit_of(asked.who);
  if (parts->permit == nullptr) {
    ++impl_->refused;
    const std::string detail =
        "too many streams of one session or token: " + std::to_string(impl_->hub->options.per_principal_max) +
        " are open";
    platform::WebResponse response;
    if (impl_->hub->options.problem) {
      response = impl_->hub->options.problem(429, detail);
    } else {
      response.status = 429;
      response.body = std::make_shared<const std::string>(detail + "\n");
    }
    response.headers.emplace_back("Retry-After", "10");
    return response;
  }
  parts->hub = impl_->hub;
  parts->view = std::make_shared<const View>(asked.subjects, asked.sight);
  parts->still = std::move(asked.still);
  parts->greeting = std::make_unique<Greeting>();
  impl_->choose_beginning(asked, *parts);

  platform::WebResponse response;
  response.content_type = "text/event-stream";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};  // a proxy passes events on at once
  response.stream = [parts]() -> std::unique_ptr<platform::WebSource> {
    QC_ASSERT(parts->greeting != nullptr);  // once
    return std::make_unique<EventSource>(std::move(*parts));
  };
  return response;
}

void EventStreams::tick() {
  impl_->hub->look(impl_->hub->options.now());
}

EventStreams::Figures EventStreams::figures() const {
  const StreamHub& hub = *impl_->hub;
  return {hub.open, hub.opened, hub.delivered, hub.snapshots_sent, hub.resets, hub.resumed, impl_->refused};
}

}  // namespace qc::console
