#include "core/reading_stage_world.h"

#include <algorithm>
#include <array>

#include "core/testing.h"

namespace qc::core::fixture {
namespace {

class Maker {
 public:
  Maker(std::uint64_t seed, const WorldOptions& options) : random_(seed), options_(options) {}

  World make() {
    auto rules = std::make_shared<RuleSet>(options_.windows ? *test_rules_with_windows() : *test_rules());
    rules->sites["S1"].area_class = AreaClass::Class1;
    rules->sites["S2"].exempt = {Factor::O3};
    change_rules(*rules);
    horizons_ = rules->horizons;
    if (options_.windows) {
      choose_span(*rules);
      change_windows(*rules);
      for (const char* site : {"S1", "S2", "S3", "R1"}) add_site_of_hours(site);
    } else {
      start_ = (chance(50) ? beijing_midnight(2026, 3, 1) : beijing_midnight(2015, 12, 8)) - kHour * roll(6);
      hours_ = static_cast<int>(roll(9)) + 5;
      for (const char* site : {"S1", "S2", "S3", "R1", "NOBODY"}) add_site(site);
    }
    const auto area = options_.windows && chance(30) ? AreaClass::Class1 : AreaClass::Class2;
    add(start_ + kMinute * roll(200), Register{"R1", "registered", SiteKind::Micro, area, "C", "P"});
    for (int i = 0; i < 6 + hours_ / 12; ++i) add_amend();
    if (options_.rules_change) {
      auto other = std::make_shared<RuleSet>(*rules);
      other->hash = "00000000000000b2";
      change_rules(*other);
      other->horizons = rules->horizons;
      other->horizons.valid_minutes = 30;
      other->sites["S1"].area_class = AreaClass::Class2;
      other->sites.erase("S3");
      if (options_.windows) change_windows(*other);
      add(start_ + kMinute * roll(hours_ * 60), RulesRecord{other});
    }
    World world;
    world.rules = rules;
    merge(world);
    return world;
  }

 private:
  struct Arrival {
    EventTime at;
    std::uint64_t shuffle;
    Record record;
  };

  std::int64_t roll(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return roll(100) < percent; }
  void add(EventTime at, Record record) { arrivals_.push_back({at, random_(), std::move(record)}); }

  void change_rules(RuleSet& rules) {
    for (SignalRule& rule : rules.signals) {
      if (rule.kind == SignalKind::ReadingOverLimit) continue;
      const Duration step = kHour * (rule.kind == SignalKind::DayLimit ? 24 : 1);
      rule.hold_on = step * roll(3) * (chance(40) ? 1 : 0);
      rule.hold_off = step * roll(3) * (chance(50) ? 1 : 0);
      rule.dead_band_percent = static_cast<int>(roll(3)) * 10;
      rule.no_data = step * (1 + roll(3));
      rule.stale_max = rule.no_data + step * roll(4);
    }
    if (chance(options_.windows && options_.jump ? 75 : 50)) {
      rules.horizons.slots_kept = std::chrono::hours(2);
      rules.horizons.hours_kept = std::chrono::hours(6);
    }
    rules.horizons.close_after = kMinute * 10 * roll(4);
    rules.horizons.running_every = kMinute * std::array<int, 4>{0, 5, 5, 60}[static_cast<std::size_t>(roll(4))];
  }

  // Days before a turn of the calendar and of the standards, and some after it.
  void choose_span(RuleSet& rules) {
    const std::array turns = {beijing_midnight(2026, 3, 1), beijing_midnight(2026, 3, 1), beijing_midnight(2026, 1, 1),
                              beijing_midnight(2016, 1, 1), beijing_midnight(2016, 3, 1), beijing_midnight(2025, 7, 1),
                              beijing_midnight(2031, 1, 1), beijing_midnight(2026, 3, 15)};
    const EventTime turn = turns[static_cast<std::size_t>(roll(turns.size()))];
    weeks_ = chance(7) && !options_.jump;  // that is long enough by itself
    regime_hours_ = chance(50) ? 3 : 14;
    hours_ = static_cast<int>(weeks_ ? 24 * 36 + roll(24 * 8) : 30 + roll(options_.jump ? 24 : 24 * 3));
    start_ = turn - kHour * (hours_ / 4 + roll(hours_ / 2));
    // The area of S2 has another class from some day on, that of S1 for some days: dates, as in the configuration.
    const Duration day = kHour * 24;
    if (chance(60)) {
      rules.sites["S2"].classes = {{{turn + day * (roll(3) - 1), EventTime::max()}, AreaClass::Class1}};
    }
    if (chance(30)) rules.sites["S1"].classes = {{{turn - day, turn + day * roll(2)}, AreaClass::Class2}};
  }

