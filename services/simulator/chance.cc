#include "simulator/chance.h"

namespace qc::simulator {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a good hash of a counter, and the same on every machine.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Chance::Chance(std::uint64_t seed) : mixed_(mix(seed)) {}
Chance::Chance(std::uint64_t before, std::uint64_t more) : mixed_(mix(before ^ mix(more))) {}

Chance Chance::of(std::string_view name) const {
  std::uint64_t h = mixed_;
  for (const char c : name) h = mix(h ^ static_cast<unsigned char>(c));
  return {h, name.size()};
}

double Chance::uniform() const {
  return static_cast<double>(mixed_ >> 11) * 0x1.0p-53;
}

double Chance::normal() const {
  // The sum of four uniform numbers of 16 bits each: close to the bell, bounded, and one hash.
  constexpr double kMean = 4 * 65535 / 2.0;
  constexpr double kDeviation = 37837.2;  // sqrt(4 * 65536^2 / 12)
  const auto part = [this](int i) { return static_cast<double>(mixed_ >> (16 * i) & 0xffffU); };
  return (part(0) + part(1) + part(2) + part(3) - kMean) / kDeviation;
}

double Chance::smooth(core::EventTime t, core::Duration knot) const {
  const core::EventTime before = core::floor_to(t, knot);
  const std::int64_t n = core::ms(before) / knot.count();
  const double x = static_cast<double>((t - before).count()) / static_cast<double>(knot.count());
  const double s = x * x * (3 - 2 * x);
  return of(n).normal() * (1 - s) + of(n + 1).normal() * s;
}

}  // namespace qc::simulator
