#include "qingchuan/live_play.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "platform/log.h"
#include "processor/records.h"
#include "qingchuan/command.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

using simulator::kMinute;
// Records of one append while minutes are behind.
constexpr std::size_t kAppendRecordsMax = 4000;
// Before the log's last tick: what was on its way when it was written.
constexpr core::Duration kOverlap = std::chrono::minutes(2);
// What is older is late for the processor (slots_kept, 6 h, with room for the hour that is open).
constexpr core::Duration kOldest = std::chrono::hours(5);

}  // namespace

LivePlay::LivePlay(stream::Log& log, std::unique_ptr<simulator::Simulation> simulation, Options options)
    : log_(log), simulation_(std::move(simulation)), options_(std::move(options)), fed_(options_.hand_over != nullptr) {
  if (!fed_) {
    auto filled = ready();
    if (filled) filled = live();
    if (!filled) platform::log_warn("the simulator cannot write; it tries again", {{"error", filled.error()}});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LivePlay::~LivePlay() {
  thread_.request_stop();
  thread_.join();
}

Result<void> LivePlay::ready() {
  if (player_) return {};
  auto writer = LogWriter::open(log_);
  if (!writer) return tl::make_unexpected(writer.error());
  const auto ticks = writer->last_ticks();
  if (!ticks) return tl::make_unexpected(ticks.error());
  const auto events = stream::partitions_of(log_, processor::kEvents);
  if (!events) return tl::make_unexpected(events.error());
  written_ = fed_ ? ticks->least : ticks->greatest;
  writer_ = std::move(*writer);
  Player::Options options;
  options.close_after = options_.close_after;
  options.events_partitions = *events;
  options.version = version();
  player_.emplace(*writer_, *simulation_, std::move(options));
  if (!fed_) {
    const core::EventTime oldest = core::hour_of(now() - options_.backfill);
    const core::EventTime last = core::floor_to(written_.value_or(oldest), kMinute) - kOverlap;
    next_ = std::max({oldest, last, simulation_->from()});
  }
  return {};
}

Result<void> LivePlay::history(const std::stop_token& stop) {
  const auto upto = [this] { return core::floor_to(now() - options_.delay, kMinute); };
  while (!stop.stop_requested()) {
    const core::EventTime until = upto();
    const auto played = player_->play(until, written_, stop);
    if (!played) return tl::make_unexpected(played.error());
    if (*played < until || upto() > until) continue;
    if (auto done = options_.hand_over(); !done) return done;
    platform::log_info("the history is played; time is the wall clock's now", {{"until", core::to_iso(*played)}});
    next_ = *played;
    fed_ = false;
    return {};
  }
  return {};
}

// All whole minutes up to now.
Result<void> LivePlay::live() {
  if (auto done = writer_->flush(); !done) return done;  // what an error left
  next_ = std::max(next_, core::hour_of(now() - kOldest));
  while (next_ + kMinute + options_.delay <= now()) {
    player_->gather(next_, core::receive_time(options_.wall_ms()));
    next_ += kMinute;
    if (writer_->gathered() < kAppendRecordsMax) continue;
    if (auto done = writer_->flush(); !done) return done;
  }
  return writer_->flush();
}

void LivePlay::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  const auto wait = [&](core::Duration d) {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, d, [] { return false; });
  };
  constexpr core::Duration kRetryMin = std::chrono::milliseconds(200);
  constexpr core::Duration kRetryMax = std::chrono::seconds(10);
  core::Duration retry = kRetryMin;
  while (!stop.stop_requested()) {
    Result<void> done = ready();
    if (done && fed_) done = history(stop);
    if (done && !fed_) done = live();
    if (done) {
      retry = kRetryMin;
      if (!fed_)
        wait(std::clamp<core::Duration>(next_ + kMinute + options_.delay - now(), core::Duration(1),
                                        std::chrono::seconds(1)));
      continue;
    }
    platform::log_limited("simulator", 1, platform::Level::warn, "the simulator cannot write; it tries again",
                          {{"error", done.error()}});
    wait(retry);
    retry = std::min(retry * 2, kRetryMax);
  }
}

}  // namespace qc::commands
