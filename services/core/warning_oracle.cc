#include "core/warning_oracle.h"

#include <algorithm>
#include <random>
#include <set>

namespace qc::core::fixture {
namespace {

WarningAlternative over(std::initializer_list<std::pair<int, int>> conditions) {
  WarningAlternative a;
  for (const auto& [index, hours] : conditions) a.push_back({index, false, hours});
  return a;
}

std::int64_t hour_number(EventTime t) {
  return t.time_since_epoch() / kHour;
}

// Index by hour; an hour that is not in it has none.
using Known = std::map<std::int64_t, int>;

class Oracle {
 public:
  Oracle(const RuleSet& rules, WarningMachine::Mode mode, const WarningWorld& world)
      : rules_(rules), live_(mode == WarningMachine::Mode::Live), world_(world) {}

  std::vector<PlainEpisode> run() {
    Forecast forecast;
    for (now_ = 0; now_ < world_.hours.size(); ++now_) {
      if (!episodes_.empty() && is_open()) count(now_);
      counted_below_ = false;
      judge(forecast);
      const auto issued = world_.issued.find(now_);
      if (issued == world_.issued.end()) continue;
      forecast = issued->second;
      if (live_) judge(forecast);
    }
    return std::move(episodes_);
  }

 private:
  struct Reached {
    int level = 0;
    std::int64_t at = 0;
    std::int64_t hours = 0;
    std::set<std::int64_t> deciding;
  };

  bool is_open() const { return !episodes_.empty() && episodes_.back().state == SignalState::Active; }
  std::int64_t now() const { return hour_number(world_.at(now_)); }
  const WarningCriteria* criteria() const {
    for (const WarningCriteria& c : rules_.warnings) {
      if (is_open() ? c.id == episodes_.back().criteria : c.dated.holds(world_.at(now_) - Duration(1))) return &c;
    }
    return nullptr;
  }
  static bool excluded(const WarningCriteria& c, const IndexHour& h) {
    if (h.index < c.bar(1)) return false;
    return (c.without_dust && h.dust) || (c.without_ozone && h.ozone);
  }
  Known known(const WarningCriteria& c, const Forecast& forecast) const {
    Known k;
    const auto add = [&](EventTime at, const IndexHour& h) {
      if (!excluded(c, h) && h.index != kNoIndex) k[hour_number(at)] = h.index;
    };
    // What lies further back is asked by nobody.
    for (std::size_t i = now_ < 300 ? 0 : now_ - 300; i <= now_; ++i) add(world_.at(i), world_.hours[i]);
    for (const auto& [at, h] : forecast) {
      if (live_ && hour_number(at) > now() && hour_number(at) <= now() + 240) add(at, h);
    }
    return k;
  }

  // The hours (their ends) whose index must be over, for a condition on the hours (from, until].
  static std::vector<std::int64_t> asked(const WarningCriteria& c, std::int64_t from, std::int64_t until) {
    std::vector<std::int64_t> ends;
    for (std::int64_t day = from + 24; day <= until; day += c.lasting == Lasting::Blocks ? 24 : 1) ends.push_back(day);
    return ends;
  }
  static bool holds(const WarningCriteria& c, const WarningCondition& condition, const Known& known, std::int64_t until,
                    std::set<std::int64_t>& deciding) {
    const auto ends = asked(c, until - condition.hours, until);
    for (const std::int64_t end : ends) {
      const auto h = known.find(end);
      if (h == known.end()) return false;
      if (condition.reaches ? h->second < condition.index : h->second <= condition.index) return false;
    }
    deciding.insert(ends.begin(), ends.end());
    return true;
  }
  static Reached reached(const WarningCriteria& c, const Known& known, std::int64_t now) {
    const std::int64_t last = known.empty() ? now : std::max(now, known.rbegin()->first);
    for (int level = 3; level > 0; --level) {
      for (std::int64_t at = now; at <= last; ++at) {
        for (const WarningAlternative& a : c.levels[static_cast<std::size_t>(level - 1)]) {
          Reached r{level, at, 0, {}};
          for (const WarningCondition& one : a) r.hours = std::max<std::int64_t>(r.hours, one.hours);
          const bool all = std::all_of(a.begin(), a.end(), [&](const WarningCondition& one) {
            for (std::int64_t until = at - r.hours + one.hours; until <= at; ++until) {
              if (holds(c, one, known, until, r.deciding)) return true;
            }
            return false;
          });
          if (all) return r;
        }
      }
    }
    return {};
  }

