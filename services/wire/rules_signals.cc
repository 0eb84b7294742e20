// What raises a signal, the quality checks behind it, and the horizons.
#include "core/quality.h"
#include "wire/labels.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

constexpr std::size_t kLevelsMax = 3;
constexpr int kRadiusMax_m = 200'000;
constexpr std::int64_t kHundredPercent = 100 * core::kMillion;

bool has_levels(core::SignalKind kind) {
  switch (kind) {
    case core::SignalKind::AqiLevel:
    case core::SignalKind::NoData:
    case core::SignalKind::Suspect:
    case core::SignalKind::HourHigh:
    case core::SignalKind::Spike:
      return true;
    default:
      return false;
  }
}

bool whole(core::Concentration on) {
  return on.pg % core::kMillion == 0;
}

}  // namespace

Result<void> RulesBuilder::horizons() {
  at_ = "horizons";
  const v1::Horizons& h = in_.horizons();
  core::Horizons& out = out_.horizons;
  // Where 0 means something, absence is asked for; elsewhere 0 is absence.
  if (h.has_close_after()) out.close_after = core::Duration(h.close_after());
  if (h.has_running_every()) out.running_every = core::Duration(h.running_every());
  if (h.has_ahead_max()) out.ahead_max = core::Duration(h.ahead_max());
  if (h.slots_kept() != 0) out.slots_kept = core::Duration(h.slots_kept());
  if (h.hours_kept() != 0) out.hours_kept = core::Duration(h.hours_kept());
  if (h.valid_minutes() != 0) out.valid_minutes = h.valid_minutes();
  if (h.site_hours_max() != 0) out.site_hours_max = h.site_hours_max();
  const core::Duration zero(0);
  if (out.close_after < zero || out.running_every < zero || out.ahead_max < zero)
    return invalid("horizons: a negative duration");
  if (out.slots_kept < core::kHour || out.hours_kept < core::kHour)
    return invalid("horizons: at least an hour must be kept");
  if (out.slots_kept > out.hours_kept) return invalid("horizons: `slots_kept` is longer than `hours_kept`");
  if (out.close_after > out.slots_kept) return invalid("horizons: `close_after` is longer than `slots_kept`");
  if (out.valid_minutes < 1 || out.valid_minutes > 60) return invalid("horizons: `valid_minutes`: 1 to 60 expected");
  return {};
}

Result<void> RulesBuilder::checks() {
  return each("checks", in_.checks(), [&](const v1::QualityCheck& c) -> Result<void> {
    const std::string what = "quality check " + std::string(label(c.factor()));
    const auto f = pollutant(c.factor(), what);
    if (!f) return tl::make_unexpected(f.error());
    core::QualityCheck made;
    made.factor = *f;
    struct Bound {
      bool given;
      std::int64_t millionths;
      core::Concentration& to;
      const char* name;
    };
    for (const Bound& b :
         {Bound{c.has_low(), c.low(), made.low, "low"}, Bound{c.has_high(), c.high(), made.high, "high"},
          Bound{c.has_clip(), c.clip(), made.clip, "clip"}, Bound{c.has_rise(), c.rise(), made.rise, "rise"}}) {
      if (!b.given) continue;
      const auto value = concentration(b.millionths, c.unit(), what + ", `" + b.name + '`');
      if (!value) return tl::make_unexpected(value.error());
      b.to = *value;
    }
    if (made.low >= made.high) return invalid(what + ": `low` must lie below `high`");
    if (made.clip <= made.low) return invalid(what + ": `clip` must lie above `low`");
    made.stuck_hours = c.stuck_hours();
    // One hour equals itself.
    if (made.stuck_hours != 0 && (made.stuck_hours < 2 || made.stuck_hours > core::kRunMax)) {
      return invalid(what + ": `stuck_hours`: 0, or 2 to " + std::to_string(core::kRunMax) + " expected");
    }
    for (const auto& other : out_.checks) {
      if (other.factor == made.factor) return invalid(what + ": the factor has two");
    }
    out_.checks.push_back(made);
    return {};
  });
}

Result<void> RulesBuilder::neighbourhood() {
  at_ = "neighbourhood";
  const v1::Neighbourhood& n = in_.neighbourhood();
  core::Neighbourhood& out = out_.neighbourhood;
  out.radius_m = n.radius_m();
  if (n.least() != 0) out.least = n.least();
  if (n.most() != 0) out.most = n.most();
  if (out.radius_m < 0 || out.radius_m > kRadiusMax_m)
    return invalid("neighbourhood: `radius_m`: 0 to 200000 expected");
  if (out.least < 1 || out.most < out.least)
    return invalid("neighbourhood: `least` of 1 or more, and `most` not below it");
  return {};
}

