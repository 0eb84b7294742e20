// The episodes of the signal rules, judged naively: by looking back over all values each time, where the core keeps a
// machine. For tests only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/reading_stage_windows_oracle.h"

namespace qc::core::fixture {

struct NaiveEpisode {
  std::string rule;
  std::string site;
  Factor factor = Factor::None;
  Window window = Window::None;
  EventTime began{};
  EventTime at{};
  SignalState state = SignalState::None;
  int level = 0;
  std::int64_t limit = 0;
  std::string clause;
  auto key() const { return std::tie(rule, site, factor, window, began, at, state, level, limit, clause); }
  bool operator<(const NaiveEpisode& o) const { return key() < o.key(); }
  bool operator==(const NaiveEpisode& o) const { return key() == o.key(); }
};
std::string text(const NaiveEpisode& e);

class EpisodesOracle {
 public:
  // Of the rules over closed hours and days, over all that is closed, in order. `published`: the hours that stand as
  // closed or amended; see reading_stage_oracle_quality.h for what depends on them.
  EpisodesOracle(const Oracle& oracle, const WindowsOracle& windows, const std::set<Oracle::Key>& published);
  const std::vector<NaiveEpisode>& episodes() const { return episodes_; }
  // The kinds of rule that are judged here.
  static bool judged(SignalKind kind);

 private:
  using Values = std::map<EventTime, std::int64_t>;  // valid ones, by the start of the hour or day that they close with
  using Series = std::tuple<std::string, Factor, Window>;
  void fold(const SignalRule& rule, const Series& series, const Values& values);

  const Oracle& oracle_;
  std::vector<NaiveEpisode> episodes_;
};

}  // namespace qc::core::fixture
