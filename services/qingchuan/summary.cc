#include "qingchuan/summary.h"

#include <array>
#include <boost/json.hpp>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/concentration.h"
#include "core/reading_stage.h"
#include "qingchuan/columns.h"
#include "stream/read_range.h"
#include "wire/keys.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

// What is kept of the latest revision of a mean while reading: enough for every count below.
struct Latest {
  std::int32_t revision = 0;
  bool closed = false;
  bool valid = false;
  std::int64_t value = 0;
  std::string primary;
};

void count_mean(const std::string& site, core::Factor factor, std::int64_t end_ms, const Latest& m, Summary& s) {
  if (!m.closed) return;
  ++s.means;
  s.until_ms = std::max(s.until_ms, end_ms);
  const std::int64_t start = end_ms - core::kHour.count();
  s.from_ms = s.from_ms == 0 ? start : std::min(s.from_ms, start);
  auto& [closed, valid] = s.hours[std::string(core::name(factor))];
  ++closed;
  if (!m.valid) return;
  ++valid;
  SiteSummary& of_site = s.sites[site];
  if (factor == core::Factor::PM25) {
    ++of_site.pm25_hours;
    of_site.pm25_sum_pg += m.value;
  }
  if (factor != core::Factor::AQI) return;
  const auto aqi = static_cast<int>(m.value / core::kMillion);
  ++of_site.hours;
  ++of_site.classes[static_cast<std::size_t>(aqi_class(aqi))];
  of_site.aqi_max = std::max(of_site.aqi_max, aqi);
  if (aqi > s.worst_aqi || (aqi == s.worst_aqi && std::tie(end_ms, site) < std::tie(s.worst_end_ms, s.worst_site))) {
    s.worst_aqi = aqi;
    s.worst_site = site;
    s.worst_end_ms = end_ms;
    s.worst_primary = m.primary;
  }
}

bool parsed(const stream::Record& r, google::protobuf::Message& into) {
  return !r.tombstone && into.ParseFromArray(r.value.data(), static_cast<int>(r.value.size()));
}

// Each of these takes one topic's records as they come and adds what they come to at the end.
class Means {
 public:
  void take(const stream::Record& r, Summary& s) {
    if (!parsed(r, record_) || !record_.has_mean()) return;
    const v1::Mean& m = record_.mean();
    if (m.window() != v1::H1) return;
    Series& series = all_[m.site() + "|" + std::to_string(m.factor())];
    series.site = m.site();
    series.factor = static_cast<core::Factor>(m.factor());
    Latest& latest = series.by_end[m.end_ms()];
    if (m.revision() < latest.revision) return;
    latest = {m.revision(), m.status() != v1::RUNNING, m.valid(), m.value(), {}};
    for (const int f : m.primary()) {
      latest.primary += (latest.primary.empty() ? "" : "+") + std::string(core::name(static_cast<core::Factor>(f)));
    }
    s.rules_hash = m.origin().rules();
  }
  void finish(Summary& s) const {
    for (const auto& [key, series] : all_) {
      for (const auto& [end_ms, latest] : series.by_end) count_mean(series.site, series.factor, end_ms, latest, s);
    }
  }

 private:
  struct Series {
    std::string site;
    core::Factor factor;
    std::unordered_map<std::int64_t, Latest> by_end;
  };
  std::map<std::string, Series> all_;
  v1::MeanRecord record_;
};

class Signals {
 public:
  void take(const stream::Record& r) {
    if (!parsed(r, record_) || !record_.has_signal()) return;
    const v1::Signal& signal = record_.signal();
    Episode& e = episodes_[signal.id()];
    e.rule = signal.rule();
    e.level = std::max(e.level, signal.level());
    e.open = signal.state() == v1::ACTIVE || signal.state() == v1::STALE;
    e.withdrawn = signal.state() == v1::WITHDRAWN;
  }
  void finish(Summary& s) const {
    for (const auto& [id, e] : episodes_) {
      if (e.withdrawn) continue;
      ++s.episodes[{e.rule, e.level}];
      s.open_episodes += e.open ? 1 : 0;
    }
  }