  void judge(const Forecast& forecast) {
    const WarningCriteria* c = criteria();
    if (c == nullptr) return;
    const Known k = known(*c, forecast);
    const Reached r = reached(*c, k, now());
    if (!is_open()) {
      if (r.level > 0) begin(*c, r);
      return;
    }
    go_on(*c, k, r);
    if (is_open()) return;
    c = criteria();
    if (c == nullptr) return;
    const Reached again = reached(*c, known(*c, forecast), now());
    if (again.level > 0) begin(*c, again);
  }

  void go_on(const WarningCriteria& c, const Known& k, const Reached& r) {
    PlainEpisode& e = episodes_.back();
    const int level = e.changes.back().level;
    const auto below = [&](std::int64_t hour, int l) {
      const auto h = k.find(hour);
      return h != k.end() && h->second < c.bar(l);
    };
    if (!live_ && !counted_below_) {  // once an hour
      counted_below_ = true;
      silent_ = k.contains(now()) ? 0 : silent_ + 1;
      for (int l = 1; l <= 3; ++l) run_[l] = below(now(), l) ? run_[l] + 1 : 0;
    }
    if (!live_ && silent_ >= c.stale_hours) {
      e.state = SignalState::EndedNoData;
      const std::int64_t at = now() - c.stale_hours + 1;
      e.changes.push_back({0, now(), at, at, Basis::Observed});
      return;
    }
    const auto is_over = [&](int l) {
      if (!live_) return run_[l] >= c.lift_hours;
      for (std::int64_t hour = now(); hour <= now() + c.lift_hours; ++hour) {
        if (!below(hour, l)) return false;
      }
      return true;
    };
    int standing = 0;
    for (int l = 1; l <= level; ++l) {
      if (!is_over(l)) standing = c.downgrade == Downgrade::BelowYellow ? level : l;
    }
    int next = std::max(standing, r.level);
    // Only the forecast knows of it, after a gap that ends this one.
    if (standing == 0 && r.level > 0 && e.over[0] > 0 && *r.deciding.begin() > now()) next = 0;
    if (next > level) {
      rise(c, r);
    } else if (next < level) {
      const std::int64_t at = live_ ? now() : now() - run_[next + 1] + 1;
      e.changes.push_back({next, now(), at, at, live_ ? Basis::Both : Basis::Observed});
      if (next == 0) e.state = SignalState::Cleared;
    }
  }

  void begin(const WarningCriteria& c, const Reached& r) {
    PlainEpisode e;
    e.criteria = c.id;
    episodes_.push_back(std::move(e));
    rise(c, r);
    const std::int64_t first = std::min(*r.deciding.begin(), now());
    for (std::size_t i = 0; i <= now_; ++i) {
      if (hour_number(world_.at(i)) >= first) count(i);
    }
  }
  void rise(const WarningCriteria&, const Reached& r) {
    silent_ = 0;
    run_.clear();
    counted_below_ = true;
    const bool has_past = *r.deciding.begin() <= now();
    const bool has_future = *r.deciding.rbegin() > now();
    episodes_.back().changes.push_back({r.level, now(), r.at, r.at - r.hours,
                                        has_past ? has_future ? Basis::Both : Basis::Observed : Basis::Forecasted});
  }
  void count(std::size_t i) {
    PlainEpisode& e = episodes_.back();
    const WarningCriteria& c = *std::find_if(rules_.warnings.begin(), rules_.warnings.end(),
                                             [&](const WarningCriteria& w) { return w.id == e.criteria; });
    const IndexHour& h = world_.hours[i];
    if (excluded(c, h) && c.without_dust && h.dust) {
      ++e.dust;
    } else if (excluded(c, h)) {
      ++e.ozone;
    } else if (h.index == kNoIndex) {
      ++e.missing;
    } else {
      e.peak = std::max(e.peak, h.index);
      for (int l = 1; l <= 3; ++l) e.over[static_cast<std::size_t>(l - 1)] += h.index < c.bar(l) ? 0 : 1;
    }
  }

