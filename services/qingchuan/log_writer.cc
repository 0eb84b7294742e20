#include "qingchuan/log_writer.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include "processor/log_time.h"
#include "qingchuan/open_log.h"
#include "stream/partition.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::commands {

Result<LogWriter> LogWriter::open(stream::Log& log) {
  LogWriter out(log);
  const auto readings = partitions_of(log, "readings");
  if (!readings) return tl::make_unexpected(readings.error());
  const auto tracks = partitions_of(log, "tracks");
  if (!tracks) return tl::make_unexpected(tracks.error());
  out.readings_ = *readings;
  out.tracks_ = *tracks;
  auto appender = log.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  out.appender_ = std::move(*appender);
  return out;
}

Result<LogWriter::LastTicks> LogWriter::last_ticks() const {
  std::vector<stream::TopicPartition> partitions;
  for (int p = 0; p < readings_; ++p) partitions.push_back({"readings", p});
  const auto ticks = processor::last_ticks(*log_, partitions);
  if (!ticks) return tl::make_unexpected(ticks.error());
  LastTicks out;
  bool all = true;
  for (const auto& last : *ticks) {
    if (!last) {
      all = false;
      continue;
    }
    out.greatest = out.greatest ? std::max(*out.greatest, *last) : *last;
    out.least = out.least ? std::min(*out.least, *last) : *last;
  }
  if (!all) out.least.reset();
  return out;
}

void LogWriter::tick(core::EventTime now) {
  const std::string value = wire::encode_tick(now);
  for (int p = 0; p < readings_; ++p) gathered_.push_back({{"readings", p}, wire::tick_key("", p), value, {}});
  for (int p = 0; p < tracks_; ++p) gathered_.push_back({{"tracks", p}, wire::tick_key("", p), value, {}});
}

void LogWriter::add(const std::string& site, std::string value) {
  std::string key = wire::reading_key(site);
  const int partition = stream::partition_of(key, readings_);
  gathered_.push_back({{"readings", partition}, std::move(key), std::move(value), {}});
}

Result<void> LogWriter::flush() {
  if (gathered_.empty()) return {};
  if (auto done = appender_->append(gathered_); !done) return done;
  gathered_.clear();
  return {};
}

void Pace::wait(core::EventTime at, const std::stop_token& stop) {
  if (speed_ <= 0) return;
  if (!first_) {
    first_ = at;
    started_ = std::chrono::steady_clock::now();
  }
  const std::chrono::duration<double, std::milli> passed(static_cast<double>((at - *first_).count()) / speed_);
  const auto due = started_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(passed);
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, due, [] { return false; });
}

Result<double> parse_speed(const std::string& text) {
  if (text == "max") return 0.0;
  char* end = nullptr;
  const double n = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(n > 0))
    return fail(Errc::usage, "--speed wants a number above 0 or `max`, not `" + text + "`");
  return n;
}

}  // namespace qc::commands
