// The inside of the region stage (region_stage.h says what it does), shared by region_stage.cc (what is held, time),
// region_stage_air.cc (the air of regions), region_stage_warn*.cc (warnings), region_stage_judge.cc (comparing and
// judging) and region_stage_state.cc (saving and loading). Nobody else includes it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/condition.h"
#include "core/event.h"
#include "core/forecast_score.h"
#include "core/joint_warning.h"
#include "core/neighbours.h"
#include "core/region_plan.h"
#include "core/region_stage.h"
#include "core/site.h"
#include "core/warning_track.h"
#include "core/windows.h"

namespace qc::core {

struct RegionStage::Impl {
  // What is known of one factor's hour.
  struct Cell {
    Concentration value;
    Offset offset = -1;  // of the mean, in `means`
    std::int32_t count = 0;
    std::int32_t expected = 0;
    Factor factor = Factor::None;
    bool valid = false;
    Marks marks;
  };
  struct Hour {
    EventTime start{};
    std::vector<Cell> cells;  // by factor
    bool dirty = false;
    bool saved = false;
  };

  // A rule over the hours of one factor of a site. Exists from the first hour above its lowest level until its last
  // episode has left the horizon.
  struct Condition {
    std::string rule;
    SignalKind kind = SignalKind::None;
    Factor factor = Factor::None;
    Track track;  // folded up to `next`
    Track base;   // folded up to `base_time`: where a correction folds again from
    EventTime base_time{};
    EventTime next{};
    EventTime last_active{};
  };

  struct Site {
    std::string id;
    std::string region;
    std::string root;
    SiteKind kind = SiteKind::None;  // None: not configured. As the place: of the rules in use, not saved
    Place place;
    std::vector<Hour> hours;  // by start
    std::vector<Condition> conditions;
    std::int64_t next_episode = 1;
    bool dirty = false;                   // the header is to be saved
    bool hours_dirty = false;             // hours are to be saved or erased
    std::vector<EventTime> erased;        // saved hours, dropped since the last save
    std::vector<const Site*> neighbours;  // the nearest first; valid where `known_at` is the stage's. Not saved
    std::uint64_t known_at = 0;

    const Cell* cell(Factor factor, EventTime hour) const;
    Hour* find(EventTime hour);
  };

  // A mean that waits for its turn.
  struct Held {
    std::string site;
    std::string region;
    std::string root;
    EventTime hour{};
    Cell cell;
    std::string reason;
    std::string rules;
    bool saved = false;
  };
  struct HeldTick {
    EventTime time{};
    Offset offset = -1;
  };
  // One partition of `readings`, as it comes through `means`.
  struct Upstream {
    EventTime received = EventTime::min();  // its latest tick
    EventTime taken = EventTime::min();     // its latest tick whose means are in the sites
    std::string rules;                      // that its latest mean taken names
    std::deque<HeldTick> ticks;
    std::map<Offset, Held> means;
  };

  // The warning of a region.
  struct Warned {
    WarningTrack track;
    EventTime issued = EventTime::min();  // its forecast
    ForecastScorer scorer;
    bool dirty = false;
    bool scorer_dirty = false;
  };
  struct Joint {
    JointWarning warning;
    bool dirty = false;
  };
  struct Ordered {
    std::string region;
    std::string root;
    std::string authority;
    AreaOrder order;
    bool dirty = false;
    bool saved = false;
  };
  // What was received later than `now`.
  struct HeldEvent {
    Event event;
    bool saved = false;
  };

  // A closed hour that has another value than before.
  struct Amended {
    EventTime hour{};
    const Site* site = nullptr;
    Factor factor = Factor::None;
    std::string reason;
  };

  // A value against its neighbours.
  struct Comparison {
    std::int64_t percent = 0;
    std::int64_t own = 0;
    std::int64_t median = 0;
    bool rises = false;  // by as much as makes a difference at all
    // What a rule sees: without the rise, no more than 100 %.
    std::int64_t seen() const { return rises ? percent : std::min(percent, 100 * kMillion); }
  };

  explicit Impl(int upstream_count) : upstreams(static_cast<std::size_t>(upstream_count)) {}

  std::vector<Upstream> upstreams;
  std::map<std::string, std::shared_ptr<const RuleSet>, std::less<>> known;
  std::shared_ptr<const RuleSet> rules = std::make_shared<RuleSet>();
  std::string rules_hash;
  EventTime now = EventTime::min();
  EventTime frontier = EventTime::min();     // hours that start before it are judged; min: time has not begun
  EventTime judged_from = EventTime::min();  // what was judged before it, by other rules, is final
  EventTime floor = EventTime::min();        // hours before it are forgotten
  bool dirty = false;
  std::map<std::string, Site, std::less<>> sites;
  std::map<EventTime, int> held_hours;                      // how many sites hold each hour
  std::vector<Offset> erased;                               // held means that were saved and are gone
  std::uint64_t generation = 1;                             // of the neighbours
  std::vector<std::int64_t> values;                         // of a comparison; reused
  std::map<std::string, qc::core::Site, std::less<>> airs;  // of regions, each kept as a site without readings
  std::vector<RegionPlan> plans;                            // of the rules in use, once asked for
  bool plans_known = false;
  std::map<std::string, Warned, std::less<>> warned;              // by region
  std::map<std::string, Joint, std::less<>> joints;               // by region
  std::map<std::string, Ordered, std::less<>> orders;             // by id
  std::map<std::pair<EventTime, Offset>, HeldEvent> held_events;  // by when they were received, and their offset
  std::vector<Offset> erased_events;                              // saved ones that are gone
  std::vector<std::string> erased_orders;
  EventTime joint_at = EventTime::min();  // what regions come to together was last judged
  Offset last_tick = -1;                  // of the last tick read
  Offset events_next = 0;                 // in `events`, after the last one read

