#include "console/event_source.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace qc::console {
namespace {

// Items of the feed that are looked at under one lock.
constexpr std::size_t kFeedReadMax = 1'000;

const SharedFrame& plain_sign_of_life() {
  static const auto frame = std::make_shared<const std::string>(": \n\n");
  return frame;
}

std::string_view reset_reason(ResetReason reason) {
  switch (reason) {
    case ResetReason::TooOld:
      return "too_old";
    case ResetReason::Ahead:
      return "ahead";
    case ResetReason::UnknownId:
      return "unknown_id";
    case ResetReason::Behind:
      return "behind";
  }
  return "";
}

// `spread` keeps thousands from coming back in the same moment.
std::string bye_frame(ByeReason reason, std::size_t spread) {
  constexpr std::size_t kRetryMin = 1'000;
  constexpr std::size_t kRetrySpread = 4'000;
  switch (reason) {
    case ByeReason::None:
      break;
    // The empty id: with other rights another part of the log is seen, which what was seen says nothing of.
    case ByeReason::SignedOut:
      return "id:\nevent: bye\ndata: {\"reason\":\"signed_out\"}\n\n";
    case ByeReason::Rights:
      return "id:\nevent: bye\ndata: {\"reason\":\"rights\"}\n\n";
    case ByeReason::Stopping:
      return "retry: " + std::to_string(kRetryMin + spread * 617 % kRetrySpread) +
             "\nevent: bye\ndata: {\"reason\":\"stopping\"}\n\n";
  }
  QC_ASSERT(false);
}

// The frame with an id that is nowhere before `seen`, for the slots of `subjects`.
SharedFrame frame_after(const SharedFrame& frame, const Positions& seen, const Feed& feed, const Subjects& subjects) {
  const std::string_view id = id_of(*frame);
  auto positions = parse_positions(id, seen.next.size());
  if (!positions) return frame;  // too long to be read again: nobody can come back with it
  bool behind = false;
  for (std::size_t slot = 0; slot < seen.next.size(); ++slot) {
    if (positions->next[slot] >= seen.next[slot] || !subjects.contains(feed.subject_of(slot))) continue;
    positions->next[slot] = seen.next[slot];
    behind = true;
  }
  if (!behind) return frame;
  std::string changed = "id: " + text(*positions);
  changed.append(*frame, frame->find('\n'), std::string::npos);
  return std::make_shared<const std::string>(std::move(changed));
}

}  // namespace

SharedFrame reset_frame(ResetReason reason) {
  return std::make_shared<const std::string>("id:\nevent: reset\ndata: {\"reason\":\"" +
                                             std::string(reset_reason(reason)) + "\"}\n\n");
}

StreamHub::StreamHub(Feed& read, SnapshotOf snapshot, StreamOptions given)
    : feed(read),
      options(std::move(given)),
      snapshots(feed, std::move(snapshot), options.snapshots_max, options.snapshot_shared_for),
      window(feed, options.window),
      now(options.now()) {}

void StreamHub::changed() {
  if (all.empty()) {
    window.skip();
    return;
  }
  const std::uint64_t from = window.end();
  const bool kept = window.take();
  window.each_audience(from, [&](Audience& audience, bool sees) {
    if (audience.idle.empty() || (kept && !sees)) return;
    // They come back into `idle` while they are woken.
    waking.swap(audience.idle);
    for (std::size_t i = 0; i < waking.size(); ++i) {
      waking[i]->idle_at_ = EventSource::kNowhere;
      waking[i]->waking_at_ = i;
    }
    for (std::size_t i = 0; i < waking.size(); ++i) {
      if (EventSource* source = waking[i]) {
        source->waking_at_ = EventSource::kNowhere;
        source->wake_from(from);
      }
    }
    waking.clear();
  });
}

void StreamHub::look(StreamTime at) {
  now = at;
  snapshots.drop_old(at);
  const std::string_view id = window.id();
  if (beat == nullptr || id != beat_id) {
    beat_id = id;
    beat = id.empty() ? plain_sign_of_life() : std::make_shared<const std::string>(": \nid: " + beat_id + "\n\n");
  }
  for (std::size_t i = 0; i < all.size();) {
    EventSource* const source = all[i];
    source->look(at);
    if (i < all.size() && all[i] == source) ++i;
  }
}

