#include "packets.h"

#include <array>
#include <charconv>

#include "base/assert.h"
#include "stream/partition.h"
#include "wire/keys.h"

namespace qc::bench {
namespace {

constexpr std::array<core::Factor, kFactors> kAll = {core::Factor::PM25, core::Factor::PM10, core::Factor::SO2,
                                                     core::Factor::NO2,  core::Factor::CO,   core::Factor::O3,
                                                     core::Factor::TSP,  core::Factor::NOx};
constexpr std::size_t kNo2 = 3;
constexpr int kFirstSite = 100000;
constexpr int kSitesOfCounty = 25;
// Tenths of ug/m3. The limit is 200 ug/m3 (GB 3095, 1 h, class 2); at or below 90 % of it for ten minutes ends it
// (config/rules/signals.yaml).
constexpr std::int64_t kExceeding = 3000;
constexpr std::int64_t kLimit = 2000;
constexpr core::Duration kHoldOff = std::chrono::minutes(10);
constexpr std::int64_t kPgOfTenth = 100'000;
constexpr std::int64_t kPgOfThousandthMg = 1'000'000;

std::uint64_t mix(std::uint64_t x) {  // SplitMix64
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

bool is_co(std::size_t factor) {
  return kAll[factor] == core::Factor::CO;
}

}  // namespace

core::Factor factor_at(std::size_t i) {
  return kAll[i];
}

Packets::Packets(const Plan& plan) : plan_(plan) {
  QC_ASSERT(plan.sites > 0 && plan.sites < 1'000'000 - kFirstSite);
  for (int s = 0; s < plan.sites; ++s) {
    sites_.push_back("B" + std::to_string(kFirstSite + s));
    partitions_.push_back(stream::partition_of(wire::reading_key(sites_.back()), plan.partitions));
  }
}

int Packets::site_number(std::string_view site) const {
  int number = 0;
  if (site.size() != 7 || site.front() != 'B') return -1;
  const auto [end, error] = std::from_chars(site.data() + 1, site.data() + site.size(), number);
  if (error != std::errc{} || end != site.data() + site.size()) return -1;
  number -= kFirstSite;
  return number >= 0 && number < plan_.sites ? number : -1;
}

std::string Packets::registration(int s) const {
  const std::string county = "bench-" + std::to_string(s / kSitesOfCounty);
  return wire::encode_register(
      {site(s), site(s), core::SiteKind::Evaluation, core::AreaClass::Class2, county, "bench"});
}

std::string Packets::packet(int s, int minute, bool exceed) {
  const core::EventTime end = end_of(minute);
  builder_.begin(site(s), core::receive_time(core::ms(end)), core::ms(end), core::Source::Minute,
                 end - std::chrono::minutes(1), std::chrono::minutes(1));
  for (std::size_t f = 0; f < kFactors; ++f) {
    const std::int64_t v = exceed && f == kNo2 ? kExceeding : mantissa(s, f, minute);
    builder_.add(0, kAll[f], is_co(f) ? core::Unit::MgM3 : core::Unit::UgM3, {v, is_co(f) ? 3 : 1});
  }
  return builder_.finish();
}

bool Packets::exceeds(int s, int minute) const {
  if (plan_.exceed_every == 0) return false;
  const std::uint64_t number =
      static_cast<std::uint64_t>(minute) * static_cast<std::uint64_t>(plan_.sites) + static_cast<std::uint64_t>(s);
  return mix(number) % static_cast<std::uint64_t>(plan_.exceed_every) == 0;
}

// 5 to 45 ug/m3 (CO: 0.05 to 0.45 mg/m3): a base of the series and a slow walk, with a last digit like noise.
std::int64_t Packets::mantissa(int s, std::size_t factor, int minute) const {
  const std::uint64_t series = static_cast<std::uint64_t>(s) * kFactors + factor;
  const auto base = static_cast<std::int64_t>(50 + mix(series) % 200);
  const auto noise = static_cast<std::int64_t>(mix(series ^ (static_cast<std::uint64_t>(minute) << 32)) % 30);
  const std::int64_t phase = (minute + s) % 340;
  return base + (phase < 170 ? phase : 340 - phase) + noise;
}

std::int64_t Packets::value(int s, std::size_t factor, int minute, bool exceed) const {
  const std::int64_t v = exceed && factor == kNo2 ? kExceeding : mantissa(s, factor, minute);
  return v * (is_co(factor) ? kPgOfThousandthMg : kPgOfTenth);
}

core::Sums Packets::hour(int s, std::size_t factor, int hour, int minutes) const {
  core::Sums sums;
  for (int m = hour * 60; m < std::min(minutes, (hour + 1) * 60); ++m) {
    core::Slot slot;
    slot.pg = value(s, factor, m, exceeds(s, m));
    sums.add(slot);
  }
  return sums;
}

std::vector<Packets::Change> Packets::changes(int s, int minutes) const {
  std::vector<Change> all;
  bool over = false;
  core::EventTime below = core::EventTime::max();
  for (int m = 0; m < minutes; ++m) {
    const bool now = exceeds(s, m);
    static_assert(kExceeding > kLimit);
    if (now) {
      if (!over) all.push_back({true, end_of(m)});
      over = true;
      below = core::EventTime::max();
    } else if (over) {
      below = std::min(below, end_of(m));
      if (end_of(m) - below < kHoldOff) continue;
      all.push_back({false, end_of(m)});
      over = false;
      below = core::EventTime::max();
    }
  }
  return all;
}

}  // namespace qc::bench