 private:
  struct Episode {
    std::string rule;
    int level = 0;
    bool open = false;
    bool withdrawn = false;
  };
  std::map<std::string, Episode> episodes_;
  v1::SignalRecord record_;
};

class Ledgers {
 public:
  // The partition's entry of the state, the last of each partition; its other entries are not needed for the counts.
  void take(const stream::Record& r) {
    if (r.key == "P" && !r.tombstone) entries_[r.from->partition] = r.value;
  }
  Result<void> finish(Summary& s) const {
    for (const auto& [partition, bytes] : entries_) {
      core::ReadingStage stage([](std::string_view) { return false; });
      if (!stage.load("P", bytes))
        return fail(Errc::state_version,
                    "the state of partition " + std::to_string(partition) + " is of another version");
      const core::Ledger& ledger = stage.ledger();
      s.ledger.in += ledger.in;
      for (std::size_t i = 0; i < core::kAccounts; ++i) s.ledger.accounts[i] += ledger.accounts[i];
      for (std::size_t i = 0; i < core::kReasons; ++i) s.ledger.malformed[i] += ledger.malformed[i];
      s.has_ledger = true;
    }
    return {};
  }

 private:
  std::map<int, std::string> entries_;
};

std::string date(std::int64_t ms) {
  return core::to_iso(core::event_time(ms)).substr(0, 16);
}

}  // namespace

Result<Summary> summarise(stream::Log& log, processor::RulesStore& rules) {
  Summary s;
  const auto timeline = rules.timeline();
  if (!timeline) return tl::make_unexpected(timeline.error());
  s.timeline = *timeline;
  std::vector<stream::Stretch> all;  // all topics with one reader
  for (const char* topic : {"means", "signals", "processor-state", "dead-letters"}) {
    const auto whole = stream::whole_topic(log, topic);
    if (!whole) return tl::make_unexpected(whole.error());
    all.insert(all.end(), whole->begin(), whole->end());
  }
  Means means;
  Signals signals;
  Ledgers ledgers;
  v1::DeadLetter letter;
  const auto read = stream::read_range(log, all, [&](const stream::Record& r) {
    if (r.from->topic == "means") {
      means.take(r, s);
    } else if (r.from->topic == "signals") {
      signals.take(r);
    } else if (r.from->topic == "processor-state") {
      ledgers.take(r);
    } else if (parsed(r, letter)) {
      s.dead_letters[letter.reason()] += letter.readings();
    }
    return true;
  });
  if (!read) return tl::make_unexpected(read.error());
  means.finish(s);
  signals.finish(s);
  if (auto done = ledgers.finish(s); !done) return tl::make_unexpected(done.error());
  return s;
}