Result<void> RulesBuilder::signals() {
  std::set<std::string> ids;
  return each("signals", in_.signals(), [&](const v1::SignalRule& s) -> Result<void> {
    const std::string what = "signal \"" + s.id() + '"';
    if (s.id().empty() || !ids.insert(s.id()).second) return invalid(what + ": an id of its own expected");
    if (s.id() == core::kWarningRule || s.id() == core::kJointWarningRule) {
      return invalid(what + ": that is the name of the warning machine's own signals");
    }
    auto made = signal(s, what);
    if (!made) return tl::make_unexpected(made.error());
    out_.signals.push_back(std::move(*made));
    return {};
  });
}

Result<core::SignalRule> RulesBuilder::signal(const v1::SignalRule& s, const std::string& what) const {
  if (s.kind() <= 0 || s.kind() > v1::SPIKE_ALONE) return invalid(what + ": kind expected");
  core::SignalRule rule;
  rule.id = s.id();
  rule.kind = static_cast<core::SignalKind>(s.kind());
  rule.clause = s.clause();
  for (const std::int64_t on : s.on()) rule.on.push_back({on});
  if (s.check() < 0 || s.check() > v1::SPIKE) return invalid(what + ": `check` expected");
  rule.check = static_cast<core::Mark>(s.check());
  const bool is_suspect = rule.kind == core::SignalKind::Suspect;
  if (is_suspect && (rule.check == core::Mark::None || rule.check == core::Mark::Spike)) {
    return invalid(what + ": `check`: range, clipped, stuck or inverted expected; a spike is a kind of its own");
  }
  if (!is_suspect && rule.check != core::Mark::None) return invalid(what + ": `check` belongs to the kind suspect");
  if (auto fits = levels(rule, what); !fits) return tl::make_unexpected(fits.error());
  if (s.dead_band_percent() < 0 || s.dead_band_percent() >= 100)
    return invalid(what + ": `dead_band_percent` out of range");
  rule.dead_band_percent = s.dead_band_percent();
  for (const std::int64_t d : {s.hold_on(), s.hold_off(), s.no_data(), s.stale_max()}) {
    if (d < 0) return invalid(what + ": a negative duration");
  }
  rule.hold_on = core::Duration(s.hold_on());
  rule.hold_off = core::Duration(s.hold_off());
  rule.no_data = core::Duration(s.no_data());
  rule.stale_max = core::Duration(s.stale_max());
  return rule;
}

Result<void> RulesBuilder::levels(const core::SignalRule& rule, const std::string& what) const {
  if (!has_levels(rule.kind)) {
    if (rule.on.empty()) return {};
    return invalid(what + ": `on` means nothing for this kind; here the limit decides");
  }
  const std::size_t most = rule.kind == core::SignalKind::Spike ? 1 : kLevelsMax;
  if (rule.on.empty() || rule.on.size() > most || !rising(rule.on) || rule.on.front().pg < 0) {
    return invalid(what + ": `on`: " + (most == 1 ? "one level" : "1 to 3 rising levels") + " expected");
  }
  const bool is_stuck = rule.check == core::Mark::Stuck;
  const bool counts = rule.kind == core::SignalKind::NoData || is_stuck || rule.check == core::Mark::Range ||
                      rule.check == core::Mark::Clipped;
  if (counts && !std::all_of(rule.on.begin(), rule.on.end(), whole)) {
    return invalid(what + ": `on`: whole numbers expected");
  }
  if (rule.kind == core::SignalKind::HourHigh || rule.kind == core::SignalKind::Spike) {
    if (rule.on.front().pg > kHundredPercent) return {};
    return invalid(what + ": `on` is a percentage of the neighbours' median: above 100 expected");
  }
  // Hours in a row are counted back only so far: a level beyond that would never be reached.
  if (rule.kind == core::SignalKind::NoData || is_stuck) {
    int longest = 1;
    if (is_stuck) {
      for (const core::QualityCheck& c : out_.checks) longest = std::max(longest, c.stuck_hours);
    }
    const std::int64_t hours = rule.on.back().pg / core::kMillion + longest;
    if (hours > core::kRunMax) {
      return invalid(what + ": `on`: its last level is " + std::to_string(hours) + " hours in a row; at most " +
                     std::to_string(core::kRunMax) + " are counted");
    }
  }
  return {};
}

}  // namespace qc::wire