  // Counts that a few days can reach, and those of the standard; sometimes others from the turn of the editions on.
  void change_windows(RuleSet& rules) {
    const std::vector<Validity> standard = rules.validities;
    const EventTime change = beijing_midnight(2026, 3, 1);
    const bool two = chance(30);
    rules.validities.clear();
    for (Validity v : standard) {
      // Of an 8 h mean there is one rule: a day's greatest one is valid or not by the rule of the day.
      if (v.window == Window::H8) v.at_least = chance(70) ? 6 : 4;
      if (v.window != Window::H8 && two) {
        Validity before = loosened(v);
        before.dated.until = change;
        rules.validities.push_back(before);
        v.dated.from = change;
      }
      rules.validities.push_back(v.window == Window::H8 ? v : loosened(v));
    }
    rules.prepare();
  }

  Validity loosened(Validity v) {
    if (chance(50)) return v;
    switch (v.window) {
      case Window::H24:
      case Window::Day:
        v.at_least = std::array{1, 12, 18, 24}[static_cast<std::size_t>(roll(4))];
        break;
      case Window::Mda8:
        v.at_least = std::array{1, 6, 17}[static_cast<std::size_t>(roll(3))];
        v.or_over_limit = chance(50);
        break;
      default:
        v.at_least = 1 + static_cast<int>(roll(5));
        v.month_at_least = static_cast<int>(roll(3)) * (chance(50) ? 1 : 0);
        v.february_at_least = static_cast<int>(roll(3)) * (v.window == Window::Month || chance(30) ? 1 : 0);
    }
    return v;
  }

  // Hour data, or minutes of five; one in ten sends nothing at all.
  void add_site_of_hours(const char* site) {
    if (chance(10)) return;
    std::vector<Factor> factors(kSixPollutants.begin(), kSixPollutants.end());
    if (chance(15)) factors.push_back(Factor::TSP);
    const std::size_t most = weeks_ ? 3 : 7;
    while (factors.size() > 1 && (factors.size() > most || chance(25))) {
      factors.erase(factors.begin() + roll(static_cast<int>(factors.size())));
    }
    const int gaps = std::array<int, 4>{0, 3, 10, 40}[static_cast<std::size_t>(roll(4))];
    add_lane(site, factors, Source::Hour, 3600, gaps);
    if (!weeks_ && chance(15)) add_lane(site, factors, Source::Minute, 300, gaps);
  }

  void add_site(const char* site) {
    std::vector<Factor> factors(kSixPollutants.begin(), kSixPollutants.end());
    if (chance(30)) factors.push_back(Factor::TSP);
    while (factors.size() > 2 && chance(30)) factors.erase(factors.begin() + roll(static_cast<int>(factors.size())));
    std::shuffle(factors.begin(), factors.end(), random_);
    const int gaps = std::array<int, 4>{0, 5, 25, 60}[static_cast<std::size_t>(roll(4))];
    if (chance(85)) add_lane(site, factors, Source::Minute, chance(80) ? 60 : 300, gaps);
    if (chance(20)) add_lane(site, factors, Source::Minute, 300, gaps);
    if (chance(30)) add_lane(site, factors, Source::Realtime, 60, gaps);
    if (chance(8)) add_lane(site, {factors[0]}, Source::Realtime, 5, gaps);
    if (chance(50)) add_lane(site, factors, Source::Hour, 3600, 50);
  }

  void add_lane(const char* site, const std::vector<Factor>& factors, Source source, int step_s, int gaps) {
    const Duration step = std::chrono::seconds(step_s);
    const EventTime end = start_ + kHour * hours_ + (options_.jump ? horizons_.hours_kept * 2 : Duration(0));
    const auto most = step_s == 3600 ? (weeks_ ? 6 : 2) : step_s == 5 ? 120 : 1800 / step_s;
    EventTime at = start_;
    while (at < end) {
      const auto rows = static_cast<std::size_t>(1 + roll(most));
      if (!chance(gaps)) add_packet(site, factors, source, at, step, rows);
      at += step * static_cast<std::int64_t>(rows);
      if (options_.jump && at > start_ + kHour * 3 && at < start_ + kHour * 4) at += horizons_.hours_kept * 2;
    }
  }

  void add_packet(const char* site, const std::vector<Factor>& factors, Source source, EventTime start, Duration step,
                  std::size_t rows) {
    ReadingBatch batch = packet(site, source, start, step);
    if (source == Source::Realtime) batch.start += kSecond * roll(4);
    const EventTime end = start + step * static_cast<std::int64_t>(rows);
    batch.stamp_ms = ms(end) + roll(3) * 1000;
    for (const Factor f : factors) {
      std::vector<Concentration> values;
      std::vector<Flag> flags;
      for (std::size_t i = 0; i < rows; ++i) {
        values.push_back(value(f, start));
        flags.push_back(chance(94) ? Flag::Normal : static_cast<Flag>(1 + roll(8)));
      }
      add_column(batch, f, values, flags);
    }
    send(batch, end, step);
    if (chance(10)) send(batch, end, step);  // the same again
    if (chance(10)) {                        // a resend that says something else
      ReadingBatch other = batch;
      other.stamp_ms += (roll(3) - 1) * 60'000;
      for (Concentration& c : other.values) c.pg += (roll(3) - 1) * kMillion;
      for (Concentration& c : other.values) c.pg = std::max<std::int64_t>(c.pg, 0);
      if (chance(30)) std::fill(other.flags.begin(), other.flags.end(), Flag::Calibrating);
      send(other, end, step);
    }
  }

