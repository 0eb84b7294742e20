// One way out of `alerts`: a consumer of the topic in a group of its own (`out-<name>`), whose committed offset is the
// outbox. It polls, posts, and only then commits; so what a kill interrupts is posted again, and nothing is lost.
//
// Order. One post at a time, and the next revision only after the one before was taken: a failure is tried again with
// growing waits, for ever. What the receiver refuses for good (Verdict::Refused) is sent alone to find the one record,
// which then goes to `dead-letters` with the commit that passes it, so that it cannot hold up the rest.
//
// A new way out begins with the oldest record that is kept; a robot with what comes from then on, because nobody in a
// chat can do anything about last year.
//
// A receiver that fails is told in the log, at most once per line_interval, and in the metrics (out_probe.h); it is no
// reason for the service to be unready.
//
// Lifecycle: create, run on a thread of its own, destroy. Threads: all from that one, but unready() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "alerts/out_channel.h"
#include "alerts/out_options.h"
#include "alerts/out_probe.h"
#include "base/result.h"
#include "platform/http_client.h"
#include "stream/log.h"
#include "wire/alert_text.h"

namespace qc::alerts {

std::string out_group(const std::string& name);  // "out-hall"
// `least`, doubled with each further time, at most `most`.
std::chrono::milliseconds backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, int times);

class Outlet {
 public:
  // What it is given but the options outlives it. Errors: usage, file_unreadable; topic_unknown where the log has not
  // been set up.
  static Result<std::unique_ptr<Outlet>> create(stream::Log& log, OutletOptions options, const wire::AlertWords& words,
                                                const RulesOf& rules, prometheus::Registry& registry);

  // Until a stop is asked for, or the log fails for good.
  Result<void> run(const std::stop_token& stop);

  std::optional<std::string> unready() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Post = platform::HttpPost;

  Outlet(stream::Log& log, OutletOptions options, const wire::AlertWords& words, const RulesOf& rules,
         prometheus::Registry& registry);

  Result<void> step(const std::stop_token& stop);
  Result<void> join();
  Result<void> take(const std::stop_token& stop);
  Result<void> begin(const stream::TopicPartition& tp);
  Result<void> fold(const stream::TopicPartition& tp, const std::stop_token& stop);
  Result<void> heed(const stream::Assignment& change, const std::stop_token& stop);
  Result<void> lose(const std::vector<stream::TopicPartition>& lost);
  Result<void> stay(const std::stop_token& stop, Clock::time_point until);
  Result<void> settle(const std::stop_token& stop);
  Result<void> log_failed(const Error& error, const std::stop_token& stop);
  void deliver(const std::stop_token& stop);
  void say_again(const std::stop_token& stop);
  std::span<const OutItem> next_items();
  Answer post(const OutPost& made, const std::string& id, const std::stop_token& stop);
  void took(std::size_t items);
  void recovered();
  void refused(std::span<const OutItem> items, const std::string& why);
  void failed(const Answer& answer);
  void set_trouble(std::optional<std::string> text);
  void measure();

  stream::Log& log_;
  const OutletOptions options_;
  OutProbe probe_;
  std::unique_ptr<platform::HttpClient> client_;  // none where nothing is posted
  std::unique_ptr<OutChannel> channel_;
  int dead_letter_partitions_ = 1;

  std::unique_ptr<stream::Member> member_;
  std::set<stream::TopicPartition> owned_;
  std::map<stream::TopicPartition, stream::Offset> begun_;  // robots: where they began here
  bool paused_ = false;
  stream::Batch batch_;
  std::vector<OutItem> items_;              // of the last poll
  std::size_t done_ = 0;                    // so many of them are delivered, or need no delivery
  std::size_t alone_ = 0;                   // so many of the next ones go one by one
  std::vector<stream::NewRecord> letters_;  // of items before done_

  int failures_ = 0;  // in a row
  Clock::time_point next_try_{};
  Clock::time_point next_post_{};
  Clock::time_point next_again_{};
  Clock::time_point failing_since_{};
  std::optional<Clock::time_point> refused_since_;  // the receiver itself says no to what comes next
  Clock::time_point next_line_{};
  Clock::time_point next_measure_{};
  std::chrono::milliseconds wait_hint_{0};  // what the receiver asked for
  int log_failures_ = 0;
  std::minstd_rand chance_;

  mutable std::mutex mutex_;
  std::optional<std::string> trouble_;  // with the log
};

}  // namespace qc::alerts
