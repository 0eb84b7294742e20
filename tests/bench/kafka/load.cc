#include <chrono>
#include <cstdio>

#include "commands.h"
#include "kafka_io.h"
#include "wire/keys.h"

namespace qc::bench {
namespace {

constexpr int kLingerMs = 20;  // large batches: this is no latency measurement
constexpr core::Duration kHour = std::chrono::hours(1);
constexpr core::Duration kCloseAfter = std::chrono::minutes(10);  // config/rules/signals.yaml

void tick_all(Writer& writer, int partitions, core::EventTime at) {
  for (int p = 0; p < partitions; ++p) writer.write(p, wire::tick_key("", p), wire::encode_tick(at));
}

}  // namespace

int load(const Broker& broker, const Plan& wanted, int minutes, bool close) {
  Writer writer(broker.brokers, broker.readings, kLingerMs);
  Plan plan = wanted;
  plan.partitions = partitions_of(broker.brokers, broker.readings);
  Packets packets(plan);
  const auto began = std::chrono::steady_clock::now();
  for (int s = 0; s < plan.sites; ++s)
    writer.write(packets.partition(s), wire::reading_key(packets.site(s)), packets.registration(s));
  for (int m = 0; m < minutes; ++m) {
    tick_all(writer, plan.partitions, packets.end_of(m));
    for (int s = 0; s < plan.sites; ++s) {
      writer.write(packets.partition(s), wire::reading_key(packets.site(s)),
                   packets.packet(s, m, packets.exceeds(s, m)));
    }
    writer.serve();
  }
  if (close) tick_all(writer, plan.partitions, plan.start + minutes / 60 * kHour + kCloseAfter);
  writer.flush();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("{\"packets\": %lld, \"readings\": %lld, \"seconds\": %.2f}\n", 1LL * plan.sites * minutes,
              1LL * plan.sites * minutes * static_cast<long long>(kFactors), seconds);
  return 0;
}

}  // namespace qc::bench