std::string to_text(const Summary& s, Language l) {
  const bool zh = l == Language::Chinese;
  const auto word = [zh](const char* chinese, const char* english) { return std::string(zh ? chinese : english); };
  std::string out;
  const auto row = [&out](const std::string& name, const std::string& value) {
    out += "  " + pad_right(name, 24) + value + "\n";
  };

  out += word("日志", "Log") + "\n";
  row(word("时间", "time"), std::string(core::name(s.timeline)));
  row(word("规则", "rules"), s.rules_hash);
  if (s.means > 0) row(word("时段", "span"), date(s.from_ms) + " .. " + date(s.until_ms));
  if (s.has_ledger) {
    out += word("读数台账", "Ledger of readings") + "\n";
    row("in", std::to_string(s.ledger.in));
    for (std::size_t i = 0; i < core::kAccounts; ++i) {
      if (s.ledger.accounts[i] != 0)
        row("  " + std::string(core::name(static_cast<core::Account>(i))), std::to_string(s.ledger.accounts[i]));
    }
    row(word("平衡", "balanced"), s.ledger.balanced() ? word("是", "yes") : word("否", "NO"));
  }
  for (const auto& [reason, readings] : s.dead_letters)
    row(word("死信 ", "dead letters ") + reason, std::to_string(readings));
  out += word("小时", "Hours") + "\n";
  for (const auto& [factor, counts] : s.hours) {
    row(factor, std::to_string(counts.first) + word(" 已关闭, ", " closed, ") + std::to_string(counts.second) +
                    word(" 有效", " valid"));
  }
  out += word("站点 (AQI 1h 小时数)", "Sites (hours by AQI 1h)") + "\n  " + pad_right("", 18) + pad_right("PM2.5", 8) +
         pad_right(word("最高", "max"), 6);
  for (int c = 0; c < 6; ++c) out += pad_right(std::string(aqi_class_name(c, l)), zh ? 10 : 21);
  out += "\n";
  for (const auto& [site, of] : s.sites) {
    const std::string pm =
        of.pm25_hours == 0
            ? "-"
            : core::format(core::rounded({core::divide_half_even(of.pm25_sum_pg, of.pm25_hours)}, core::Unit::UgM3, 1),
                           core::Unit::UgM3);
    out += "  " + pad_right(site, 18) + pad_right(pm, 8) + pad_right(std::to_string(of.aqi_max), 6);
    for (int c = 0; c < 6; ++c) out += pad_right(std::to_string(of.classes[static_cast<std::size_t>(c)]), zh ? 10 : 21);
    out += "\n";
  }
  if (s.worst_aqi > 0) {
    row(word("最差小时", "worst hour"),
        s.worst_site + " " + date(s.worst_end_ms) + " AQI " + std::to_string(s.worst_aqi) + " " + s.worst_primary);
  }
  out += word("信号", "Signals") + "\n";
  for (const auto& [key, count] : s.episodes) {
    row(std::string(rule_word(key.first, l)) +
            (zh ? " " + std::to_string(key.second) + "级" : " level " + std::to_string(key.second)),
        std::to_string(count));
  }
  row(word("仍在持续", "still open"), std::to_string(s.open_episodes));
  return out;
}

std::string to_json(const Summary& s) {
  namespace json = boost::json;
  json::object accounts;
  for (std::size_t i = 0; i < core::kAccounts; ++i)
    accounts[core::name(static_cast<core::Account>(i))] = s.ledger.accounts[i];
  json::object malformed;
  for (std::size_t i = 1; i < core::kReasons; ++i) {
    if (s.ledger.malformed[i] != 0) malformed[core::name(static_cast<core::Reason>(i))] = s.ledger.malformed[i];
  }
  json::object hours;
  for (const auto& [factor, counts] : s.hours) hours[factor] = {{"closed", counts.first}, {"valid", counts.second}};
  json::object sites;
  for (const auto& [site, of] : s.sites) {
    sites[site] = {{"hours", of.hours},
                   {"aqi_max", of.aqi_max},
                   {"hours_by_level", json::array(of.classes.begin(), of.classes.end())}};
  }
  json::array episodes;
  for (const auto& [key, count] : s.episodes)
    episodes.push_back({{"rule", key.first}, {"level", key.second}, {"count", count}});
  json::object dead;
  for (const auto& [reason, readings] : s.dead_letters) dead[reason] = readings;
  const json::object all = {
      {"timeline", core::name(s.timeline)},
      {"rules", s.rules_hash},
      {"from", core::to_iso(core::event_time(s.from_ms))},
      {"until", core::to_iso(core::event_time(s.until_ms))},
      {"ledger",
       {{"in", s.ledger.in}, {"accounts", accounts}, {"malformed", malformed}, {"balanced", s.ledger.balanced()}}},
      {"dead_letters", dead},
      {"hours", hours},
      {"sites", sites},
      {"worst",
       {{"site", s.worst_site},
        {"end", core::to_iso(core::event_time(s.worst_end_ms))},
        {"aqi", s.worst_aqi},
        {"primary", s.worst_primary}}},
      {"episodes", episodes},
      {"open_episodes", s.open_episodes}};
  return json::serialize(all) + "\n";
}

}  // namespace qc::commands