struct EventSource::Out {
  std::vector<SharedFrame>& frames;
  std::size_t bytes_max;
  std::size_t bytes = 0;
  std::uint64_t events = 0;
  bool full() const { return bytes >= bytes_max; }
  void give(SharedFrame frame) {
    bytes += frame->size();
    ++events;
    frames.push_back(std::move(frame));
  }
};

EventSource::EventSource(SourceParts parts)
    : hub_(std::move(parts.hub)),
      view_(std::move(parts.view)),
      permit_(std::move(parts.permit)),
      still_(std::move(parts.still)),
      greeting_(std::move(parts.greeting)),
      resuming_(std::move(parts.resuming)),
      next_(parts.from) {
  QC_ASSERT(greeting_ != nullptr);
}

void EventSource::opened(platform::WebStream& stream) {
  web_ = &stream;
  hub_->now = hub_->options.now();
  // After a time of nobody the window is behind; what it would bring is nothing that anybody waits for.
  if (hub_->all.empty()) hub_->window.skip();
  all_at_ = hub_->all.size();
  hub_->all.push_back(this);
  audience_ = &hub_->window.join(view_);
  said_at_ = hub_->now;
  check_at_ = hub_->now + hub_->options.recheck;
  hub_->open.fetch_add(1, std::memory_order_relaxed);
  hub_->opened.fetch_add(1, std::memory_order_relaxed);
  if (resuming_ != nullptr) hub_->resumed.fetch_add(1, std::memory_order_relaxed);
  if (greeting_->reset != nullptr) hub_->resets.fetch_add(1, std::memory_order_relaxed);
  stream.wake();
}

EventSource::~EventSource() {
  if (audience_ == nullptr) return;
  leave_idle();
  if (waking_at_ != kNowhere) hub_->waking[waking_at_] = nullptr;
  hub_->window.leave(*audience_);
  EventSource* const last = hub_->all.back();
  hub_->all[all_at_] = last;
  last->all_at_ = all_at_;
  hub_->all.pop_back();
  hub_->open.fetch_sub(1, std::memory_order_relaxed);
}

void EventSource::go_idle() {
  if (idle_at_ != kNowhere) return;
  idle_at_ = audience_->idle.size();
  audience_->idle.push_back(this);
}

void EventSource::leave_idle() {
  if (idle_at_ == kNowhere) return;
  EventSource* const last = audience_->idle.back();
  audience_->idle[idle_at_] = last;
  last->idle_at_ = idle_at_;
  audience_->idle.pop_back();
  idle_at_ = kNowhere;
}

void EventSource::wake_from(std::uint64_t from) {
  // A snapshot may be of a moment after what the window had: then it is further already.
  next_ = std::max(next_, from);
  web_->wake();
}

void EventSource::next(std::vector<SharedFrame>& frames, std::size_t bytes_max) {
  if (over_ || audience_ == nullptr) return;
  const std::size_t before = frames.size();
  Out out{frames, bytes_max};
  if (bye_ != ByeReason::None) {
    out.give(std::make_shared<const std::string>(bye_frame(bye_, all_at_)));
    over_ = true;
    leave_idle();
    web_->end();
  } else if (idle_at_ == kNowhere) {
    changes(out);
  }
  if (out.events == 0 && beat_due_ && !over_) frames.push_back(sign_of_life());
  beat_due_ = false;
  if (frames.size() == before) return;
  said_at_ = hub_->now;
  if (out.events > 0) hub_->delivered.fetch_add(out.events, std::memory_order_relaxed);
}

SharedFrame EventSource::sign_of_life() const {
  // The latest id only for who has all up to it, and was never further.
  const std::uint64_t end = hub_->window.end();
  const bool has_all = idle_at_ != kNowhere && next_ <= end && (resuming_ == nullptr || resuming_->end <= end);
  return has_all && hub_->beat != nullptr && hub_->beat_id == hub_->window.id() ? hub_->beat : plain_sign_of_life();
}

void EventSource::changes(Out& out) {
  while (!out.full()) {
    if (greeting_ != nullptr) {
      if (!greet(out)) return;
    } else if (next_ < hub_->window.first()) {
      if (!read_feed(out)) fell_behind();
    } else if (!read_window(out)) {
      go_idle();
      return;
    }
  }
}

