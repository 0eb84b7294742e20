#include <algorithm>
#include <cstdio>
#include <vector>

#include "commands.h"
#include "kafka_io.h"
#include "process.h"
#include "qingchuan/v1/output.pb.h"

namespace qc::bench {
namespace {

constexpr int kPollMs = 100;

// A closed hour of one pollutant that has readings: what both sides publish alike.
bool counts(const ::qingchuan::v1::MeanRecord& record) {
  if (!record.has_mean()) return false;
  const auto& mean = record.mean();
  return mean.window() == ::qingchuan::v1::H1 && mean.status() == ::qingchuan::v1::CLOSED && mean.count() > 0 &&
         mean.factor() < ::qingchuan::v1::AQI;
}

struct Used {
  double wall_s = 0;
  double cpu_s = 0;
  double broker_cpu_s = 0;
};

Used used(const WatchOptions& o) {
  return {seconds_since_start(o.pid), cpu_seconds(o.pid), cpu_seconds(o.broker_pid)};
}

// How far a side has come, by the hours that it has closed: each partition has a time of its own, and they may be read
// at different speeds.
class Progress {
 public:
  Progress(const Packets& packets, int hours)
      : packets_(packets),
        hours_(hours),
        sites_(static_cast<std::size_t>(packets.plan().partitions)),
        counted_(sites_.size()) {
    for (int s = 0; s < packets.plan().sites; ++s) ++sites_[static_cast<std::size_t>(packets.partition(s))];
    for (const int n : sites_) left_.emplace_back(static_cast<std::size_t>(hours), n * static_cast<int>(kFactors));
  }

  void take(const ::qingchuan::v1::Mean& mean) {
    const int s = packets_.site_number(mean.site());
    const auto hour = (mean.start_ms() - core::ms(packets_.plan().start)) / kHourMs;
    if (s < 0 || hour < 0 || hour >= hours_) die("a mean that was not expected: " + mean.ShortDebugString());
    const auto p = static_cast<std::size_t>(packets_.partition(s));
    if (--left_[p][static_cast<std::size_t>(hour)] > 0) return;
    ++closed_;
    // An hour closes ten minutes after its end; the last one by a tick alone.
    const auto minutes = std::min<std::int64_t>((hour + 1) * 60 + 10, std::int64_t{hours_} * 60);
    if (minutes <= counted_[p]) return;
    through_ += (minutes - counted_[p]) * sites_[p] * static_cast<std::int64_t>(kFactors);
    counted_[p] = minutes;
  }
  bool done() const { return closed_ == hours_ * static_cast<int>(sites_.size()); }
  int closed() const { return closed_; }
  std::int64_t readings() const { return through_; }

 private:
  static constexpr std::int64_t kHourMs = 3'600'000;
  const Packets& packets_;
  int hours_;
  std::vector<int> sites_;              // by partition
  std::vector<std::vector<int>> left_;  // means by partition and hour
  std::vector<std::int64_t> counted_;   // minutes, by partition
  std::int64_t through_ = 0;
  int closed_ = 0;
};

}  // namespace

int watch(const Broker& broker, const Plan& wanted, const WatchOptions& o) {
  const double broker_before = cpu_seconds(o.broker_pid);
  Plan plan = wanted;
  plan.partitions = partitions_of(broker.brokers, broker.readings);
  const Packets packets(plan);
  Progress progress(packets, o.minutes / 60);
  const std::int64_t total = std::int64_t{o.minutes} * plan.sites * static_cast<std::int64_t>(kFactors);
  Tail tail(broker.brokers, o.means, Tail::From::Beginning);
  ::qingchuan::v1::MeanRecord record;
  std::int64_t records = 0;
  Used half;
  std::int64_t cold = 0;
  while (!progress.done()) {
    tail.poll(kPollMs, [&](std::string_view, std::string_view value) {
      if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) die("not a MeanRecord");
      ++records;
      if (counts(record)) progress.take(record.mean());
    });
    if (cold == 0 && progress.readings() * 2 >= total) {
      half = used(o);
      cold = progress.readings();
    }
    if (seconds_since_start(o.pid) > o.timeout_s) {
      die("only " + std::to_string(progress.closed()) + " hours of partitions were closed within " +
          std::to_string(o.timeout_s) + " s");
    }
  }
  const Used whole = used(o);
  std::printf(
      "{\"records\": %lld, \"readings\": %lld, \"wall_s\": %.3f, \"cpu_s\": %.3f, \"broker_cpu_s\": %.3f, "
      "\"warm_readings\": %lld, \"warm_wall_s\": %.3f, \"warm_cpu_s\": %.3f, \"warm_broker_cpu_s\": %.3f, "
      "\"peak_bytes\": %lld}\n",
      static_cast<long long>(records), static_cast<long long>(total), whole.wall_s, whole.cpu_s,
      whole.broker_cpu_s - broker_before, static_cast<long long>(total - cold), whole.wall_s - half.wall_s,
      whole.cpu_s - half.cpu_s, whole.broker_cpu_s - half.broker_cpu_s,
      static_cast<long long>(peak_memory_bytes(o.pid)));
  return 0;
}

}  // namespace qc::bench
