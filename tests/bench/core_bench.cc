// Readings a second that one core takes through ReadingStage::apply, in memory: packets of eight factors at one minute
// (the six pollutants, TSP and NOx), sites in random order, a tick each simulated minute, with running values, the
// closing of hours and their index. Beside it, in the same run, what bare arrays cost (index, or site and
// minute-major), so that the ratio can be read on any machine, and decoding and applying together.
//
// Counters: readings/s; of the stage also bytes of memory and of saved state per series.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/reading_stage.h"
#include "core/testing.h"
#include "wire/codec.h"

namespace {

using namespace qc;  // NOLINT(google-build-using-namespace): a program of one file
using core::Factor;

constexpr std::size_t kFactorsOfASite = 8;
constexpr Factor kFactors[kFactorsOfASite] = {Factor::PM25, Factor::PM10, Factor::SO2, Factor::NO2,
                                              Factor::CO,   Factor::O3,   Factor::TSP, Factor::NOx};
constexpr core::Duration kMinute = std::chrono::minutes(1);

// As long as a real MN.
std::string site_id(std::size_t i) {
  std::string id = std::to_string(i);
  return "330100" + std::string(18 - id.size(), '0') + id;
}

// One after the other in memory, as they would come out of packets.
std::vector<std::string> shuffled_ids(std::size_t sites) {
  std::vector<std::size_t> order(sites);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  std::vector<std::string> ids;
  for (const std::size_t i : order) ids.push_back(site_id(i));
  return ids;
}

// Clean air, so that what is measured is the ordinary day: no episodes; and PM10 above PM2.5.
std::int64_t value_of(std::size_t site, std::size_t factor, std::int64_t minute) {
  return static_cast<std::int64_t>((site * 31 + factor * 7 + static_cast<std::size_t>(minute) * 13) % 40 +
                                   (factor == 1 ? 45 : 5)) *
         core::kMillion;
}

class Feeder {
 public:
  Feeder(std::size_t series, std::shared_ptr<const core::RuleSet> rules)
      : ids_(shuffled_ids(std::max<std::size_t>(1, series / kFactorsOfASite))),
        stage_([](std::string_view) { return true; }) {
    stage_.use(std::move(rules), core::Timeline::Fed);
    out_.drain = [](core::Outputs& out) {
      benchmark::DoNotOptimize(out.means.data());
      out.clear();
    };
    batch_.source = core::Source::Minute;
    batch_.step = kMinute;
    for (std::size_t f = 0; f < kFactorsOfASite; ++f) {
      batch_.columns.push_back({kFactors[f], static_cast<std::uint32_t>(f), 1});
    }
    batch_.values.resize(kFactorsOfASite);
    batch_.flags.assign(kFactorsOfASite, core::Flag::Normal);
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      stage_.apply(core::Register{site_id(i), "", core::SiteKind::Evaluation, core::AreaClass::Class2, "C", "P"},
                   offset_++, out_);
    }
    tick();
  }

  std::size_t readings() const { return ids_.size() * kFactorsOfASite; }
  const std::vector<std::string>& ids() const { return ids_; }
  core::EventTime minute() const { return start_ + kMinute * minute_; }

  void apply_minute() {
    batch_.start = minute();
    batch_.received = core::ReceiveTime((batch_.start + kMinute).time_since_epoch());
    batch_.stamp_ms = core::ms(batch_.start + kMinute);
    for (std::size_t s = 0; s < ids_.size(); ++s) {
      batch_.site = ids_[s];
      for (std::size_t f = 0; f < kFactorsOfASite; ++f) batch_.values[f].pg = value_of(s, f, minute_);
      stage_.apply(batch_, offset_++, out_);
    }
    next_minute();
  }
  void encode_minute(std::vector<std::string>& packets) {
    packets.clear();
    for (std::size_t s = 0; s < ids_.size(); ++s) {
      builder_.begin(ids_[s], core::ReceiveTime((minute() + kMinute).time_since_epoch()), core::ms(minute() + kMinute),
                     core::Source::Minute, minute(), kMinute);
      for (std::size_t f = 0; f < kFactorsOfASite; ++f) {
        builder_.add(0, kFactors[f], core::Unit::UgM3, {value_of(s, f, minute_) / core::kMillion, 0});
      }
      packets.push_back(builder_.finish());
    }
  }
  void apply_packets(const std::vector<std::string>& packets) {
    for (const std::string& bytes : packets) {
      const wire::Decoded decoded = decoder_.decode(bytes);
      stage_.apply(*std::get<const core::ReadingBatch*>(decoded), offset_++, out_);
    }
    next_minute();
  }

