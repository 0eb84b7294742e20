// The embedded log end to end: packets of 8 factors x 1 minute are appended to a new log on disk with a tick a minute,
// then the processor (one worker, the demo's rules) works it off, exactly once, to the last commit. The reference in
// the same run is the same records only read and decoded.
//
//   end_to_end_bench [sites] [minutes] [directory]
//
// Prints readings a second of wall time and of CPU time, and bytes of log a reading. A program, not a Google Benchmark:
// one run writes a log of its own and takes seconds.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stop_token>
#include <string>

#include "bench.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/metrics.h"
#include "processor/processor.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace {

using namespace qc;
using bench::cpu_seconds;
using bench::kFactors;
using bench::must;

struct Watch {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  double cpu = cpu_seconds();
  void print(const char* what, double readings) const {
    const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    const double cpu_s = cpu_seconds() - cpu;
    std::printf("%-22s %8.2f s wall  %8.2f s cpu  %8.3f M readings/s  %8.3f M readings/cpu-s\n", what, wall_s, cpu_s,
                readings / wall_s / 1e6, readings / cpu_s / 1e6);
    std::fflush(stdout);
  }
};

std::vector<stream::NewRecord> minute(int sites, int partitions, core::EventTime at, bool first) {
  std::vector<stream::NewRecord> out;
  for (int p = 0; p < partitions; ++p)
    out.push_back({{"readings", p}, wire::tick_key("", p), wire::encode_tick(at), {}});
  wire::BatchBuilder builder;
  for (int s = 0; s < sites; ++s) {
    const std::string site = "B" + std::to_string(100000 + s);
    const std::string key = wire::reading_key(site);
    const stream::TopicPartition to{"readings", stream::partition_of(key, partitions)};
    if (first) {
      const core::Register r{site, site, core::SiteKind::Evaluation, core::AreaClass::Class2, "bench", "bench"};
      out.push_back({to, key, wire::encode_register(r), {}});
    }
    builder.begin(site, core::receive_time(core::ms(at)), core::ms(at), core::Source::Minute,
                  at - std::chrono::minutes(1), std::chrono::minutes(1));
    for (std::size_t f = 0; f < kFactors.size(); ++f) {
      const std::int64_t tenths =
          200 + static_cast<std::int64_t>((core::ms(at) / 60'000 * 7 + s * 13 + static_cast<int>(f) * 31) % 400);
      builder.add(0, kFactors[f], kFactors[f] == core::Factor::CO ? core::Unit::MgM3 : core::Unit::UgM3,
                  {tenths, kFactors[f] == core::Factor::CO ? 3 : 1});
    }
    out.push_back({to, key, builder.finish(), {}});
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const int sites = argc > 1 ? std::atoi(argv[1]) : 1250;
  const int minutes = argc > 2 ? std::atoi(argv[2]) : 130;
  const std::string directory =
      argc > 3 ? argv[3] : (std::filesystem::temp_directory_path() / "qingchuan_end_to_end_bench").string();
  platform::set_log_level(platform::Level::warn);
  std::filesystem::remove_all(directory);
  std::string hash;
  auto opened = must(commands::create_log({directory, ""}, core::Timeline::Fed, hash));
  const int partitions = must(stream::partitions_of(*opened.log, "readings"));
  const double readings = static_cast<double>(sites) * minutes * kFactors.size();
  std::printf("%d sites x %zu factors x %d minutes = %.1f M readings, %d partitions, log in %s\n", sites,
              kFactors.size(), minutes, readings / 1e6, partitions, directory.c_str());
  const core::EventTime start = core::beijing_midnight(2026, 6, 1);
  {
    const Watch watch;
    auto appender = must(opened.log->appender());
    for (int m = 1; m <= minutes; ++m)
      must(appender->append(minute(sites, partitions, start + std::chrono::minutes(m), m == 1)));
    watch.print("encode and append", readings);
  }
  std::uintmax_t bytes = 0;
  for (const auto& f : std::filesystem::directory_iterator(directory)) bytes += f.file_size();
  std::printf("%-22s %.1f bytes a reading on disk\n", "", static_cast<double>(bytes) / readings);
  {
    const Watch watch;
    wire::InputDecoder decoder;
    double seen = 0;
    for (int p = 0; p < partitions; ++p) {
      const std::array from = {std::pair{stream::TopicPartition{"readings", p}, stream::Offset{0}}};
      auto reader = must(opened.log->reader(from));
      stream::Batch batch;
      do {
        must(reader->poll(batch, 4096, stream::Milliseconds(0)));
        for (const auto& r : batch.records) {
          const auto input = decoder.decode(r.value);
          if (const auto* b = std::get_if<const core::ReadingBatch*>(&input))
            seen += static_cast<double>((*b)->values.size());
        }
      } while (!batch.records.empty());
    }
    if (seen != readings) {
      std::fprintf(stderr, "read %.0f of %.0f readings\n", seen, readings);
      return 1;
    }
    watch.print("read and decode only", readings);
  }
  {
    const Watch watch;
    platform::Metrics metrics("bench");
    processor::ProcessorOptions options = commands::processor_options(opened.config.system, hash);
    options.until_end = true;
    auto processor = must(processor::Processor::create(*opened.log, *opened.rules, options, metrics.registry(),
                                                       platform::system_clock()));
    must(processor->run(std::stop_token()));
    watch.print("processor, exactly once", readings);
  }
  if (argc <= 3) std::filesystem::remove_all(directory);
  return 0;
}
