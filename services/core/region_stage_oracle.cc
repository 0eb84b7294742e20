#include "core/region_stage_oracle.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/aqi.h"
#include "core/region_stage_oracle_events.h"
#include "core/testing.h"

namespace qc::core::fixture {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Random = std::mt19937_64;

int upto(Random& r, int n) {
  return static_cast<int>(r() % static_cast<std::uint64_t>(n));
}
bool one_in(Random& r, int n) {
  return upto(r, n) == 0;
}

double metres(const SiteInfo& a, const SiteInfo& b) {
  const double rad = std::acos(-1.0) / 180 / 1e6;
  const double lat1 = a.lat_e6 * rad;
  const double lat2 = b.lat_e6 * rad;
  const double s = std::sin((lat2 - lat1) / 2);
  const double t = std::sin((b.lon_e6 - a.lon_e6) * rad / 2);
  return 2 * 6'371'000 * std::asin(std::sqrt(s * s + std::cos(lat1) * std::cos(lat2) * t * t));
}

// No two ways of reckoning disagree about who is near and who is nearer.
bool clear_places(const std::vector<SiteInfo>& sites, double radius) {
  for (const SiteInfo& a : sites) {
    std::vector<double> distances = {radius};
    for (const SiteInfo& b : sites) {
      if (a.lat_e6 != 0 && b.lat_e6 != 0 && a.id != b.id && a.root == b.root) distances.push_back(metres(a, b));
    }
    std::sort(distances.begin(), distances.end());
    for (std::size_t i = 1; i < distances.size(); ++i) {
      if (distances[i] - distances[i - 1] < 0.004 * distances[i] + 3) return false;
    }
  }
  return true;
}

std::vector<SiteInfo> make_sites(Random& r, int count, double radius) {
  const bool with_places = !one_in(r, 3);
  while (true) {
    std::vector<SiteInfo> sites;
    for (int i = 0; i < count; ++i) {
      SiteInfo s;
      s.id = "T" + std::to_string(i);
      s.root = one_in(r, 6) ? "Q" : "P";
      s.region = s.root + std::to_string(upto(r, 2));
      if (one_in(r, 4)) s.factors = {Factor::PM25, Factor::NO2};
      if (one_in(r, 5)) s.dated.from = beijing_midnight(2026, 3, 1) + hours(upto(r, 30));
      if (one_in(r, 5)) s.dated.until = beijing_midnight(2026, 3, 2) + hours(upto(r, 30));
      s.kind = one_in(r, 8) ? SiteKind::Background : one_in(r, 3) ? SiteKind::Micro : SiteKind::Evaluation;
      if (with_places && !one_in(r, 6)) {
        s.lon_e6 = 111'000'000 + upto(r, 400'000);
        s.lat_e6 = 37'000'000 + upto(r, 300'000);
      }
      sites.push_back(std::move(s));
    }
    if (clear_places(sites, radius)) return sites;
  }
}

// Two prefectures of two counties each; a group across P; both prefectures by stations or by counties. Windows as long
// as the world is.
void make_regions(Random& r, RuleSet& rules) {
  for (const char* root : {"P", "Q"}) {
    for (const std::string& id : {std::string(root), root + std::string("0"), root + std::string("1")}) {
      Region& region = rules.regions[id];
      region.id = region.name = id;
      region.parent = id == root ? "" : root;
      region.mean_of_members = id == root && one_in(r, 2);
      region.valid_percent = 25 * upto(r, 4);
    }
  }
  Region& group = rules.regions["G"];
  group.id = group.name = "G";
  group.parent = "P";
  group.members = {"P0", "P1"};
  group.mean_of_members = one_in(r, 2);
  warn(rules);
  rules.editions = {edition(false), edition(true)};
  for (const Window window : {Window::H24, Window::Day}) {
    Validity& v = rules.validities.emplace_back();
    v.factors = {Factor::PM25, Factor::SO2, Factor::NO2};
    v.window = window;
    v.at_least = 10;
  }
}

std::shared_ptr<RuleSet> make_rules(Random& r, const std::vector<SiteInfo>& sites, const char* hash, int radius_m) {
  auto rules = std::make_shared<RuleSet>();
  rules->hash = hash;
  rules->horizons.close_after = minutes(10);
  rules->horizons.hours_kept = hours(24);
  rules->neighbourhood = {radius_m, 1 + upto(r, 3), one_in(r, 2) ? 3 : 12};
  for (const auto& [factor, rise] : {std::pair{Factor::PM25, ug(30)}, std::pair{Factor::SO2, ug(10)}}) {
    QualityCheck& check = rules->checks.emplace_back();
    check.factor = factor;
    check.rise = rise;
  }
  SignalRule high{.id = "high", .kind = SignalKind::HourHigh, .clause = "high", .on = all_ug({200, 300})};
  high.dead_band_percent = one_in(r, 2) ? 0 : 20;
  high.no_data = hours(2 + upto(r, 3));
  high.stale_max = hours(6 + upto(r, 6));
  SignalRule spike{.id = "spike", .kind = SignalKind::Spike, .clause = "spike", .on = all_ug({250})};
  spike.no_data = hours(3);
  spike.stale_max = hours(9);
  rules->signals = {high, spike};
  for (const SiteInfo& s : sites) rules->sites[s.id] = s;
  make_regions(r, *rules);
  rules->prepare();
  return rules;
}

// The reading stage of one partition, as far as `means` shows it.
class Publisher {
 public:
  Publisher(Random& random, std::vector<SiteInfo> sites, EventTime start) : r_(random), sites_(std::move(sites)) {
    next_ = start_ = start;
  }

  Run run(EventTime tick, const std::string& rules, bool quiet) {
    Run run;
    run.tick = tick;
    for (; next_ + kHour + minutes(10) <= tick; next_ += kHour) {
      for (const SiteInfo& site : sites_) close(site, next_, quiet, rules, run);
    }
    if (next_ == start_ || quiet || sites_.empty()) return run;
    for (int n = upto(r_, 4) - 1; n > 0; --n) amend(tick, rules, run);
    return run;
  }

 private:
  std::int64_t usual(Factor f) {
    const std::int64_t level = f == Factor::PM25 ? 60 : 20;
    const std::int64_t times = one_in(r_, 9) ? 2 + upto(r_, 5) : 1;
    return one_in(r_, 40) ? 0 : times * (level * kMillion / 2 + upto(r_, static_cast<int>(level) * 1'000'000));
  }

  void close(const SiteInfo& site, EventTime hour, bool quiet, const std::string& rules, Run& run) {
    const bool silent = quiet || one_in(r_, 10) || (silent_until_.contains(site.id) && hour < silent_until_[site.id]);
    if (!quiet && one_in(r_, 60)) silent_until_[site.id] = hour + hours(2 + upto(r_, 14));
    for (const Factor f : {Factor::PM25, Factor::SO2, Factor::NO2}) {  // there is no check for NO2
      if (one_in(r_, 30)) continue;                                    // comes late, if at all
      add(site, f, hour, silent ? -1 : usual(f), Status::Closed, "", rules, run);
    }
    add(site, Factor::AQI, hour, 500 * kMillion, Status::Closed, "", rules, run);  // of no interest, as the next
    add(site, Factor::PM25, hour + kHour, 900 * kMillion, Status::Running, "", rules, run);
  }

  // A closed hour has another value now, or one at last.
  void amend(EventTime tick, const std::string& rules, Run& run) {
    const EventTime hour = next_ - kHour * (1 + upto(r_, one_in(r_, 2) ? 3 : 23));
    if (tick >= hour + kHour + hours(24) || hour < start_) return;
    const SiteInfo& site = sites_[r_() % sites_.size()];
    const Factor f = one_in(r_, 2) ? Factor::PM25 : Factor::SO2;
    add(site, f, hour, one_in(r_, 4) ? -1 : usual(f), Status::Amended, one_in(r_, 2) ? "late readings" : "calibration",
        rules, run);
  }

  void add(const SiteInfo& site, Factor f, EventTime hour, std::int64_t pg, Status status, const char* reason,
           const std::string& rules, Run& run) {
    RegionMean& m = run.means.emplace_back();
    m.rules = rules;
    m.mean.site = site.id;
    m.mean.region = site.region;
    m.mean.root = site.root;
    m.mean.factor = f;
    m.mean.window = Window::H1;
    m.mean.interval = {hour, hour + kHour};
    m.mean.value = {std::max<std::int64_t>(pg, 0)};
    m.mean.valid = pg >= 0;
    m.mean.count = pg < 0 ? 0 : 60;
    m.mean.expected = 60;
    m.mean.status = status;
    m.mean.reason = reason;
  }

  Random& r_;
  std::vector<SiteInfo> sites_;
  EventTime start_{};
  EventTime next_{};
  std::map<std::string, EventTime> silent_until_;
};

}  // namespace

RegionWorld make_region_world(std::uint64_t seed, const RegionWorldOptions& options) {
  Random r(seed);
  const int radius = 10'000 + upto(r, 20'000);
  const std::vector<SiteInfo> sites = make_sites(r, 3 + upto(r, 7), radius);
  RegionWorld world;
  world.rules.push_back(make_rules(r, sites, "00000000000000aa", radius));
  if (options.rules_change) world.rules.push_back(make_rules(r, sites, "00000000000000bb", radius));
  const EventTime start = beijing_midnight(2026, 3, 1);
  const EventTime end = start + hours(20 + upto(r, 60)) + (options.jump ? hours(60) : hours(0));
  const EventTime gap = start + hours(8 + upto(r, 10));
  world.end = end + minutes(upto(r, 60));
  const int count = 1 + upto(r, 4);
  for (int p = 0; p < count; ++p) {
    std::vector<SiteInfo> its;
    for (std::size_t i = static_cast<std::size_t>(p); i < sites.size(); i += static_cast<std::size_t>(count)) {
      its.push_back(sites[i]);
    }
    Publisher publisher(r, its, start);
    const EventTime change = start + hours(5 + upto(r, 20)) + minutes(upto(r, 60));
    std::vector<Run>& runs = world.partitions.emplace_back();
    EventTime tick = start + minutes(upto(r, 10));
    while (tick < world.end) {
      const bool other = options.rules_change && tick >= change;
      // Of what was silent nothing is known: the hours of the jump are published without data.
      const bool after_jump = options.jump && !runs.empty() && runs.back().tick < gap && tick > gap;
      runs.push_back(publisher.run(tick, world.rules[other ? 1 : 0]->hash, after_jump));
      tick += minutes(one_in(r, 5) ? 1 + upto(r, 120) : 5 + upto(r, 20));
      if (options.jump && runs.back().tick < gap && tick >= gap) tick = gap + hours(50) + minutes(upto(r, 60));
    }
    const bool other = options.rules_change && world.end >= change;
    runs.push_back(publisher.run(world.end, world.rules[other ? 1 : 0]->hash, false));
  }
  return world;
}

std::vector<RegionRecord> interleave(const RegionWorld& world, Random& r) {
  std::vector<std::vector<RegionRecord>> left;
  for (std::size_t p = 0; p < world.partitions.size(); ++p) {
    auto& records = left.emplace_back();
    for (const Run& run : world.partitions[p]) {
      for (const RegionMean& m : run.means) records.push_back({static_cast<int>(p), &m, {}});
      records.push_back({static_cast<int>(p), nullptr, run.tick});
    }
  }
  std::vector<RegionRecord> all;
  std::vector<std::size_t> at(left.size());
  const std::size_t slow = r() % left.size();  // sometimes one lags far behind
  const bool lags = one_in(r, 2);
  while (true) {
    std::vector<std::size_t> open;
    for (std::size_t p = 0; p < left.size(); ++p) {
      if (at[p] < left[p].size()) open.push_back(p);
    }
    if (open.empty()) return all;
    std::size_t p = open[r() % open.size()];
    if (lags && p == slow && open.size() > 1 && !one_in(r, 50)) continue;
    for (int n = 1 + upto(r, 200); n > 0 && at[p] < left[p].size(); --n) all.push_back(left[p][at[p]++]);
  }
}

void apply(RegionStage& stage, const RegionRecord& record, Offset offset, Outputs& out) {
  if (record.mean != nullptr) {
    stage.apply(record.mean->mean, {record.partition, record.mean->rules}, offset, out);
  } else {
    stage.apply(Tick{record.tick}, record.partition, offset, out);
  }
}

// ---- the batch ---------------------------------------------------------------------------------------------------

namespace {

struct Batch {
  const RuleSet& rules;
  std::map<std::tuple<std::string, Factor, EventTime>, std::int64_t> values;
  EventTime first = EventTime::max();

