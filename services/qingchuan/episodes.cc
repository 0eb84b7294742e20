#include "qingchuan/episodes.h"

#include <algorithm>

#include "core/concentration.h"
#include "processor/records.h"
#include "stream/read_range.h"
#include "wire/warning_message.h"

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
  const auto& sub = mean.sub_indices();
  const bool particulate = std::any_of(
      sub.begin(), sub.end(), [](const v1::SubIndex& s) { return s.factor() == v1::PM2_5 || s.factor() == v1::PM10; });
  if (!mean.valid() || !particulate) return;  // as core::index_hour() has it
  cell.hour.index = static_cast<int>(std::clamp<std::int64_t>(mean.value() / core::kMillion, 0, core::kIndexMax));
  cell.hour.ozone = mean.primary_size() == 1 && mean.primary(0) == v1::O3;
}

void EpisodesBuilder::add(const v1::Signal& signal) {
  if (signal.rule() != core::kWarningRule || !signal.has_warning() || signal.warning().changes().empty()) return;
  Published& p = published_[signal.subject()][signal.id()];
  if (signal.revision() < p.revision) return;
  p.revision = signal.revision();
  p.episode = wire::warning_of(signal);
}

// As they were published, those that were not taken back; each as it was when that was last told.
std::vector<core::WarningEpisode> EpisodesBuilder::live(const std::string& region) const {
  std::vector<core::WarningEpisode> found;
  const auto its = published_.find(region);
  if (its == published_.end()) return found;
  for (const auto& [id, p] : its->second) {
    if (p.episode.state != core::SignalState::Withdrawn) found.push_back(p.episode);
  }
  std::sort(found.begin(), found.end(), [](const core::WarningEpisode& a, const core::WarningEpisode& b) {
    return a.changes.front().decided < b.changes.front().decided;
  });
  return found;
}

std::vector<core::WarningEpisode> EpisodesBuilder::observed(const std::map<core::EventTime, Cell>& hours,
                                                            const core::RuleSet& judged_by) const {
  core::WarningMachine machine(core::WarningMachine::Mode::Observed);
  for (const auto& [at, cell] : hours) {
    if (at > spec_.interval.end) break;
    machine.step(judged_by, at, hour_of(at, cell), {});
  }
  return machine.episodes();
}

core::IndexHour EpisodesBuilder::hour_of(core::EventTime at, const Cell& cell) const {
  core::IndexHour hour = cell.hour;
  hour.dust = std::any_of(spec_.dust.begin(), spec_.dust.end(),
                          [at](const core::Interval& d) { return d.start < at && at <= d.end; });
  return hour;
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
    for (const auto& [at, cell] : hours->second) {
      if (at > spec_.interval.start && at <= spec_.interval.end) r.hours[at] = hour_of(at, cell);
    }
    for (core::WarningEpisode& e : spec_.observed ? observed(hours->second, judged_by) : live(id)) {
      const bool begins = spec_.observed || e.changes.front().decided <= spec_.interval.end;
      if (begins && e.end() > spec_.interval.start) r.episodes.push_back(std::move(e));
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
  if (!spec.observed) {
    const auto signals = stream::whole_topic(log, processor::kSignals);
    if (!signals) return tl::make_unexpected(signals.error());
    v1::SignalRecord signal;
    const auto done = stream::read_range(log, *signals, [&](const stream::Record& r) {
      const bool parsed = !r.tombstone && signal.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()));
      if (parsed && signal.has_signal()) builder.add(signal.signal());
      return true;
    });
    if (!done) return tl::make_unexpected(done.error());
  }
  if (builder.rules_hash().empty()) return fail(Errc::usage, "the log holds no index of 24 h");
  const auto found = rules.get(builder.rules_hash());
  if (!found) return tl::make_unexpected(found.error());
  return builder.build(**found);
}

std::vector<LevelSpan> spans_of(const core::WarningEpisode& episode) {
  std::vector<LevelSpan> spans;
  for (const core::LevelChange& c : episode.changes) {
    // By forecast it stands before the hours for which its criterion is met.
    const core::EventTime from = std::min(c.at, c.decided);
    if (!spans.empty()) spans.back().until = from;
    if (c.level > 0) spans.push_back({&c, from});
  }
  return spans;
}

}  // namespace qc::commands
