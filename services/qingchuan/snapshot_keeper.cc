#include "qingchuan/snapshot_keeper.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include "platform/clock.h"
#include "platform/log.h"
#include "processor/log_time.h"
#include "qingchuan/replay.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

namespace fs = std::filesystem;

constexpr int kLowest = 19;                // of priorities
constexpr std::chrono::minutes kEvery{1};  // it looks whether there is a new day
constexpr std::size_t kMonth = 7;          // of "2026-11-27"

// The days that have a snapshot, the oldest first.
Result<std::vector<std::string>> days_in(const std::string& directory) {
  std::vector<std::string> days;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.size() == 10 && core::parse_iso(name + "T00:00") && fs::exists(it->path() / "qingchuan.snapshot"))
      days.push_back(name);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::file_unreadable, "cannot read " + directory + ": " + error.message());
  std::sort(days.begin(), days.end());
  return days;
}

// Of the log's time, the slowest partition's; empty: it has not begun.
Result<std::string> day_of(stream::Log& log) {
  const auto readings = stream::whole_topic(log, processor::kReadings);
  if (!readings) return tl::make_unexpected(readings.error());
  std::vector<stream::TopicPartition> partitions;
  for (const stream::Stretch& s : *readings) partitions.push_back(s.of);
  const auto ticks = processor::last_ticks(log, partitions);
  if (!ticks) return tl::make_unexpected(ticks.error());
  core::EventTime least = core::EventTime::max();
  for (const auto& tick : *ticks) least = std::min(least, tick.value_or(core::EventTime::min()));
  if (least == core::EventTime::min() || least == core::EventTime::max()) return std::string();
  return core::to_iso(least).substr(0, 10);
}

// Kept: the newest, and the first of each of the last so many months.
std::vector<std::string> not_kept(const std::vector<std::string>& days, int months) {
  std::vector<std::string> gone;
  std::set<std::string> seen;
  for (const std::string& day : days) {
    if (!seen.insert(day.substr(0, kMonth)).second && day != days.back()) gone.push_back(day);
  }
  while (seen.size() > static_cast<std::size_t>(months)) {
    for (const std::string& day : days) {
      if (day.starts_with(*seen.begin())) gone.push_back(day);
    }
    seen.erase(seen.begin());
  }
  return gone;
}

}  // namespace

Result<KeptSnapshot> keep_snapshot(stream::Log& log, processor::RulesStore& rules, const KeepSpec& spec,
                                   std::stop_token stop) {
  KeptSnapshot kept;
  auto day = day_of(log);
  if (!day) return tl::make_unexpected(day.error());
  kept.day = std::move(*day);
  auto days = days_in(spec.directory);
  if (!days) return tl::make_unexpected(days.error());
  if (kept.day.empty() || (!days->empty() && days->back() >= kept.day)) return kept;
  ReplaySpec replay;
  replay.stage = spec.stage;
  replay.now_ms = spec.now_ms;
  Snapshot last;
  if (!days->empty()) {
    auto read = read_snapshot(spec.directory + "/" + days->back());
    if (!read) return tl::make_unexpected(read.error());
    last = std::move(*read);
    replay.from = &last;
  }
  auto taken = make_snapshot(log, rules, replay, std::move(stop));
  if (!taken) return tl::make_unexpected(taken.error());
  // A service that has not saved anything yet: later there is something to keep.
  const bool begun = std::any_of(taken->snapshot.stages.begin(), taken->snapshot.stages.end(),
                                 [](const auto& stage) { return stage.second.position > 0; });
  if (!begun) return kept;
  if (auto written = write_snapshot(spec.directory + "/" + kept.day, taken->snapshot); !written)
    return tl::make_unexpected(written.error());
  days->push_back(kept.day);
  for (const std::string& gone : not_kept(*days, spec.months)) {
    std::error_code error;
    fs::remove_all(fs::path(spec.directory) / gone, error);
    if (error)
      return fail(Errc::file_unreadable, "cannot remove " + spec.directory + "/" + gone + ": " + error.message());
  }
  kept.snapshot = std::move(taken->snapshot);
  kept.notes = std::move(taken->notes);
  return kept;
}

SnapshotKeeper::SnapshotKeeper(stream::Log& log, processor::RulesStore& rules, const ::qingchuan::v1::System& system,
                               processor::StageOptions stage)
    : log_(log), rules_(rules), spec_{system.replay().snapshots(), system.replay().months_kept(), std::move(stage), 0} {
  if (!spec_.directory.empty()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void SnapshotKeeper::run(const std::stop_token& stop) {
  // The thread's own on Linux: what serves goes first.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest);
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    spec_.now_ms = platform::system_clock().wall_ms();
    const auto kept = keep_snapshot(log_, rules_, spec_, stop);
    if (!kept && !stop.stop_requested()) {
      platform::log_limited("snapshot", 1, platform::Level::warn, "no snapshot of this day's state could be kept",
                            {{"directory", spec_.directory}, {"error", kept.error()}});
    }
    if (kept && !kept->snapshot.stages.empty()) {
      platform::log_info("kept a snapshot of the state", {{"directory", spec_.directory}, {"day", kept->day}});
      for (const std::string& note : kept->notes) platform::log_warn("the snapshot lacks a stage", {{"why", note}});
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kEvery, [] { return false; });
  }
}

}  // namespace qc::commands