  const RuleSet& rules_;
  bool live_;
  const WarningWorld& world_;
  std::size_t now_ = 0;
  bool counted_below_ = false;
  int silent_ = 0;
  std::map<int, int> run_;  // by level
  std::vector<PlainEpisode> episodes_;
};

}  // namespace

WarningCriteria criteria_2018() {
  WarningCriteria c;
  c.id = "2018";
  c.clause = "环办大气函〔2018〕875号 yellow, orange and red as adopted";
  c.dated.until = beijing_midnight(2024, 1, 1);
  c.levels[0] = {over({{200, 48}})};
  c.levels[1] = {over({{200, 72}})};
  c.levels[2] = {over({{200, 96}, {300, 48}}), {{500, true, 24}}};
  c.downgrade = Downgrade::OwnLevel;
  c.without_ozone = c.without_dust = true;
  return c;
}

WarningCriteria criteria_2024() {
  WarningCriteria c;
  c.id = "2024";
  c.clause = "环大气〔2024〕6号 yellow, orange and red as implemented";
  c.dated.from = beijing_midnight(2024, 1, 1);
  c.levels[0] = {over({{200, 24}}), over({{150, 48}})};
  c.levels[1] = {over({{200, 48}}), over({{150, 72}})};
  c.levels[2] = {over({{200, 72}, {300, 24}})};
  c.downgrade = Downgrade::BelowYellow;
  c.without_ozone = c.without_dust = true;
  return c;
}

RuleSet rules_of(std::vector<WarningCriteria> criteria) {
  RuleSet rules;
  rules.warnings = std::move(criteria);
  return rules;
}

WarningWorld make_warning_world(std::uint64_t seed, std::size_t hours) {
  std::mt19937_64 random(seed);
  const auto one_of = [&random](std::initializer_list<int> from) {
    return *(from.begin() + static_cast<std::ptrdiff_t>(random() % from.size()));
  };
  const auto plateau = [&](std::vector<IndexHour>& to) {
    IndexHour h;
    // Days above one after the other, and gaps below, each about as long as what is asked for.
    const bool high = random() % 5 < 3;
    h.index = high ? one_of({151, 199, 201, 201, 230, 301, 320, 500}) : one_of({60, 100, 150, 151, 200});
    int length = high ? one_of({1, 12, 24, 25, 48, 49, 72, 73}) : one_of({1, 5, 11, 24, 35, 36, 37, 60});
    if (random() % 12 == 0) {
      h.index = kNoIndex;
      length = one_of({1, 2, 10, 95, 96, 97});
    }
    if (random() % 12 == 0) {
      h.ozone = random() % 2 == 0;
      h.dust = !h.ozone || random() % 4 == 0;
      length = one_of({1, 5, 24, 40});
    }
    for (int i = 0; i < length; ++i) to.push_back(h);
  };
  WarningWorld world;
  world.first = beijing_midnight(2023, 12, 1);
  while (world.hours.size() < hours) plateau(world.hours);
  world.hours.resize(hours);
  for (std::size_t i = 0; i < hours; ++i) {
    if (random() % 40 == 0) world.hours[i].index = kNoIndex;
    if (random() % 6 != 0) continue;
    Forecast f;
    std::vector<IndexHour> made;
    const bool right = random() % 2 == 0;  // it knows what comes
    if (random() % 8 != 0) {
      const std::size_t length = 1 + random() % 260;
      while (made.size() < length) plateau(made);
      for (std::size_t k = 1; k <= length; ++k) {
        f[world.at(i + k)] = right && i + k < hours ? world.hours[i + k] : made[k - 1];
      }
    }
    world.issued[i] = std::move(f);
  }
  return world;
}

std::ostream& operator<<(std::ostream& out, const PlainEpisode& e) {
  out << e.criteria << ' ' << name(e.state) << " peak " << e.peak << " over " << e.over[0] << '/' << e.over[1] << '/'
      << e.over[2] << " ozone " << e.ozone << " dust " << e.dust << " missing " << e.missing;
  for (const PlainChange& c : e.changes) {
    out << "\n    level " << c.level << " decided " << c.decided << " at " << c.at << " began " << c.began << ' '
        << name(c.basis);
  }
  return out << '\n';
}

PlainEpisode plain(const WarningEpisode& e) {
  PlainEpisode p{e.criteria, e.state, {}, e.peak, e.hours_over, e.hours_ozone, e.hours_dust, e.hours_missing};
  for (const LevelChange& c : e.changes) {
    p.changes.push_back({c.level, hour_number(c.decided), hour_number(c.at), hour_number(c.began), c.basis});
  }
  return p;
}

std::vector<PlainEpisode> warning_oracle(const RuleSet& rules, WarningMachine::Mode mode, const WarningWorld& world) {
  return Oracle(rules, mode, world).run();
}

}  // namespace qc::core::fixture
