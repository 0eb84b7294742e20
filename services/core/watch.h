// What a signal rule sees of a site: the value of an hour, of a trailing window, of a day, or how long something has
// lasted, with the levels that it is held against. Looks at the site's closed hours and its history and changes
// nothing. A view: lives as long as the call that made it. Threads: none of its business.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/condition.h"
#include "core/rules.h"
#include "core/site.h"

namespace qc::core {

class Watcher {
 public:
  Watcher(const RuleSet& rules, const Site& site) : rules_(rules), site_(site) {}

  // By what an episode is judged that begins in a window with that last instant; nullopt: the rule sets no limit there.
  std::optional<Criteria> criteria(const SignalRule& rule, const Watch& watch, EventTime last) const;
  // Whether the step that starts at `start` (an hour, the last of its window; or a day) is above the lowest level.
  bool begins(const SignalRule& rule, const Watch& watch, EventTime start) const;
  // The window's value as far as it is valid; of NoData the value is `silent` hours.
  Observation observe(const Watch& watch, EventTime start, std::int32_t silent) const;
  static Interval interval(const Watch& watch, EventTime start);

  // The hour has no valid mean of that factor.
  bool silent(Factor factor, EventTime hour) const;
  // How many hours in a row, ending with `hour`, at most `most`. An hour that was never published counts where the
  // series was known by then.
  std::int32_t silent_hours(Factor factor, EventTime hour, int most) const;
  // How many steps from an hour on depend on it.
  static int reach(const Watch& watch);
  // Whether a correction of `factor` can change what it sees.
  static bool sees(const Watch& watch, Factor factor) {
    return watch.factor == factor || watch.factor == Factor::AQI ||
           (watch.check == Mark::Inverted && factor == Factor::PM10);
  }

  // Says of an episode's last change what it was judged on: marks and first input.
  void label(const Watch& watch, Episode& episode) const;

 private:
  struct Levels {
    std::array<std::int64_t, kLevels> on{};
    std::size_t count = 0;
    std::string_view clause;
  };
  std::optional<Levels> levels(const SignalRule& rule, const Watch& watch, EventTime last) const;
  std::optional<Levels> levels_of(const SignalRule& rule, std::int64_t more) const;
  std::optional<Levels> levels_of(const Limit* limit, EventTime last) const;
  const HourEntry* closed(EventTime hour) const;
  void hour_value(const Watch& watch, EventTime hour, Observation& o) const;
  void suspect(const Watch& watch, EventTime hour, Observation& o) const;
  void rolling(const Watch& watch, EventTime hour, Observation& o) const;
  void day(const Watch& watch, EventTime day, Observation& o) const;

  const RuleSet& rules_;
  const Site& site_;
};

}  // namespace qc::core
