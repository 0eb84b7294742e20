// How fast a log is folded again and compared: a year of 10,000 series at 15-minute values, and how far it is from five
// minutes on one core. Stations of eight factors send every quarter of an hour, as three values of five minutes each (a
// quarter of an hour is no grid of ours), or every hour its mean; the processor publishes (one worker, the demo's
// rules, every window, running values every five minutes), then `replay` folds it all on one core and compares, three
// times.
//
//   replay_bench [sites] [days] [15|60: minutes] [directory]
//
// Prints the medians: readings and outputs a second, the time of an output, and how long a year of this would take. A
// program, not a Google Benchmark: one run writes a log of its own and takes a minute or two.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "bench.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/metrics.h"
#include "processor/processor.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/replay.h"
#include "stream/partition.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace {

using namespace qc;
using bench::cpu_seconds;
using bench::kFactors;
using bench::must;

struct Load {
  int sites = 1250;
  int days = 7;
  bool hours = false;
  int partitions = 1;
  std::size_t rows() const { return hours ? 1 : 3; }
  core::Duration step() const { return std::chrono::minutes(hours ? 60 : 5); }
  core::Duration packet() const { return step() * static_cast<int>(rows()); }
  int packets_of_day() const { return static_cast<int>(std::chrono::hours(24) / packet()); }
};

// A packet of each station, of what ends at `at`.
std::vector<stream::NewRecord> packets(const Load& load, core::EventTime at, bool first) {
  std::vector<stream::NewRecord> out;
  for (int p = 0; p < load.partitions; ++p)
    out.push_back({{"readings", p}, wire::tick_key("", p), wire::encode_tick(at), {}});
  wire::BatchBuilder builder;
  for (int s = 0; s < load.sites; ++s) {
    const std::string site = "B" + std::to_string(100000 + s);
    const std::string key = wire::reading_key(site);
    const stream::TopicPartition to{"readings", stream::partition_of(key, load.partitions)};
    if (first) {
      const core::Register r{site, site, core::SiteKind::Evaluation, core::AreaClass::Class2, "bench", "bench"};
      out.push_back({to, key, wire::encode_register(r), {}});
    }
    builder.begin(site, core::receive_time(core::ms(at)), core::ms(at),
                  load.hours ? core::Source::Hour : core::Source::Minute, at - load.packet(), load.step());
    for (std::size_t f = 0; f < kFactors.size(); ++f) {
      const bool is_co = kFactors[f] == core::Factor::CO;
      for (std::size_t row = 0; row < load.rows(); ++row) {
        const std::int64_t minute = core::ms(at) / 60'000 + static_cast<std::int64_t>(row) * 5;
        const std::int64_t tenths = 200 + (minute * 7 + s * 13 + static_cast<int>(f) * 31) % 400;
        builder.add(row, kFactors[f], is_co ? core::Unit::MgM3 : core::Unit::UgM3, {tenths, is_co ? 3 : 1});
      }
    }
    out.push_back({to, key, builder.finish(), {}});
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  if (argc > 1) load.sites = std::atoi(argv[1]);
  if (argc > 2) load.days = std::atoi(argv[2]);
  load.hours = argc > 3 && std::string(argv[3]) == "60";
  const std::string directory =
      argc > 4 ? argv[4] : (std::filesystem::temp_directory_path() / "qingchuan_replay_bench").string();
  platform::set_log_level(platform::Level::warn);
  std::filesystem::remove_all(directory);
  std::string hash;
  auto opened = must(commands::create_log({directory, ""}, core::Timeline::Fed, hash));
  load.partitions = must(stream::partitions_of(*opened.log, "readings"));
  const core::EventTime start = core::beijing_midnight(2026, 6, 1);
  {
    auto appender = must(opened.log->appender());
    for (int i = 1; i <= load.days * load.packets_of_day(); ++i)
      must(appender->append(packets(load, start + load.packet() * i, i == 1)));
  }
  {
    platform::Metrics metrics("bench");
    processor::ProcessorOptions options = commands::processor_options(opened.config.system, hash);
    options.until_end = true;
    auto processor = must(processor::Processor::create(*opened.log, *opened.rules, options, metrics.registry(),
                                                       platform::system_clock()));
    must(processor->run(std::stop_token()));
  }
  commands::ReplaySpec spec;
  spec.stage = commands::processor_options(opened.config.system, {}).stage;
  spec.now_ms = platform::system_clock().wall_ms();
  double readings = 0;
  double outputs = 0;
  std::vector<double> walls;
  std::vector<double> cpus;
  bool equal = true;
  for (int run = 0; run < 3; ++run) {
    const auto began = std::chrono::steady_clock::now();
    const double cpu_before = cpu_seconds();
    const commands::ReplayResult result = must(commands::replay(*opened.log, *opened.rules, spec));
    walls.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    cpus.push_back(cpu_seconds() - cpu_before);
    equal = equal && result.tally.differences() == 0 && result.tally.all_not_recomputed() == 0 &&
            result.tally.equals() == result.counts.outputs;
    if (run > 0) continue;
    readings = static_cast<double>(result.counts.readings);
    outputs = static_cast<double>(result.counts.outputs);
  }
  std::sort(walls.begin(), walls.end());
  std::sort(cpus.begin(), cpus.end());
  const double wall = walls[1];
  const double cpu = cpus[1];
  const double sent = static_cast<double>(load.sites) * load.days * load.packets_of_day();
  std::printf("%d series, %d days: %.1f M readings in %.2f M packets, %.1f M outputs, %s\n",
              load.sites * static_cast<int>(kFactors.size()), load.days, readings / 1e6, sent / 1e6, outputs / 1e6,
              equal ? "all equal" : "NOT EQUAL");
  std::printf(
      "replay %.1f s wall, %.1f s cpu (%.1f to %.1f): %.2f M readings and %.2f M outputs a cpu second, %.2f us an "
      "output\n",
      wall, cpu, cpus.front(), cpus.back(), readings / cpu / 1e6, outputs / cpu / 1e6, cpu / outputs * 1e6);
  std::printf("a year: %.0f s, of cpu %.0f\n", wall / load.days * 365, cpu / load.days * 365);
  if (argc <= 4) std::filesystem::remove_all(directory);
  return equal ? 0 : 1;
}
