#include "processor/processor_probe.h"

#include <algorithm>

#include "platform/grow.h"

namespace qc::processor {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

template <class T>
prometheus::Family<T>& family(prometheus::Registry& registry, const char* name, const char* help) {
  if constexpr (std::is_same_v<T, prometheus::Counter>) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  } else {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
}

}  // namespace

ProcessorProbe::ProcessorProbe(prometheus::Registry& registry, std::size_t station_series_max)
    : station_series_max_(station_series_max),
      readings_(
          family<prometheus::Counter>(registry, "qingchuan_readings_total",
                                      "Readings by what became of them; their sum is qingchuan_readings_in_total.")),
      malformed_(
          family<prometheus::Counter>(registry, "qingchuan_readings_malformed_total", "Malformed readings by reason.")),
      in_(family<prometheus::Counter>(registry, "qingchuan_readings_in_total",
                                      "Readings that arrived, each counted once.")
              .Add({})),
      sites_(family<prometheus::Gauge>(registry, "qingchuan_sites", "Sites known to the partition's stage.")),
      series_(family<prometheus::Gauge>(registry, "qingchuan_series",
                                        "Series (site and factor) of the partition's stage.")),
      now_(family<prometheus::Gauge>(registry, "qingchuan_stage_time_seconds",
                                     "The stage's time: the greatest tick it has read, seconds since the epoch.")) {
  // All of them from the start: a rate over a series that appears with its first event misses that event.
  for (std::size_t a = 0; a < core::kAccounts; ++a) {
    readings_.Add({{"account", std::string(core::name(static_cast<core::Account>(a)))}});
  }
  for (std::size_t r = 1; r < core::kReasons; ++r) {
    malformed_.Add({{"reason", std::string(core::name(static_cast<core::Reason>(r)))}});
  }
}

void ProcessorProbe::report(int partition, const core::ReadingStage& stage) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[partition];
  const core::Ledger& ledger = stage.ledger();
  platform::grow(in_, seen.ledger.in, ledger.in);
  for (std::size_t a = 0; a < core::kAccounts; ++a) {
    platform::grow(readings_.Add({{"account", std::string(core::name(static_cast<core::Account>(a)))}}),
                   seen.ledger.accounts[a], ledger.accounts[a]);
  }
  for (std::size_t r = 1; r < core::kReasons; ++r) {
    platform::grow(malformed_.Add({{"reason", std::string(core::name(static_cast<core::Reason>(r)))}}),
                   seen.ledger.malformed[r], ledger.malformed[r]);
  }
  const std::map<std::string, std::string> label = {{"partition", std::to_string(partition)}};
  sites_.Add(label).Set(static_cast<double>(stage.sites()));
  series_.Add(label).Set(static_cast<double>(stage.series()));
  if (stage.now() == core::EventTime::min()) return;
  now_.Add(label).Set(static_cast<double>(core::ms(stage.now())) / 1000.0);
  if (seen.stations_at == stage.now()) return;
  // The page is made anew at most once a minute of the stage's time: it shows closed hours.
  if (seen.stations_at != core::EventTime::min() && stage.now() - seen.stations_at < std::chrono::minutes(1)) return;
  seen.stations_at = stage.now();
  write_stations(stage, seen);
}

void ProcessorProbe::forget(int partition) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[partition];
  seen.stations.clear();
  seen.series = 0;
  seen.stations_at = core::EventTime::min();
}

void ProcessorProbe::write_stations(const core::ReadingStage& stage, Seen& seen) const {
  seen.stations.clear();
  seen.series = 0;
  seen.series_left_out = 0;
  std::size_t others = 0;
  for (const auto& [partition, other] : seen_) others += &other == &seen ? 0 : other.series;
  const std::size_t room = station_series_max_ > others ? station_series_max_ - others : 0;
  stage.for_each_last_hour([&](const core::ReadingStage::LastHour& h) {
    if (!h.valid) return;
    if (seen.series >= room) {
      ++seen.series_left_out;
      return;
    }
    ++seen.series;
    const core::Unit unit = core::publishing_unit(h.factor);
    seen.stations += "qingchuan_station_hour_mean{site=\"" + escaped(h.site) + "\",region=\"" + escaped(h.region) +
                     "\",factor=\"" + std::string(core::name(h.factor)) + "\",unit=\"" + std::string(core::name(unit)) +
                     "\"} " + core::format(h.value, unit) + "\n";
  });
}

std::string ProcessorProbe::stations() const {
  const std::lock_guard lock(mutex_);
  std::string out =
      "# HELP qingchuan_station_hour_mean Last closed valid hour of each series, in the unit of its label.\n"
      "# TYPE qingchuan_station_hour_mean gauge\n";
  std::size_t left_out = 0;
  for (const auto& [partition, seen] : seen_) {
    out += seen.stations;
    left_out += seen.series_left_out;
  }
  out +=
      "# HELP qingchuan_station_series_left_out Series above station_series_max, not shown here.\n"
      "# TYPE qingchuan_station_series_left_out gauge\n"
      "qingchuan_station_series_left_out " +
      std::to_string(left_out) + "\n";
  return out;
}

}  // namespace qc::processor
