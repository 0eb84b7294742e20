#include "core/reading_stage_oracle_episodes.h"

#include <algorithm>

#include "core/reading_stage_oracle_quality.h"

namespace qc::core::fixture {
namespace {

bool daily(Window window) {
  return window == Window::Day || window == Window::Mda8;
}

// The window whose limit a window is compared with: the trailing ones have none of their own.
Window limited(Window window) {
  return window == Window::H24 ? Window::Day : window == Window::H8 ? Window::Mda8 : window;
}

bool judges(const SignalRule& rule, Factor factor, Window window) {
  switch (rule.kind) {
    case SignalKind::HourLimit:
      return window == Window::H1 && factor != Factor::AQI;
    case SignalKind::AqiLevel:
      return window == Window::H1 && factor == Factor::AQI;
    case SignalKind::DayLimit:
      return daily(window);
    case SignalKind::RollingOverLimit:
      return window == Window::H8 || window == Window::H24;
    default:
      return false;
  }
}

bool of_quality(SignalKind kind) {
  return kind == SignalKind::NoData || kind == SignalKind::Suspect;
}

}  // namespace

std::string text(const NaiveEpisode& e) {
  return e.rule + "/" + e.site + "/" + std::string(name(e.factor)) + " " + std::string(name(e.window)) + " " +
         to_iso(e.began) + " .. " + to_iso(e.at) + " " + std::string(name(e.state)) + " " + std::to_string(e.level) +
         " limit " + std::to_string(e.limit) + " " + e.clause;
}

bool EpisodesOracle::judged(SignalKind kind) {
  return kind == SignalKind::HourLimit || kind == SignalKind::AqiLevel || kind == SignalKind::DayLimit ||
         kind == SignalKind::RollingOverLimit || of_quality(kind);
}

EpisodesOracle::EpisodesOracle(const Oracle& oracle, const WindowsOracle& windows,
                               const std::set<Oracle::Key>& published)
    : oracle_(oracle) {
  std::map<Series, Values> values;
  for (const auto& [key, hour] : oracle.hours()) {
    const auto& [site, factor, start] = key;
    if (hour.valid) values[{site, factor, Window::H1}][start] = hour.value;
  }
  for (const auto& [key, index] : oracle.indices()) {
    if (index.value >= 0) values[{key.first, Factor::AQI, Window::H1}][key.second] = index.value * kMillion;
  }
  for (const auto& [key, w] : windows.over()) {
    const auto& [site, factor, window, end] = key;
    if (!w.valid || is_index(factor)) continue;
    values[{site, factor, window}][daily(window) ? w.start : end - kHour] = w.value;
  }
  const QualityOracle quality(oracle, published);
  for (const SignalRule& rule : oracle.rules().signals) {
    for (const auto& [series, its] : values) {
      if (judges(rule, std::get<Factor>(series), std::get<Window>(series))) fold(rule, series, its);
    }
    if (!of_quality(rule.kind)) continue;
    for (const auto& [series, its] : quality.values(rule)) {
      fold(rule, {series.first, series.second, Window::H1}, its);
    }
  }
  std::sort(episodes_.begin(), episodes_.end());
}

void EpisodesOracle::fold(const SignalRule& rule, const Series& series, const Values& values) {
  if (values.empty()) return;
  const auto& [site, factor, window] = series;
  const Duration step = daily(window) ? kHour * 24 : kHour;
  std::vector<NaiveEpisode> made;
  const EventTime first = values.begin()->first;
  std::vector<std::int64_t> on;
  std::string clause;
  int level = 0;
  EventTime changed = first - step;  // the hour or day of the last change: what recovers began after it
  EventTime ended = first - step;    // that of the last end: what is pending began after it
  const auto off = [&](int l) {
    return on[static_cast<std::size_t>(l - 1)] - on[static_cast<std::size_t>(l - 1)] * rule.dead_band_percent / 100;
  };
  // How long `holds` has been true of all values up to `hour`: back to `after`, a value for which it isn't, or a
  // silence.
  const auto lasted = [&](EventTime hour, EventTime after, const auto& holds) {
    EventTime since = hour;
    for (EventTime h = hour; h > after; h -= step) {
      const auto v = values.find(h);
      if (v == values.end()) continue;
      if (!holds(h, v->second) || since - h - step >= rule.no_data) break;
      since = h;
    }
    return hour - since;
  };
  // Of an episode that would begin with that hour.
  const auto criteria = [&](EventTime hour) {
    std::pair<std::vector<std::int64_t>, std::string> found{{}, rule.clause};
    if (rule.kind == SignalKind::AqiLevel) {
      for (const Concentration c : rule.on) found.first.push_back(c.pg);
    } else if (of_quality(rule.kind)) {
      found.first = QualityOracle::levels(oracle_.rules(), rule, std::get<Factor>(series));
    } else if (const Limit* limit = in_force(oracle_.rules().limits, hour + step, [&](const Limit& l) {
                 return l.factor == std::get<Factor>(series) && l.window == limited(std::get<Window>(series));
               })) {
      found = {{limit->for_class(oracle_.area(std::get<std::string>(series), hour + step)).pg}, limit->clause};
    }
    return found;
  };
  EventTime last_valid = first;
  for (EventTime hour = first; hour + step <= oracle_.frontier(); hour += step) {
    const EventTime at = hour + step;
    const auto change = [&](SignalState state, int to) {
      NaiveEpisode& e = made.back();
      e.at = at;
      e.state = state;
      changed = hour;
      if (state == SignalState::Active || state == SignalState::Stale) {
        e.level = level = to;
        e.limit = on[static_cast<std::size_t>(to - 1)];
      } else {
        level = 0;
        ended = hour;
      }
    };
    if (level == 0) std::tie(on, clause) = criteria(hour);
    const auto value = values.find(hour);
    if (value == values.end()) {
      if (level == 0) continue;
      if (hour - last_valid >= rule.stale_max) {
        change(SignalState::EndedNoData, 0);
      } else if (made.back().state == SignalState::Active && hour - last_valid >= rule.no_data) {
        change(SignalState::Stale, level);
      }
      continue;
    }
    last_valid = hour;
    const std::int64_t v = value->second;
    int held = 0;
    for (int l = 1; l <= static_cast<int>(on.size()); ++l) {
      const auto place = static_cast<std::size_t>(l - 1);
      // What is pending is judged hour by hour; an episode keeps the criteria it began with.
      const auto above = [&](EventTime h, std::int64_t x) {
        if (level > 0) return x > on[place];
        const auto then = criteria(h).first;
        return place < then.size() && x > then[place];
      };
      if (v > on[place] && lasted(hour, ended, above) >= rule.hold_on) held = l;
    }
    if (held > level) {
      if (level == 0) made.push_back({rule.id, site, factor, window, at, at, SignalState::Active, held, 0, clause});
      change(SignalState::Active, held);
      continue;
    }
    if (level == 0) continue;
    const bool stale = made.back().state == SignalState::Stale;
    if (v <= off(level) &&
        lasted(hour, changed, [&](EventTime, std::int64_t x) { return x <= off(level); }) >= rule.hold_off) {
      int lower = level - 1;
      while (lower > 0 && v <= off(lower)) --lower;
      change(lower == 0 ? SignalState::Cleared : SignalState::Active, lower);
    } else if (stale) {
      const EventTime before = changed;
      change(SignalState::Active, level);
      // The return itself is no new level: what is recovering counts from this value.
      if (v <= off(level)) changed = std::max(before, hour - step);
    }
  }
  episodes_.insert(episodes_.end(), made.begin(), made.end());
}

}  // namespace qc::core::fixture
