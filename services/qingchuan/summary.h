// What a log holds, in one page: its time, sites, the conservation ledger, hours and indices per site, signals and dead
// letters. Counts latest revisions only. Reads; changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "core/ledger.h"
#include "processor/rules_store.h"
#include "qingchuan/v1/output.pb.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

struct SiteSummary {
  std::int64_t hours = 0;        // closed hours with an index
  std::int64_t pm25_hours = 0;   // valid
  std::int64_t pm25_sum_pg = 0;  // of their means
  int aqi_max = 0;
  std::array<std::int64_t, 6> classes{};  // hours by level, 优 to 严重污染
};

struct Summary {
  core::Timeline timeline = core::Timeline::None;
  std::string rules_hash;
  std::int64_t from_ms = 0;  // of closed windows
  std::int64_t until_ms = 0;
  std::int64_t means = 0;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> hours;  // by factor: closed, valid
  std::map<std::string, SiteSummary> sites;
  std::string worst_site;
  std::int64_t worst_end_ms = 0;
  int worst_aqi = 0;
  std::string worst_primary;
  std::map<std::pair<std::string, int>, std::int64_t> episodes;  // by rule and highest level
  std::int64_t open_episodes = 0;
  core::Ledger ledger;  // as of the state's last checkpoint
  bool has_ledger = false;
  std::map<std::string, std::int64_t> dead_letters;  // by reason: readings
};

Result<Summary> summarise(stream::Log& log, processor::RulesStore& rules);
std::string to_text(const Summary& summary, Language language);
std::string to_json(const Summary& summary);

}  // namespace qc::commands