// False: there is no more of it now.
bool EventSource::greet(Out& out) {
  Greeting& g = *greeting_;
  if (g.hello != nullptr) out.give(std::move(g.hello));
  if (g.reset != nullptr) out.give(std::move(g.reset));
  if (g.wants_snapshot) {
    if (g.snapshot == nullptr && !begin_snapshot()) return false;  // asked again by look()
    const auto& all = g.snapshot->frames;
    if (g.at == 0) {
      out.give(std::make_shared<const std::string>(
          frame_of({}, "snapshot", "{\"count\":" + std::to_string(all.size()) + "}")));
      ++g.at;
    }
    for (; g.at <= all.size() && !out.full(); ++g.at) out.give(all[g.at - 1]);
    if (g.at <= all.size() || out.full()) return false;
    out.give(std::make_shared<const std::string>(frame_of(g.snapshot->id, "live", "{}")));
    next_ = g.snapshot->sequence;
    hub_->snapshots_sent.fetch_add(1, std::memory_order_relaxed);
  }
  greeting_.reset();
  return true;
}

bool EventSource::begin_snapshot() {
  Greeting& g = *greeting_;
  g.snapshot = hub_->snapshots.get(*view_, hub_->now);
  if (g.snapshot == nullptr) return false;
  g.at = 0;
  g.until = hub_->now + hub_->options.snapshot_within;
  return true;
}

// False: there is nothing more in the window.
bool EventSource::read_window(Out& out) {
  const FeedWindow& window = hub_->window;
  while (next_ < window.end() && !out.full()) {
    if (audience_->visible[window.place(next_)] != 0) change(window.at(next_), out);
    ++next_;
  }
  if (resuming_ != nullptr && next_ >= resuming_->end) resuming_.reset();
  return next_ < window.end();
}

// False: what comes next is no longer kept.
bool EventSource::read_feed(Out& out) {
  std::size_t looked_at = 0;
  const auto read = hub_->feed.read(next_, [&](const Feed::Item& item) {
    if (view_->sees(item)) change(item, out);
    return !out.full() && ++looked_at < kFeedReadMax;
  });
  if (!read) return false;
  next_ = *read;
  if (resuming_ != nullptr && next_ >= resuming_->end) resuming_.reset();
  return true;
}

void EventSource::change(const Feed::Item& item, Out& out) {
  if (resuming_ == nullptr || item.sequence >= resuming_->end) {
    out.give(item.frame);
  } else if (item.offset >= resuming_->seen.next[item.slot]) {
    out.give(frame_after(item.frame, resuming_->seen, hub_->feed, view_->subjects));
  }
}

void EventSource::fell_behind() {
  greeting_ = std::make_unique<Greeting>();
  greeting_->reset = reset_frame(ResetReason::Behind);
  greeting_->wants_snapshot = true;
  resuming_.reset();
  hub_->resets.fetch_add(1, std::memory_order_relaxed);
}

void EventSource::say_bye(ByeReason reason) {
  if (over_ || bye_ != ByeReason::None) return;
  bye_ = reason;
  web_->wake();
}

void EventSource::draining() {
  say_bye(ByeReason::Stopping);
}

void EventSource::look(StreamTime at) {
  if (over_ || bye_ != ByeReason::None) return;
  if (at >= check_at_) {
    check_at_ = at + hub_->options.recheck;
    const auto sight = still_ ? still_() : std::optional(view_->sight);
    if (!sight) {
      say_bye(ByeReason::SignedOut);
      return;
    }
    if (*sight != view_->sight) {
      say_bye(ByeReason::Rights);
      return;
    }
  }
  if (greeting_ != nullptr && greeting_->snapshot != nullptr && at >= greeting_->until) {
    greeting_.reset();
    over_ = true;
    web_->end();
    return;
  }
  const bool waits_for_snapshot = greeting_ != nullptr && greeting_->wants_snapshot && greeting_->snapshot == nullptr;
  beat_due_ = beat_due_ || (at - said_at_ >= hub_->options.heartbeat && (idle_at_ != kNowhere || waits_for_snapshot));
  if (beat_due_ || waits_for_snapshot) web_->wake();
}

}  // namespace qc::console
