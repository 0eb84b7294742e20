#include "qingchuan/live_source.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <numbers>

#include "platform/log.h"
#include "stream/partition.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

constexpr core::Duration kMinute = std::chrono::minutes(1);
// Of one append while minutes are behind. An append is all or nothing, so no tick comes between them: an hour that is
// filled in closes once, whole, instead of being amended minute by minute.
constexpr std::size_t kAppendRecordsMax = 4000;

// SplitMix64 (Steele, Lea, Flood 2014): a good hash of a counter, and the same on every machine.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::uint64_t hash(std::uint64_t seed, std::string_view site, std::uint64_t a, std::uint64_t b) {
  std::uint64_t h = mix(seed);
  for (const char c : site) h = mix(h ^ static_cast<unsigned char>(c));
  return mix(mix(h ^ a) ^ b);
}

double unit_interval(std::uint64_t h) {
  return static_cast<double>(h >> 11) * 0x1.0p-53;
}

// 1 at `peak` o'clock, falling to 0 `width` hours away.
double hump(double hour, double peak, double width) {
  const double away = std::min(std::fabs(hour - peak), 24 - std::fabs(hour - peak));
  return away >= width ? 0 : 0.5 + 0.5 * std::cos(std::numbers::pi * away / width);
}

// ug/m3, by a factor's daily habit in winter and summer alike; `burden` is the county's.
double curve(core::Factor factor, double hour, double burden) {
  const double night = hump(hour, 3, 9);
  const double rush = hump(hour, 8, 3) + hump(hour, 19, 4);
  switch (factor) {
    case core::Factor::PM25:
      return burden * (28 + 45 * night + 10 * rush);
    case core::Factor::PM10:
      return burden * (60 + 60 * night + 30 * rush);
    case core::Factor::SO2:
      return burden * (14 + 12 * hump(hour, 10, 5));
    case core::Factor::NO2:
      return burden * (22 + 30 * rush);
    case core::Factor::CO:
      return burden * (700 + 500 * night + 250 * rush);
    case core::Factor::O3:
      return 30 + 110 * hump(hour, 15, 7);
    case core::Factor::TSP:
      return burden * (110 + 90 * night);
    case core::Factor::NOx:
      return burden * (30 + 45 * rush);
    case core::Factor::Pb:
      return 0.05 * burden;
    case core::Factor::BaP:
      return 0.0008 * burden;
    default:
      return 0;
  }
}

constexpr std::array<std::string_view, 4> kPlain = {"fenyang", "xiaoyi", "jiaocheng", "wenshui"};
bool plain_county(std::string_view region) {
  return std::find(kPlain.begin(), kPlain.end(), region) != kPlain.end();
}

// Twenty bad minutes in every two hours for the stations of each plain county, half an hour apart from one to the next:
// so the last half hour always holds some, and whoever starts sees a signal at once. (A reading over its limit that is
// older than reading_over_limit's no_data begins nothing any more.)
double plume(const core::SiteInfo& site, core::Factor factor, std::int64_t minute) {
  if (factor != core::Factor::SO2 || site.kind == core::SiteKind::Background) return 0;
  for (std::size_t i = 0; i < kPlain.size(); ++i) {
    const std::int64_t at = (minute - 30 * static_cast<std::int64_t>(i)) % 120;
    if (site.region == kPlain[i] && at >= 0 && at < 20) return 560.0 + static_cast<double>(at);
  }
  return 0;
}

}  // namespace

