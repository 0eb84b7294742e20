#include "qingchuan/caught_up.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "processor/log_time.h"
#include "processor/readings_stage.h"
#include "stream/read_range.h"
#include "stream/state_position.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::TopicPartition;

constexpr std::chrono::milliseconds kLookAgain{200};

// Up to where the state of one partition is folded, read on from where it was read before.
class Folded {
 public:
  Folded(stream::Log& log, int partition) : log_(log), state_{std::string(processor::kService) + "-state", partition} {}

  Result<Offset> read() {
    const auto range = log_.range(state_);
    if (!range && range.error().code == Errc::topic_unknown) return at_;
    if (!range) return tl::make_unexpected(range.error());
    Result<void> decoded;
    const std::vector<stream::Stretch> more = {{state_, std::max(range->start, read_to_), range->end}};
    const auto read = stream::read_range(log_, more, [&](const stream::Record& r) {
      if (r.key != stream::kPositionKey || r.tombstone) return true;
      const auto positions = stream::decode_positions(r.value);
      if (!positions) {
        decoded = tl::make_unexpected(positions.error());
        return false;
      }
      const auto of = positions->find(processor::kReadings);
      if (of != positions->end()) at_ = of->second;
      return true;
    });
    if (!read) return tl::make_unexpected(read.error());
    if (!decoded) return tl::make_unexpected(decoded.error());
    read_to_ = range->end;
    return at_;
  }

 private:
  stream::Log& log_;
  TopicPartition state_;
  Offset read_to_ = 0;
  Offset at_ = 0;
};

}  // namespace

Result<std::map<int, core::EventTime>> wait_for_processor(stream::Log& log, const std::set<int>& partitions,
                                                          core::Timeline timeline, std::chrono::milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  const auto late = [&deadline] { return std::chrono::steady_clock::now() >= deadline; };
  const auto gave_up = [&at_most](const std::string& what) {
    return fail(Errc::log_unavailable, what + " after " + std::to_string(at_most.count() / 1000) +
                                           " s; hours behind the horizon are corrected by what is published of them, "
                                           "so the processor must have read all of the log: start it, and try again");
  };
  std::vector<TopicPartition> of;
  for (const int p : partitions) of.push_back({processor::kReadings, p});
  const auto first = processor::last_ticks(log, of);
  if (!first) return tl::make_unexpected(first.error());
  std::map<int, core::EventTime> ticks;
  for (std::size_t i = 0; i < of.size(); ++i) {
    Folded folded(log, of[i].partition);
    std::optional<core::EventTime> tick = (*first)[i];
    // Two commands within one tick could not be told apart.
    while (timeline == core::Timeline::Wall && tick == (*first)[i]) {
      if (late()) return gave_up("no time came into " + to_string(of[i]));
      std::this_thread::sleep_for(kLookAgain);
      const auto now = processor::last_ticks(log, std::vector{of[i]});
      if (!now) return tl::make_unexpected(now.error());
      tick = now->front();
    }
    if (!tick) return fail(Errc::usage, "the log has no time yet, so no hour is closed");
    const auto range = log.range(of[i]);
    if (!range) return tl::make_unexpected(range.error());
    while (true) {
      const auto at = folded.read();
      if (!at) return tl::make_unexpected(at.error());
      if (*at >= range->end) break;
      if (late()) {
        return gave_up("the processor has written down " + std::to_string(*at) + " of the " +
                       std::to_string(range->end) + " records of " + to_string(of[i]));
      }
      std::this_thread::sleep_for(kLookAgain);
    }
    ticks[of[i].partition] = *tick;
  }
  return ticks;
}

}  // namespace qc::commands