  std::optional<std::int64_t> value(const std::string& site, Factor f, EventTime hour) const {
    const auto at = values.find({site, f, hour});
    return at == values.end() || at->second < 0 ? std::nullopt : std::optional(at->second);
  }

  // Percent of the median as a number; at most 100 where the rise makes no difference.
  std::optional<long double> against_neighbours(const SiteInfo& site, Factor f, EventTime hour) const {
    const auto own = value(site.id, f, hour);
    if (!own || site.kind == SiteKind::Background) return std::nullopt;
    std::vector<std::tuple<double, std::string, std::int64_t>> near;
    for (const auto& [id, other] : rules.sites) {
      const auto its = value(id, f, hour);
      if (id == site.id || other.root != site.root || !its) continue;
      if (site.lat_e6 == 0) {
        if (other.region == site.region) near.emplace_back(0, id, *its);
      } else if (other.lat_e6 != 0 && metres(site, other) <= rules.neighbourhood.radius_m) {
        near.emplace_back(metres(site, other), id, *its);
      }
    }
    std::sort(near.begin(), near.end());
    if (near.size() > static_cast<std::size_t>(rules.neighbourhood.most)) {
      near.resize(static_cast<std::size_t>(rules.neighbourhood.most));
    }
    if (near.empty() || near.size() < static_cast<std::size_t>(rules.neighbourhood.least)) return std::nullopt;
    std::vector<std::int64_t> its;
    for (const auto& n : near) its.push_back(std::get<2>(n));
    std::sort(its.begin(), its.end());
    const long double median = its.size() % 2 == 1 ? static_cast<long double>(its[its.size() / 2])
                                                   : (its[its.size() / 2 - 1] + its[its.size() / 2]) / 2.0L;
    const long double percent = median > 0 ? static_cast<long double>(*own) * 100 / median : *own > 0 ? 1e6L : 100;
    const long double rise = f == Factor::PM25 ? 30e6L : 10e6L;
    return static_cast<long double>(*own) - median >= rise ? percent : std::min(percent, 100.0L);
  }

