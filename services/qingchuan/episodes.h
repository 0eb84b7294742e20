// What `qingchuan episodes` says: the heavy-pollution episodes of regions in an interval: as they were published live,
// by observation and forecast; or judging history (core/warning.h, Mode::Observed) from the indices of 24 h that were
// published for regions, their latest revisions.
//
// Give an EpisodesBuilder every record of `means`, then take the episodes. Hours before the interval are judged, too,
// so that an episode that began before it is the same as in any other interval. Memory: the regions times the hours of
// the log. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules.h"
#include "core/warning.h"
#include "processor/rules_store.h"
#include "qingchuan/v1/output.pb.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

struct EpisodesSpec {
  bool observed = true;  // judge history, without forecasts; otherwise the warnings that were published
  core::Interval interval{core::EventTime::min(), core::EventTime::max()};
  std::vector<std::string> regions = {};  // empty: all
  std::string criteria = {};              // the id of one set; empty: those in force at each hour
  std::vector<core::Interval> dust = {};  // hours of sand and dust weather
};

struct RegionEpisodes {
  core::Region region;
  std::map<core::EventTime, core::IndexHour> hours;  // within the interval, by their end
  std::vector<core::WarningEpisode> episodes;        // that last into the interval
};

struct Episodes {
  EpisodesSpec spec;
  std::string rules_hash;
  std::vector<core::WarningCriteria> criteria;  // that were judged by
  std::vector<RegionEpisodes> regions;          // by id; those that have an index
};

class EpisodesBuilder {
 public:
  explicit EpisodesBuilder(EpisodesSpec spec) : spec_(std::move(spec)) {}

  void add(const ::qingchuan::v1::Mean& mean);
  void add(const ::qingchuan::v1::Signal& signal);  // where not only what was observed counts
  // The rule set that the latest index names; empty: there was none.
  const std::string& rules_hash() const { return rules_hash_; }
  // usage: there is no such region, or there are no such criteria.
  Result<Episodes> build(const core::RuleSet& rules) const;

 private:
  struct Cell {
    std::int32_t revision = 0;
    core::IndexHour hour;
  };
  struct Published {
    std::int32_t revision = 0;
    core::WarningEpisode episode;
  };
  core::IndexHour hour_of(core::EventTime at, const Cell& cell) const;
  std::vector<core::WarningEpisode> live(const std::string& region) const;
  std::vector<core::WarningEpisode> observed(const std::map<core::EventTime, Cell>& hours,
                                             const core::RuleSet& judged_by) const;
  EpisodesSpec spec_;
  std::string rules_hash_;
  std::map<std::string, std::map<std::string, Published>> published_;  // by region and id
  std::map<std::string, std::map<core::EventTime, Cell>> indices_;  // by site or region, whichever it turns out to be
};

// Reads `means` to its present end. usage: see build(), and where the log holds no index of a region.
Result<Episodes> make_episodes(stream::Log& log, processor::RulesStore& rules, const EpisodesSpec& spec);

std::string to_text(const Episodes& episodes, Language language);
// A line for each level of each episode; the columns are in docs/episodes.md.
std::string to_csv(const Episodes& episodes);

// The curve of each region with its levels behind it, as an SVG file; gnuplot draws.
inline constexpr std::size_t kPicturesMax = 24;  // regions
// The script that gnuplot is given.
std::string to_gnuplot(const Episodes& episodes, Language language);
// usage: more regions than a picture holds; file_unreadable: gnuplot is not there, or the file cannot be written.
Result<void> draw(const Episodes& episodes, const std::string& file, Language language);

// One level of an episode: from a change until the next.
struct LevelSpan {
  const core::LevelChange* change = nullptr;
  core::EventTime from{};
  core::EventTime until = core::EventTime::max();
};
std::vector<LevelSpan> spans_of(const core::WarningEpisode& episode);

}  // namespace qc::commands
