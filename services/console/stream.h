// Server-sent events: a snapshot, then every change, in the order of the log, without gap or double. The id of an event
// is where its reader stands in the log (positions.h), so a client that comes back with Last-Event-ID, to this console
// after a restart or to another one, goes on where it was; one that was away too long begins with a snapshot again
// (event `reset` first). docs/stream.md says what a client does.
//
// Events: `hello` (what is subscribed, how often a sign of life comes), `reset` (why; its id is empty: what was seen
// before is void), `snapshot` (begins; how many), `alert` `row` `maintenance` `mean` (docs/api.md), `live` (the
// snapshot is over; from here on changes), `bye` (why; the stream ends), and comments as a sign of life, with the
// latest id, so that who sees little does not fall behind either. A session that ends, or a change of rights, ends the
// stream.
//
// A subscriber holds a place in the feed and nothing else: who is slow reads later, who falls out of the feed's past
// gets `reset`, who takes nothing is cut by the server. A snapshot is shared by those who ask for the same at about the
// same time; so many are sent at a time as `snapshots_max`, each for `snapshot_within` at most.
//
// Lifecycle: made over the feed; use(); close() before the web server is destroyed; destroyed before or after it.
// Threads: open(), figures() any; use(), close() the owner's; the rest the server's socket thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "console/feed.h"
#include "console/model.h"
#include "console/principal.h"
#include "console/snapshots.h"
#include "platform/web_server.h"

namespace qc::console {

struct StreamOptions {
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds recheck{5'000};  // how often it is asked whether who watches still may
  std::chrono::milliseconds tick{500};       // how often these are looked at; 0: when tick() is called, for tests
  std::size_t per_principal_max = 50;        // streams of one session or token
  std::size_t snapshots_max = 16;            // sent at a time; with 10,000 alerts about 12 MB each
  std::chrono::milliseconds snapshot_shared_for{1'000};
  std::chrono::milliseconds snapshot_within{120'000};  // who has not taken it by then is cut
  std::size_t window = 4'096;                          // changes that the socket thread has at hand; a power of two
  std::function<std::chrono::steady_clock::time_point()> now = &std::chrono::steady_clock::now;
  platform::WebProblem problem;  // the shape of 429; empty: plain text
};

struct StreamAsked {
  Subjects subjects;
  std::string last_event_id;  // empty: a snapshot first
  std::string console;        // the reader's own name; may be empty
  Principal who;
  Sight sight;
  // Still signed in, and with which sight; nullopt: no more. Called in the socket thread: quick.
  std::function<std::optional<Sight>()> still;
};

class EventStreams {
 public:
  // `snapshot` is Model::snapshot; of the same feed. Called in any thread.
  EventStreams(Feed& feed, SnapshotOf snapshot, StreamOptions options);
  EventStreams(Model& model, StreamOptions options)
      : EventStreams(
            model.feed(), [&model](const Subjects& s, const Sight& sight) { return model.snapshot(s, sight); },
            std::move(options)) {}
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // Once, before the first: how tasks reach the socket thread (WebServer::post).
  void use(std::function<void(std::function<void()>)> post);
  // Nothing is posted any more.
  void close();

  // The answer that streams. 429 where the principal has too many.
  platform::WebResponse open(StreamAsked asked);

  // Socket thread; by itself every options.tick.
  void tick();

  struct Figures {
    std::uint64_t open = 0;
    std::uint64_t opened = 0;
    std::uint64_t delivered = 0;  // events
    std::uint64_t snapshots = 0;  // sent to their end
    std::uint64_t resets = 0;
    std::uint64_t resumed = 0;
    std::uint64_t refused = 0;  // too many of one principal
  };
  Figures figures() const;  // any thread

  struct Impl;  // in stream.cc

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace qc::console