  std::optional<long double> seen(const SignalRule& rule, const SiteInfo& site, Factor f, EventTime hour) const {
    const auto now = against_neighbours(site, f, hour);
    const auto on = static_cast<long double>(rule.on[0].pg) / 1e6L;
    if (rule.kind == SignalKind::HourHigh || !now || *now <= on) return now;
    const auto before = against_neighbours(site, f, hour - kHour);
    const auto after = against_neighbours(site, f, hour + kHour);
    if ((before && *before > on) || (after && *after > on)) return 100.0L;
    return before && after ? now : std::nullopt;
  }
};

Batch batch_of(const RegionWorld& world) {
  Batch batch{*world.rules.front(), {}};
  for (const auto& runs : world.partitions) {
    for (const Run& run : runs) {
      for (const RegionMean& m : run.means) {
        if (is_index(m.mean.factor) || m.mean.status == Status::Running) continue;
        batch.values[{m.mean.site, m.mean.factor, m.mean.interval.start}] = m.mean.valid ? m.mean.value.pg : -1;
        batch.first = std::min(batch.first, m.mean.interval.start);
      }
    }
  }
  return batch;
}

}  // namespace

RegionEpisodes naive_episodes(const RegionWorld& world) {
  const RuleSet& rules = *world.rules.front();
  const Batch batch = batch_of(world);
  const EventTime first = batch.first;
  RegionEpisodes all;
  const EventTime judged = hour_of(world.end - rules.horizons.close_after);
  for (const SignalRule& rule : rules.signals) {
    const EventTime until = rule.kind == SignalKind::Spike ? judged - kHour : judged;
    for (const auto& entry : rules.sites) {
      const SiteInfo& site = entry.second;
      for (const Factor f : {Factor::PM25, Factor::SO2}) {
        int level = 0;
        bool stale = false;
        EventTime began{};
        EventTime valid_at = first;
        const auto say = [&](EventTime at, SignalState state, int l) {
          all[{rule.id, site.id, f, began}] = {at, state, l};
        };
        const auto over = [&](std::size_t l, long double v, bool off) {
          const std::int64_t on = rule.on[l].pg;
          const std::int64_t level_pg = off ? on - on * rule.dead_band_percent / 100 : on;
          return v * 1e6L > static_cast<long double>(level_pg);
        };
        for (EventTime hour = first; hour < until; hour += kHour) {
          const EventTime at = hour + kHour;
          const auto v = batch.seen(rule, site, f, hour);
          if (!v) {
            if (level == 0) continue;
            if (at - valid_at >= rule.stale_max) {
              say(at, SignalState::EndedNoData, level);
              level = 0;
              stale = false;
            } else if (!stale && at - valid_at >= rule.no_data) {
              say(at, SignalState::Stale, level);
              stale = true;
            }
            continue;
          }
          valid_at = at;
          int up = 0;
          while (up < static_cast<int>(rule.on.size()) && over(static_cast<std::size_t>(up), *v, false)) ++up;
          int stays = level;
          while (stays > 0 && !over(static_cast<std::size_t>(stays - 1), *v, true)) --stays;
          const int next = std::max(up, stays);
          if (next != level || stale) {
            if (level == 0) began = at;
            say(at, next == 0 ? SignalState::Cleared : SignalState::Active, next == 0 ? level : next);
          }
          level = next;
          stale = false;
        }
      }
    }
  }
  return all;
}

// ---- the air of regions ------------------------------------------------------------------------------------------

namespace {

struct Share {
  std::int64_t sum = 0;
  int valid = 0;
  int all = 0;
  void add(std::optional<std::int64_t> v) {
    ++all;
    if (v) ++valid;
    if (v) sum += *v;
  }
  // Half to even, by hand.
  std::int64_t mean() const {
    const std::int64_t twice = sum % valid * 2;
    const std::int64_t low = sum / valid;
    return low + (twice > valid || (twice == valid && low % 2 == 1) ? 1 : 0);
  }
  std::optional<std::int64_t> value(int percent) const {
    return valid > 0 && 100.0 * valid / all >= percent ? std::optional(mean()) : std::nullopt;
  }
};

// Whether a site lies in a region, walking up from the site.
bool lies_in(const RuleSet& rules, const SiteInfo& site, const Region& region) {
  if (!region.members.empty()) {
    return std::any_of(region.members.begin(), region.members.end(),
                       [&](const std::string& m) { return lies_in(rules, site, rules.regions.at(m)); });
  }
  for (std::string at = site.region; !at.empty(); at = rules.regions.at(at).parent) {
    if (at == region.id) return true;
  }
  return false;
}

Share share_of(const Batch& batch, const Region& region, Factor f, EventTime hour) {
  const RuleSet& rules = batch.rules;
  Share share;
  if (region.mean_of_members) {
    for (const auto& entry : rules.regions) {
      const Region& other = entry.second;
      const bool listed = std::find(region.members.begin(), region.members.end(), other.id) != region.members.end();
      const bool below = region.members.empty() && other.parent == region.id && other.members.empty();
      const bool has_stations = std::any_of(rules.sites.begin(), rules.sites.end(), [&](const auto& s) {
        return s.second.kind == SiteKind::Evaluation && lies_in(rules, s.second, other);
      });
      if ((listed || below) && has_stations) share.add(share_of(batch, other, f, hour).value(other.valid_percent));
    }
    return share;
  }
  for (const auto& [id, site] : rules.sites) {
    const bool measured = site.factors.empty() || std::count(site.factors.begin(), site.factors.end(), f) > 0;
    const bool holds = site.dated.from < hour + kHour && hour + kHour <= site.dated.until;
    if (site.kind != SiteKind::Evaluation || !measured || !holds || !lies_in(rules, site, region)) continue;
    share.add(batch.value(id, f, hour));
  }
  return share;
}

}  // namespace

RegionAir naive_air(const RegionWorld& world) {
  const Batch batch = batch_of(world);
  const RuleSet& rules = batch.rules;
  const EventTime judged = hour_of(world.end - rules.horizons.close_after);
  RegionAir all;
  for (const auto& entry : rules.regions) {
    const Region& region = entry.second;
    std::map<Factor, std::map<EventTime, std::int64_t>> valid;
    for (EventTime hour = batch.first; hour < judged; hour += kHour) {
      const EventTime end = hour + kHour;
      AqiInputs now;
      AqiInputs day;
      for (std::size_t i = 0; i < kSixPollutants.size(); ++i) {
        const Factor f = kSixPollutants[i];
        const Share share = share_of(batch, region, f, hour);
        const auto mean = share.value(region.valid_percent);
        all[{region.id, f, Window::H1, end}] = {mean, share.valid, share.all};
        if (mean) valid[f][hour] = *mean;
        if (mean) now.h1[i] = Concentration{*mean};
        Share trailing;
        for (EventTime h = end - hours(24); h < end; h += kHour) {
          trailing.add(valid[f].contains(h) ? std::optional(valid[f][h]) : std::nullopt);
        }
        if (f != Factor::PM25 && f != Factor::SO2 && f != Factor::NO2) continue;
        const bool enough = trailing.valid >= 10;
        all[{region.id, f, Window::H24, end}] = {enough ? std::optional(trailing.mean()) : std::nullopt, trailing.valid,
                                                 24};
        if (enough) day.h24[i] = Concentration{trailing.mean()};
      }
      const AqiEdition& in_force = *rules.edition(last_instant({hour, end}));
      const auto index = [&](Window window, AqiReport report, const AqiInputs& inputs) {
        const AqiResult r = aqi(in_force, report, inputs, {});
        all[{region.id, Factor::AQI, window, end}] = {r.aqi ? std::optional(*r.aqi * kMillion) : std::nullopt,
                                                      static_cast<int>(r.sub_indices.size()), 6};
      };
      index(Window::H1, AqiReport::Hour, now);
      index(Window::H24, AqiReport::Rolling, day);
    }
  }
  return all;
}

}  // namespace qc::core::fixture
