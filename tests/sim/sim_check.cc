#include "sim/sim_check.h"

#include <map>
#include <set>
#include <variant>

#include "core/reading_stage_oracle.h"
#include "processor/readings_stage.h"
#include "qingchuan/replay.h"
#include "qingchuan/summary.h"
#include "qingchuan/v1/output.pb.h"
#include "stream/read_range.h"

namespace qc::sim {
namespace {

namespace v1 = ::qingchuan::v1;
using core::fixture::Oracle;

// What an undisturbed fold of the same log makes of it.
std::string check_replay(stream::Log& log, processor::RulesStore& store, const processor::StageOptions& options,
                         Happened* happened) {
  commands::ReplaySpec spec;
  spec.stage = options;
  const auto result = commands::replay(log, store, spec);
  if (!result) return "replay: " + describe(result.error());
  if (happened != nullptr) happened->outputs += result->tally.equals();
  if (result->tally.differences() > 0) {
    const commands::Difference& d = result->tally.first_differences().front();
    return "published is not what an undisturbed fold makes, in " + std::to_string(result->tally.differences()) +
           " records; the first: " + d.published + " made at " + d.made_at + " in " + d.fields +
           "\n  published:  " + d.was + "\n  recomputed: " + d.is;
  }
  if (result->tally.all_not_recomputed() > 0) return "not everything could be made again";
  if (result->counts.waiting > 0) return std::to_string(result->counts.waiting) + " input records were not processed";
  return {};
}

// The last of each hour that was published.
struct Published {
  std::map<Oracle::Key, v1::Mean> hours;
  std::string twice;
};

Published read_published(stream::Log& log, Happened* happened) {
  Published published;
  std::set<std::pair<std::string, int>> seen;
  const auto once = [&](const std::string& id, int revision) {
    if (!seen.emplace(id, revision).second) published.twice = id + " revision " + std::to_string(revision);
  };
  for (const char* topic : {processor::kMeans, processor::kSignals}) {
    const auto whole = stream::whole_topic(log, topic);
    if (!whole) continue;
    (void)stream::read_range(log, *whole, [&](const stream::Record& r) {
      const auto size = static_cast<int>(r.value.size());
      v1::MeanRecord mean;
      v1::SignalRecord signal;
      if (topic == processor::kSignals) {
        if (signal.ParseFromArray(r.value.data(), size) && signal.has_signal()) {
          once(signal.signal().id(), signal.signal().revision());
          const bool of_region = signal.signal().rule() == "hour_high" || signal.signal().rule() == "spike";
          if (happened != nullptr && of_region) ++happened->region_signals;
        }
        return true;
      }
      if (!mean.ParseFromArray(r.value.data(), size) || !mean.has_mean()) return true;
      const v1::Mean& m = mean.mean();
      once("mean " + std::string(r.key), m.revision());
      if (happened != nullptr && m.status() == v1::AMENDED_AGAIN) ++happened->amended;
      if (m.window() != v1::H1 || m.factor() >= v1::AQI) return true;
      published.hours[{m.site(), static_cast<core::Factor>(m.factor()), core::event_time(m.start_ms())}] = m;
      return true;
    });
  }
  return published;
}

std::string differs(const core::fixture::NaiveHour& expected, const v1::Mean& m) {
  const auto differ = [](const char* what, auto is, auto expected_to_be) {
    return is == expected_to_be
               ? std::string()
               : std::string(" ") + what + " " + std::to_string(is) + ", not " + std::to_string(expected_to_be);
  };
  return differ("value", m.value(), expected.value) + differ("sum", m.sum(), expected.sum) +
         differ("count", m.count(), expected.count) + differ("expected", m.expected(), expected.expected) +
         differ("min", m.min(), expected.min) + differ("max", m.max(), expected.max) +
         differ("valid", m.valid(), expected.valid) +
         differ("source", static_cast<int>(m.source()), static_cast<int>(expected.source)) +
         differ("audited", m.audited(), expected.audited) + differ("suspect", m.suspect(), expected.suspect) +
         (m.status() == v1::RUNNING ? " is still running" : "");
}

// One partition of the log, read by the naive batch; and how many readings came in.
struct Batch {
  explicit Batch(const core::RuleSet& rules) : oracle(rules) {}
  Oracle oracle;
  std::int64_t readings = 0;
};

void read_input(stream::Log& log, int partition, Batch& batch) {
  wire::InputDecoder decoder;
  const auto range = log.range({processor::kReadings, partition});
  if (!range) return;
  const std::vector<stream::Stretch> whole = {{{processor::kReadings, partition}, range->start, range->end}};
  (void)stream::read_range(log, whole, [&](const stream::Record& r) {
    const wire::Decoded input = decoder.decode(r.value);
    if (const auto* packet = std::get_if<const core::ReadingBatch*>(&input)) {
      batch.readings += (*packet)->readings();
      for (const core::Rejected& rejected : (*packet)->rejected) batch.readings += rejected.readings;
      batch.oracle.read(**packet);
    } else if (const auto* tick = std::get_if<core::Tick>(&input)) {
      batch.oracle.read(*tick);
    } else if (const auto* site = std::get_if<core::Register>(&input)) {
      batch.oracle.read(*site);
    } else if (const auto* amend = std::get_if<core::Amend>(&input)) {
      batch.oracle.read(*amend);
    }
    return true;
  });
}

std::string check_hours(const Oracle& oracle, const Published& published, Happened* happened) {
  for (const auto& [key, expected] : oracle.hours()) {
    const auto& [site, factor, start] = key;
    if (start >= oracle.frontier()) continue;
    const std::string where = site + " " + std::string(core::name(factor)) + " " + core::to_iso(start);
    const auto found = published.hours.find(key);
    if (expected.count == 0 && !expected.amended) {
      // Nothing was measured: that may have been said or not.
      if (found != published.hours.end() && found->second.count() != 0) return where + ": a mean of no values";
      continue;
    }
    if (found == published.hours.end()) return where + " was not published, but there are readings";
    const std::string difference = differs(expected, found->second);
    if (!difference.empty()) return where + " is not that of a naive batch:" + difference;
    if (happened != nullptr) ++happened->hours;
  }
  return {};
}

}  // namespace

std::string check(stream::Log& log, processor::RulesStore& store, const core::RuleSet& rules,
                  const processor::StageOptions& options, Happened* happened) {
  const Published published = read_published(log, happened);
  if (!published.twice.empty()) return "stands twice: " + published.twice;
  std::int64_t readings = 0;
  for (int p = 0; p < options.readings_partitions; ++p) {
    Batch batch(rules);
    read_input(log, p, batch);
    readings += batch.readings;
    if (auto wrong = check_hours(batch.oracle, published, happened); !wrong.empty()) return wrong;
  }
  if (happened != nullptr) happened->readings += readings;
  const auto summary = commands::summarise(log, store);
  if (!summary) return "summary: " + describe(summary.error());
  if (!summary->ledger.balanced()) return "the ledger does not balance";
  if (summary->ledger.in != readings) {
    return std::to_string(readings) + " readings came in, " + std::to_string(summary->ledger.in) + " were counted";
  }
  return check_replay(log, store, options, happened);
}

}  // namespace qc::sim
