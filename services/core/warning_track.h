// The warning of one region with its corrections: runs the machine (warning.h) over hours and forecasts as they come,
// and says what people must be told. Behind it stands an earlier copy of the machine and what came since; a correction
// of a past hour, or a late one, changes that and folds again from there: what comes out differently is told again as
// the next revision, with the reason, and an episode that should not have been is withdrawn. A fold judges by the rules
// that are in use when it is made; an open episode keeps its criteria.
//
// Bounded: the copy follows at a distance of kTrackHours, or of kTrackForecasts forecast values where they are more.
// A value; no clock; threads: none of its business.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/warning.h"

namespace qc::core {

// hours_kept of readings (config.proto, Horizons: 96 h by default), and the 24 h that the index of each reaches on.
inline constexpr std::size_t kTrackHours = 121;
inline constexpr std::size_t kTrackForecasts = 16'384;
inline constexpr int kForecastAhead = kWarningHoursMax;  // hours

class WarningTrack {
 public:
  explicit WarningTrack(WarningMachine::Mode mode = WarningMachine::Mode::Live) : base_(mode), machine_(mode) {}

  // Each appends to `told` the episodes that people must be told of, as they are now.
  //
  // The hour that ends at `at` has an index, or none. An hour that is not later than the last is a correction:
  // `reason`. false: it lies before all that can still change; nothing happened.
  bool hour(const RuleSet& rules, EventTime at, const IndexHour& observed, std::string_view reason,
            std::vector<WarningEpisode>& told);
  // Several corrections of past hours, told as one: what each leads to on the way is nobody's business. Those that lie
  // before all that can still change are left out.
  void correct(const RuleSet& rules, const std::map<EventTime, IndexHour>& hours, std::string_view reason,
               std::vector<WarningEpisode>& told);
  // A new forecast takes the place of the one before; an empty one withdraws it. It is judged at once, at the last
  // hour.
  void forecast(const RuleSet& rules, Forecast issued, std::vector<WarningEpisode>& told);

  EventTime now() const { return machine_.now(); }
  const WarningMachine& machine() const { return machine_; }
  // As last told, with their numbers; those that can still change.
  const std::vector<WarningEpisode>& episodes() const { return told_; }

  void write(ByteWriter& out) const;  // with a version byte
  bool read(ByteReader& in);

 private:
  // An hour, and the forecasts that came before the next one.
  struct Step {
    EventTime at{};
    IndexHour hour;
    std::vector<Forecast> issued;
    std::size_t values() const;
  };
  bool change(EventTime at, const IndexHour& observed);
  static void fold(const RuleSet& rules, const Step& step, WarningMachine& machine, Forecast& forecast);
  void tell(std::string_view reason, std::vector<WarningEpisode>& told);
  void follow(const RuleSet& rules);

  WarningMachine base_;
  Forecast base_forecast_;
  std::vector<Step> steps_;  // since then, by time
  WarningMachine machine_;
  Forecast forecast_;
  std::vector<WarningEpisode> told_;
  std::int64_t next_number_ = 1;
};

}  // namespace qc::core