  void report(benchmark::State& state) {
    state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * readings()));
    const auto series = static_cast<double>(stage_.series());
    std::size_t saved = 0;
    stage_.save_changed([&saved](std::string_view key, std::string_view bytes) { saved += key.size() + bytes.size(); });
    state.counters["bytes/series"] = static_cast<double>(stage_.bytes()) / series;
    state.counters["saved/series"] = static_cast<double>(saved) / series;
    if (stage_.ledger().of(core::Account::Stored) != stage_.ledger().in) state.SkipWithError("not all was stored");
  }

 private:
  void next_minute() {
    ++minute_;
    tick();
  }
  void tick() {
    out_.clear();
    stage_.apply(core::Tick{minute()}, offset_++, out_);
    benchmark::DoNotOptimize(out_.means.data());
    out_.clear();
  }

  std::vector<std::string> ids_;
  core::ReadingStage stage_;
  core::ReadingBatch batch_;
  core::Outputs out_;
  core::Offset offset_ = 0;
  core::EventTime start_ = core::beijing_midnight(2026, 4, 1);
  std::int64_t minute_ = 0;
  wire::BatchBuilder builder_;
  wire::InputDecoder decoder_;
};

// An iteration is a simulated minute of every series: with every window, index, check and rule ...
void stage(benchmark::State& state) {
  Feeder feeder(static_cast<std::size_t>(state.range(0)), core::test_rules_with_windows());
  for (auto _ : state) feeder.apply_minute();
  feeder.report(state);
}

// ... and with the hour alone (1 h means, AQI 1h, three rules), the reference that longer windows are measured by.
void stage_hours_only(benchmark::State& state) {
  Feeder feeder(static_cast<std::size_t>(state.range(0)), core::test_rules());
  for (auto _ : state) feeder.apply_minute();
  feeder.report(state);
}

void decode_and_stage(benchmark::State& state) {
  Feeder feeder(static_cast<std::size_t>(state.range(0)), core::test_rules_with_windows());
  std::vector<std::string> packets;
  for (auto _ : state) {
    state.PauseTiming();
    feeder.encode_minute(packets);
    state.ResumeTiming();
    feeder.apply_packets(packets);
  }
  feeder.report(state);
}

// What no program can do without: the value goes to its place, the hour's sums come out.
void bare_arrays(benchmark::State& state) {
  const auto sites = static_cast<std::size_t>(state.range(0)) / kFactorsOfASite;
  std::vector<std::uint32_t> order(sites);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  std::vector<std::int64_t> slots(sites * 60 * kFactorsOfASite);
  std::vector<std::int64_t> sums(sites * kFactorsOfASite);
  std::int64_t minute = 0;
  for (auto _ : state) {
    for (std::size_t s = 0; s < sites; ++s) {
      std::int64_t* const row = &slots[(order[s] * 60U + static_cast<std::size_t>(minute % 60)) * kFactorsOfASite];
      for (std::size_t f = 0; f < kFactorsOfASite; ++f) row[f] = value_of(s, f, minute);
    }
    if (++minute % 60 != 0) continue;
    for (std::size_t s = 0; s < sites; ++s) {
      for (std::size_t r = 0; r < 60; ++r) {
        for (std::size_t f = 0; f < kFactorsOfASite; ++f) {
          sums[s * kFactorsOfASite + f] += slots[(s * 60 + r) * kFactorsOfASite + f];
        }
      }
    }
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetItemsProcessed(
      static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * sites * kFactorsOfASite));
}

// Enough minutes to close hours everywhere, and to seal them where that is affordable.
BENCHMARK(stage)->Arg(1000)->Iterations(6000)->Unit(benchmark::kMillisecond);
BENCHMARK(stage)->Arg(100'000)->Iterations(500)->Unit(benchmark::kMillisecond);
BENCHMARK(stage)->Arg(1'000'000)->Iterations(80)->Unit(benchmark::kMillisecond);
BENCHMARK(stage_hours_only)->Arg(1000)->Iterations(6000)->Unit(benchmark::kMillisecond);
BENCHMARK(stage_hours_only)->Arg(100'000)->Iterations(500)->Unit(benchmark::kMillisecond);
BENCHMARK(stage_hours_only)->Arg(1'000'000)->Iterations(80)->Unit(benchmark::kMillisecond);
BENCHMARK(bare_arrays)->Arg(1000)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_and_stage)->Arg(1000)->Iterations(6000)->Unit(benchmark::kMillisecond);
BENCHMARK(decode_and_stage)->Arg(100'000)->Iterations(150)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