  // region_stage.cc
  void drain(Offset offset, Outputs& out);
  void take(Upstream& upstream, Offset offset, Outputs& out);
  void store(const Held& held, std::vector<Amended>& amended);
  void switch_rules(const std::string& hash);
  void learn(Site& site, const std::string& region, const std::string& root);
  Site& site_named(std::string_view id);
  Hour& hour_of_site(Site& site, EventTime start);
  void advance(EventTime to, Offset offset, Outputs& out);
  void close_hours(EventTime to, Offset offset, Outputs& out);
  void settle();

  // region_stage_air.cc
  const std::vector<RegionPlan>& region_plans();
  HourValue air_of(const RegionPlan& plan, Factor factor, EventTime hour, Offset& first);
  qc::core::Site* air_named(const RegionPlan& plan);
  bool publish_air(const RegionPlan& plan, qc::core::Site& air, HourEntry& entry, Status status, Windows& windows);
  bool awake(const qc::core::Site& air, EventTime hour) const;
  void add_remaining(const qc::core::Site& air, EventTime hour, std::span<Mean> means) const;
  void close_air(EventTime hour, Offset offset, Outputs& out);
  void close_air_until(EventTime upto, Offset offset, Outputs& out);
  void amend_air(const std::vector<Amended>& amended, EventTime at, Offset offset, Outputs& out);
  void settle_air();

  // region_stage_warn.cc
  bool any_warning() const;
  void tell(const std::string& region, const std::vector<WarningEpisode>& told, Offset offset, Outputs& out);
  void follow_air(const qc::core::Site& air, std::size_t first_mean, Offset offset, Outputs& out);
  void close_warnings(EventTime hour, Offset offset, Outputs& out);
  // Something: it is refused, and nothing happened.
  std::optional<Rejected> hear(const Event& event, Offset event_offset, Offset offset, Outputs& out);
  void hear_until(EventTime until, Offset offset, Outputs& out);
  std::optional<Rejected> take(const Event& event, EventTime at, Offset offset, Outputs& out);
  void pass_orders(EventTime from, EventTime until, Offset offset, Outputs& out);
  JointInputs joint_inputs(const Region& region) const;
  void judge_joint(EventTime at, Offset offset, Outputs& out);

  // region_stage_warn_state.cc
  void save_warning_times(const Put& put) const;
  void save_warnings(const Put& put);
  std::optional<bool> load_warnings(std::string_view key, std::string_view bytes);  // nullopt: not one of its keys

  // region_stage_judge.cc
  const std::vector<const Site*>& neighbours(Site& site);
  // Calls `visit(neighbour, cell)` for those that the site is compared with, the nearest first; how many they were.
  template <class Visit>
  int for_each_compared(Site& site, Factor factor, EventTime hour, Visit visit);
  std::optional<Comparison> compare(Site& site, Factor factor, EventTime hour);
  std::optional<std::int64_t> spike(Site& site, Factor factor, EventTime hour, const SignalRule& rule);
  const SignalRule* rule(const Condition& c) const;
  static Duration behind(SignalKind kind);  // how long after an hour's judgement the kind's own comes
  EventTime bound(SignalKind kind) const;   // all hours before it are judged
  EventTime first_judged(SignalKind kind) const;
  Observation observe(Site& site, const Condition& c, EventTime hour, const SignalRule* r);
  bool begins(Site& site, const SignalRule& r, Factor factor, EventTime hour);
  void begin(Site& site, const SignalRule& r, Factor factor, EventTime start, EventTime next) const;
  bool step(Site& site, const Condition& c, Track& track, EventTime hour);
  void fold(Site& site, const Condition& c, Track& track, EventTime from, EventTime until);
  void judge_hour(EventTime hour, Offset offset, Outputs& out);
  void judge_again(const std::vector<Amended>& amended, EventTime at, Offset offset, Outputs& out);
  void judge_again(Site& site, const std::vector<const Amended*>& amended, EventTime at, Offset offset, Outputs& out);
  void settle(Site& site, EventTime cut);
  void publish(Site& site, const Condition& c, const Episode& e, Offset offset, Outputs& out);
  bool any_awake() const;  // at the frontier
};

}  // namespace qc::core