Invented invent(std::uint64_t seed, const core::SiteInfo& site, core::Factor factor, core::EventTime at) {
  const std::int64_t minute = core::ms(at) / kMinute.count();
  const auto f = static_cast<std::uint64_t>(factor);
  const auto m = static_cast<std::uint64_t>(minute);
  const double hour = static_cast<double>((minute + 8 * 60) % (24 * 60)) / 60.0;  // Beijing's
  const double day = unit_interval(hash(seed, site.region, 1, static_cast<std::uint64_t>((minute + 480) / 1440)));
  double burden = 0.7 + 0.6 * day;
  if (plain_county(site.region)) burden *= 1.9;
  if (site.kind == core::SiteKind::Background) burden *= 0.3;
  const double noise = 0.95 + 0.1 * unit_interval(hash(seed, site.id, f, m));
  const double value = curve(factor, hour, burden) * noise + plume(site, factor, minute);

  Invented out;
  const bool trace = factor == core::Factor::Pb || factor == core::Factor::BaP;
  if (factor == core::Factor::CO) {
    out.unit = core::Unit::MgM3;
    out.value = {std::llround(value), 3};  // the curve is in ug/m3
  } else {
    out.value = trace ? core::Decimal{std::llround(value * 1e5), 5} : core::Decimal{std::llround(value * 10), 1};
  }
  const std::uint64_t luck = hash(seed, site.id, f + 1000, m) % 2000;
  if (luck == 0) out.flag = core::Flag::Fault;
  if (luck == 1 || luck == 2) out.flag = core::Flag::Missing;
  return out;
}

LiveSource::LiveSource(stream::Log& log, std::shared_ptr<const core::RuleSet> rules, int partitions, Options options)
    : log_(log),
      rules_(std::move(rules)),
      partitions_(partitions),
      options_(std::move(options)),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

std::vector<stream::NewRecord> LiveSource::minute(core::EventTime at) const {
  std::vector<stream::NewRecord> records;
  wire::BatchBuilder builder;
  const core::ReceiveTime received = core::receive_time(options_.wall_ms());
  for (const auto& [id, site] : rules_->sites) {
    if (!site.dated.holds(at)) continue;
    // The stamp is the minute's end, as a data logger would set it.
    builder.begin(id, received, core::ms(at + kMinute), core::Source::Minute, at, kMinute);
    for (const core::Factor f : site.factors) {
      const Invented v = invent(options_.seed, site, f, at);
      if (v.flag != core::Flag::Missing) builder.add(0, f, v.unit, v.value, v.flag);
    }
    if (builder.readings() == 0) continue;
    const std::string key = wire::reading_key(id);
    records.push_back({{"readings", stream::partition_of(key, partitions_)}, key, builder.finish(), {}});
  }
  return records;
}

void LiveSource::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  const auto wait = [&](core::Duration d) {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, d, [] { return false; });
  };
  std::unique_ptr<stream::Appender> appender;
  const auto now = [this] { return core::event_time(options_.wall_ms()); };
  core::EventTime next = core::hour_of(now() - options_.backfill);
  core::Duration retry = std::chrono::milliseconds(200);
  while (!stop.stop_requested()) {
    if (next + kMinute + options_.delay > now()) {
      wait(std::min<core::Duration>(next + kMinute + options_.delay - now(), std::chrono::seconds(1)));
      continue;
    }
    // After a long sleep the minutes that nobody would take any more are left out.
    next = std::max(next, core::hour_of(now() - std::chrono::hours(5)));
    Result<void> sent;
    if (appender == nullptr) {
      auto made = log_.appender();
      if (made) {
        appender = std::move(*made);
      } else {
        sent = tl::make_unexpected(made.error());
      }
    }
    core::EventTime upto = next;
    if (appender != nullptr) {
      std::vector<stream::NewRecord> records;
      do {
        std::vector<stream::NewRecord> more = minute(upto);
        records.insert(records.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        upto += kMinute;
      } while (upto + kMinute + options_.delay <= now() && records.size() < kAppendRecordsMax);
      sent = appender->append(records);
    }
    if (sent) {
      next = upto;
      retry = std::chrono::milliseconds(200);
      continue;
    }
    platform::log_limited("live source", 1, platform::Level::warn, "the built-in source cannot write; it tries again",
                          {{"error", sent.error()}});
    wait(retry);
    retry = std::min<core::Duration>(retry * 2, std::chrono::seconds(10));
  }
}

}  // namespace qc::commands