  void send(ReadingBatch batch, EventTime end, Duration step) {
    const Duration kept = step == kHour ? horizons_.hours_kept : horizons_.slots_kept;
    Duration delay = kSecond * roll(120);
    if (chance(30)) delay = kSecond * roll(3600);
    if (chance(8)) delay = kMinute * roll(std::min<std::int64_t>(kept / kMinute, 12 * 60));
    if (chance(1)) delay = kept + kHour + kMinute * roll(60);  // beyond the horizon
    const EventTime at = end + delay;
    batch.received = ReceiveTime(at.time_since_epoch());
    if (chance(1)) batch.received -= delay + kMinute * (3 + roll(10));  // some of its rows are ahead of their time
    add(at, std::move(batch));
  }

  // Hours come in regimes, so that episodes have a length; a tenth of a unit is the grain.
  Concentration value(Factor f, EventTime at) {
    const auto hour = static_cast<std::uint64_t>(ms(at) / (regime_hours_ * kHour.count()));
    const std::uint64_t mix = (hour * 2654435761U + index(f) * 40503U + static_cast<std::uint64_t>(hours_)) % 7;
    const std::int64_t limit = f == Factor::CO ? 10'000 : f == Factor::SO2 ? 500 : f == Factor::PM10 ? 350 : 200;
    const bool beyond = options_.windows && hour % 5 == 0;                        // the ends of the tables
    const std::int64_t share = mix < 4 ? 20 : mix < 6 ? 85 : beyond ? 450 : 150;  // percent of it
    const std::int64_t grain = options_.windows ? roll(1'000'000) : roll(10) * kMillion / 10;
    return {limit * (share + roll(30)) * kMillion / 100 + grain};
  }

  void add_amend() {
    static constexpr std::array kSites = {"S1", "S2", "S3", "R1"};
    Amend amend;
    amend.id = "A" + std::to_string(arrivals_.size());
    amend.site = kSites[static_cast<std::size_t>(roll(4))];
    amend.factor = kSixPollutants[static_cast<std::size_t>(roll(6))];
    const EventTime from = start_ + kHour * roll(hours_);
    amend.interval = {from, from + kHour * (1 + roll(3))};
    amend.action = static_cast<Amend::Action>(1 + roll(3));
    amend.value = value(amend.factor, from);
    amend.audited = chance(30);
    amend.reason = "checked";
    amend.who = "li";
    const bool late = options_.windows && chance(40);
    add(from + kHour + kMinute * roll(late ? horizons_.hours_kept / kMinute : 60 * 6), amend);
    if (!chance(50)) return;
    amend.action = Amend::Action::Restore;
    add(from + kHour * 3 + kMinute * roll(60 * 6), amend);
  }

  void merge(World& world) {
    std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
      return std::tuple(a.at, a.shuffle) < std::tuple(b.at, b.shuffle);
    });
    EventTime tick = start_ + kMinute * roll(120);
    const EventTime end = arrivals_.back().at + kHour * 2;
    auto next = arrivals_.begin();
    while (tick < end) {
      for (; next != arrivals_.end() && next->at < tick; ++next) world.log.push_back(std::move(next->record));
      world.log.emplace_back(Tick{tick});
      // Between the fifth hour and the end of the silence that add_lane leaves.
      if (options_.jump && tick > start_ + kHour * 5 && tick < start_ + kHour * 6) tick += horizons_.hours_kept * 3 / 2;
      tick += pause();
    }
  }

  Duration pause() {
    if (!options_.windows) return chance(70) ? kSecond * (1 + roll(240)) : kMinute * (1 + roll(30));
    return weeks_ ? kMinute * (20 + roll(90)) : kMinute * (1 + roll(40));
  }

  std::mt19937_64 random_;
  WorldOptions options_;
  Horizons horizons_;
  EventTime start_{};
  int hours_ = 0;
  bool weeks_ = false;
  std::int64_t regime_hours_ = 3;
  std::vector<Arrival> arrivals_;
};

}  // namespace

World make_world(std::uint64_t seed, const WorldOptions& options) {
  return Maker(seed, options).make();
}

void apply(ReadingStage& stage, const Record& record, Offset offset, Outputs& out) {
  if (const auto* batch = std::get_if<ReadingBatch>(&record)) stage.apply(*batch, offset, out);
  if (const auto* site = std::get_if<Register>(&record)) stage.apply(*site, offset, out);
  if (const auto* tick = std::get_if<Tick>(&record)) stage.apply(*tick, offset, out);
  if (const auto* amend = std::get_if<Amend>(&record)) stage.apply(*amend, offset, out);
}

}  // namespace qc::core::fixture
