// How good the forecasts of one region were: for each hour that came, what the last issue of each day before it had
// said of it, and what persistence would have (the index stays as it is when the issue comes). Persistence is a
// reference and no more: nothing begins, rises or ends by it. The index is that of the warnings: the AQI of the 24 h
// that end then.
//
// An hour is scored once, by the index that it came to when it closed; where that, or the index at the issue, is
// missing, it is not. Totals only grow. A value; no clock; threads: none of its business.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/bytes.h"
#include "core/warning.h"

namespace qc::core {

// Lead of 0 to 24 h, above 24 to 48 h ...; what was said earlier is not scored.
inline constexpr std::size_t kScoredDays = 7;

// Of what one of the two said. Heavy: the index is of the fifth level (重度污染) or above.
struct ForecastErrors {
  std::int64_t absolute = 0;  // the sum of |said - came|
  std::int64_t hits = 0;      // heavy, as said
  std::int64_t misses = 0;    // heavy, which was not said
  std::int64_t alarms = 0;    // said, and not heavy
  bool operator==(const ForecastErrors&) const = default;
};
struct ForecastScore {
  std::int64_t hours = 0;
  ForecastErrors forecast;
  ForecastErrors persistence;
  bool operator==(const ForecastScore&) const = default;
};
using ForecastScores = std::array<ForecastScore, kScoredDays>;  // by lead
ForecastScores& operator+=(ForecastScores& to, const ForecastScores& more);

class ForecastScorer {
 public:
  // Each says whether anything is different now.
  // An issue came at `at`, when the index was `index`.
  bool issue(EventTime at, int index, const Forecast& hours);
  // The hour that ends at `end` closed; kNoIndex: without an index.
  bool observed(EventTime end, int index);

  const ForecastScores& scores() const { return scores_; }

  void write(ByteWriter& out) const;
  bool read(ByteReader& in);

 private:
  struct Said {
    int forecast = kNoIndex;
    int persistence = kNoIndex;
  };
  std::map<EventTime, std::array<Said, kScoredDays>> said_;  // of the hours to come, by their end
  ForecastScores scores_{};
};

}  // namespace qc::core
