#include "core/warning_signal.h"

#include <algorithm>
#include <memory>

namespace qc::core {

IndexHour index_hour(const Mean& index) {
  const bool particulate = std::any_of(index.sub_indices.begin(), index.sub_indices.end(), [](const SubIndex& s) {
    return s.factor == Factor::PM25 || s.factor == Factor::PM10;
  });
  IndexHour hour;
  if (!index.valid || !particulate) return hour;
  hour.index = static_cast<int>(std::clamp<std::int64_t>(index.value.pg / kMillion, 0, kIndexMax));
  hour.ozone = index.primary.size() == 1 && index.primary[0] == Factor::O3;
  return hour;
}

Signal signal_of(const WarningEpisode& e, const std::string& region, Offset offset) {
  Signal s;
  s.rule = kWarningRule;
  s.id = s.rule + "/" + region + "/" + std::string(name(Factor::AQI)) + "/" + std::to_string(e.number);
  s.revision = e.revision;
  s.subject = s.region = region;
  s.factor = Factor::AQI;
  s.window = Window::H24;
  s.state = e.state;
  s.at = e.changes.back().decided;
  s.began = e.began;
  s.unit = Unit::Point;
  s.clause = e.clause;
  s.reason = e.reason;
  s.origin = {-1, offset};
  // Of what is over, the level that it had last.
  const LevelChange* rise = nullptr;
  for (const LevelChange& c : e.changes) {
    if (c.level > 0) s.level = c.level;
    if (c.up()) rise = &c;
  }
  s.interval = {s.at - kHour * 24, s.at};
  if (rise != nullptr) {
    const MetCondition& m =
        *std::min_element(rise->conditions.begin(), rise->conditions.end(),
                          [](const MetCondition& a, const MetCondition& b) { return a.first < b.first; });
    s.value = {std::int64_t{m.lowest} * kMillion};
    s.limit = {std::int64_t{m.condition.index} * kMillion};
    s.interval = {m.first - kHour * 24, m.last};
    s.expected = m.step == 0 ? 1 : static_cast<std::int32_t>((m.last - m.first) / (kHour * m.step)) + 1;
    s.count = s.expected - m.forecast;
  }
  s.warning = std::make_shared<const WarningEpisode>(e);
  return s;
}

}  // namespace qc::core
