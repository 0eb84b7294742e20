#include "core/reading_stage_oracle_quality.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <variant>

namespace qc::core::fixture {
namespace {

const QualityCheck* check_of(const RuleSet& rules, Factor factor) {
  for (const QualityCheck& c : rules.checks) {
    if (c.factor == factor) return &c;
  }
  return nullptr;
}

}  // namespace

QualityOracle::QualityOracle(const Oracle& oracle, const std::set<Oracle::Key>& published)
    : oracle_(oracle), first_(oracle.missed_since()) {
  for (const auto& [site, factor, start] : published) {
    if (is_index(factor)) continue;  // what an index is made of is watched
    const auto [first, made] = first_.emplace(Series{site, factor}, start);
    if (!made) first->second = std::min(first->second, start);
  }
  for (const auto& [key, h] : oracle.hours()) {
    const auto& [site, factor, start] = key;
    if (h.valid && start < oracle.frontier()) valid_[{site, factor}].insert(start);
  }
}

std::vector<std::int64_t> QualityOracle::levels(const RuleSet& rules, const SignalRule& rule, Factor factor) {
  std::int64_t more = 0;
  if (rule.kind == SignalKind::Suspect && rule.check != Mark::Inverted) {
    const QualityCheck* check = check_of(rules, factor);
    if (check == nullptr || (rule.check == Mark::Stuck && check->stuck_hours == 0)) return {};
    // A level says by how many hours it may exceed what is not stuck yet.
    if (rule.check == Mark::Stuck) more = (check->stuck_hours - 1) * kMillion;
  }
  std::vector<std::int64_t> on;
  for (const Concentration c : rule.on) on.push_back(c.pg + more);
  return on;
}

const NaiveHour* QualityOracle::hour(const Series& series, EventTime start) const {
  const auto found = oracle_.hours().find({series.first, series.second, start});
  return found == oracle_.hours().end() || start >= oracle_.frontier() || found->second.count == 0 ? nullptr
                                                                                                   : &found->second;
}

// Back to the last valid hour, or to the first one in which it is missed.
int QualityOracle::silent_for(const Series& series, EventTime start) const {
  EventTime before = first_.at(series) - kHour;
  if (const auto its = valid_.find(series); its != valid_.end()) {
    const auto next = its->second.upper_bound(start);
    if (next != its->second.begin()) before = std::max(before, *std::prev(next));
  }
  return static_cast<int>((start - before) / kHour);
}

int QualityOracle::stuck_for(const Series& series, EventTime start) const {
  const auto flat = [](const NaiveHour* h) { return h != nullptr && h->valid && h->min == h->max; };
  const NaiveHour* last = hour(series, start);
  int run = 0;
  for (const NaiveHour* h = last; flat(h) && h->value == last->value; h = hour(series, start - kHour * run)) ++run;
  return run;
}

std::map<QualityOracle::Series, QualityOracle::Values> QualityOracle::values(const SignalRule& rule) const {
  std::map<Series, Values> all;
  for (const auto& [series, first] : first_) {
    Values& its = all[series];
    for (EventTime t = first; t < oracle_.frontier(); t += kHour) {
      if (rule.kind == SignalKind::NoData) {
        its[t] = silent_for(series, t) * kMillion;
        continue;
      }
      const NaiveHour* h = hour(series, t);
      if (h == nullptr) continue;
      if (rule.check == Mark::Range) its[t] = h->beyond_range * kMillion;
      if (rule.check == Mark::Clipped) its[t] = h->clipped * kMillion;
      if (!h->valid) continue;
      if (rule.check == Mark::Stuck) its[t] = stuck_for(series, t) * kMillion;
      if (rule.check == Mark::Inverted && series.second == Factor::PM25) {
        const NaiveHour* coarse = hour({series.first, Factor::PM10}, t);
        if (coarse != nullptr && coarse->valid) its[t] = h->value - coarse->value;
      }
    }
  }
  return all;
}

// ---- faults -------------------------------------------------------------------------------------------------------

namespace {

class Breaker {
 public:
  Breaker(const RuleSet& rules, std::uint64_t seed) : rules_(rules), seed_(seed) {}

  void operator()(ReadingBatch& batch) {
    const std::string site(batch.site);
    const bool other = ++records_ % 29 == 0;  // says what it said
    for (const Column& c : batch.columns) {
      if (other || !broken(site, c.factor)) continue;
      for (std::uint32_t i = 0; i < c.count; ++i) {
        const EventTime at = batch.start + batch.step * i;
        const std::int64_t pg = held(site, c.factor, at);
        // Now and then above and below in turn: the same mean of unequal readings.
        const bool restless = batch.step < kHour && mix(site, c.factor, ms(hour_of(at)), 3) % 12 == 0;
        const std::int64_t off = restless ? ((at - hour_of(at)) / batch.step % 2 == 0 ? kMillion : -kMillion) : 0;
        batch.values[c.first + i].pg = std::max<std::int64_t>(pg + off, 0);
      }
    }
  }
  void operator()(Amend& amend) {
    if (broken(amend.site, amend.factor) && ++records_ % 2 == 0) {
      amend.value.pg = held(amend.site, amend.factor, amend.interval.start);
    }
  }
  template <class Other>
  void operator()(Other& /*record*/) {}

 private:
  std::uint64_t mix(const std::string& site, Factor factor, std::int64_t a, std::uint64_t b) const {
    std::uint64_t h = seed_ * 0x9e3779b97f4a7c15U + b;
    for (const char c : site) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    h = (h ^ index(factor)) * 0x100000001b3U;
    h = (h ^ static_cast<std::uint64_t>(a)) * 0x9e3779b97f4a7c15U;
    h ^= h >> 31;
    return h * 0xbf58476d1ce4e5b9U >> 17;
  }
  bool broken(const std::string& site, Factor factor) const { return mix(site, factor, 0, 1) % 3 == 0; }
  // One value for 5, 8 .. 20 hours; now and then the last one that needs no mark, or the first one that does.
  std::int64_t held(const std::string& site, Factor factor, EventTime at) const {
    const auto length = static_cast<std::int64_t>(5 + 3 * (mix(site, factor, 0, 4) % 6));
    const std::int64_t stretch = ms(at) / (length * kHour.count());
    const auto kind = mix(site, factor, stretch, 5) % 40;
    if (const QualityCheck* check = check_of(rules_, factor); check != nullptr && kind < 6) {
      return std::array{check->low.pg,      check->low.pg - 1, check->high.pg,
                        check->high.pg + 1, check->clip.pg,    check->clip.pg - 1}[kind];
    }
    return static_cast<std::int64_t>(20 + mix(site, factor, stretch, 2) % 60) * kMillion;
  }

  const RuleSet& rules_;
  std::uint64_t seed_;
  std::uint64_t records_ = 0;
};

}  // namespace

void break_instruments(World& world, std::uint64_t seed) {
  Breaker breaker(*world.rules, seed);
  for (Record& record : world.log) std::visit(breaker, record);
}

}  // namespace qc::core::fixture
