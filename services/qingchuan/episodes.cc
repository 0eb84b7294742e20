#include "qingchuan/episodes.h"

#include <algorithm>

#include "core/concentration.h"
#include "processor/records.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

// What is judged by: the dated sets, or the one that was asked for, for all time.
Result<std::vector<core::WarningCriteria>> criteria_of(const core::RuleSet& rules, const std::string& id) {
  if (rules.warnings.empty()) {
    return fail(Errc::usage,
                "the rules of this log have no criteria of warnings; list standards/warnings-*.yaml under `rules:`");
  }
  if (id.empty()) return rules.warnings;
  std::string known;
  for (core::WarningCriteria c : rules.warnings) {
    known += (known.empty() ? "" : ", ") + c.id;
    if (c.id != id) continue;
    c.dated = {};
    return std::vector<core::WarningCriteria>{c};
  }
  return fail(Errc::usage, "the rules of this log have no criteria `" + id + "`; they have " + known);
}

}  // namespace

void EpisodesBuilder::add(const v1::Mean& mean) {
  if (mean.factor() != v1::AQI || mean.window() != v1::H24 || mean.status() == v1::RUNNING) return;
  const core::EventTime at = core::event_time(mean.end_ms());
  if (core::hour_of(at) != at) return;
  Cell& cell = indices_[mean.site()][at];
  if (mean.revision() < cell.revision) return;
  rules_hash_ = mean.origin().rules();
  cell.revision = mean.revision();
  cell.hour = {};
  if (!mean.valid()) return;
  cell.hour.index = static_cast<int>(std::clamp<std::int64_t>(mean.value() / core::kMillion, 0, core::kIndexMax));
  cell.hour.ozone = mean.primary_size() == 1 && mean.primary(0) == v1::O3;
}

Result<Episodes> EpisodesBuilder::build(const core::RuleSet& rules) const {
  auto criteria = criteria_of(rules, spec_.criteria);
  if (!criteria) return tl::make_unexpected(criteria.error());
  for (const std::string& id : spec_.regions) {
    if (!rules.regions.contains(id)) return fail(Errc::usage, "there is no region `" + id + "`");
    if (!indices_.contains(id)) return fail(Errc::usage, "the log holds no index of 24 h of region `" + id + "`");
  }
  Episodes made;
  made.spec = spec_;
  made.rules_hash = rules_hash_;
  made.criteria = *criteria;
  core::RuleSet judged_by;
  judged_by.warnings = *std::move(criteria);
  for (const auto& [id, region] : rules.regions) {
    const auto hours = indices_.find(id);
    const bool wanted =
        spec_.regions.empty() || std::find(spec_.regions.begin(), spec_.regions.end(), id) != spec_.regions.end();
    if (!wanted || hours == indices_.end()) continue;
    RegionEpisodes r{region, {}, {}};
    core::WarningMachine machine(core::WarningMachine::Mode::Observed);
    for (const auto& [at, cell] : hours->second) {
      if (at > spec_.interval.end) break;
      core::IndexHour hour = cell.hour;
      hour.dust = std::any_of(spec_.dust.begin(), spec_.dust.end(),
                              [at = at](const core::Interval& d) { return d.start < at && at <= d.end; });
      machine.step(judged_by, at, hour, {});
      if (at > spec_.interval.start) r.hours[at] = hour;
    }
    for (const core::WarningEpisode& e : machine.episodes()) {
      if (e.end() > spec_.interval.start) r.episodes.push_back(e);
    }
    made.regions.push_back(std::move(r));
  }
  if (made.regions.empty()) {
    return fail(Errc::usage, "the log holds no index of 24 h of a region: only of its sites, or of none");
  }
  return made;
}

Result<Episodes> make_episodes(stream::Log& log, processor::RulesStore& rules, const EpisodesSpec& spec) {
  const auto whole = stream::whole_topic(log, processor::kRegionMeans);
  if (!whole) return tl::make_unexpected(whole.error());
  EpisodesBuilder builder(spec);
  v1::MeanRecord record;
  const auto read = stream::read_range(log, *whole, [&](const stream::Record& r) {
    const bool parsed = !r.tombstone && record.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()));
    if (parsed && record.has_mean()) builder.add(record.mean());
    return true;
  });
  if (!read) return tl::make_unexpected(read.error());
  if (builder.rules_hash().empty()) return fail(Errc::usage, "the log holds no index of 24 h");
  const auto found = rules.get(builder.rules_hash());
  if (!found) return tl::make_unexpected(found.error());
  return builder.build(**found);
}

std::vector<LevelSpan> spans_of(const core::WarningEpisode& episode) {
  std::vector<LevelSpan> spans;
  for (const core::LevelChange& c : episode.changes) {
    if (!spans.empty()) spans.back().until = c.at;
    if (c.level > 0) spans.push_back({&c, c.at});
  }
  return spans;
}

}  // namespace qc::commands
