#include "qingchuan/amend.h"

#include <algorithm>
#include <variant>

#include "platform/yaml_schema.h"
#include "processor/log_time.h"
#include "processor/readings_stage.h"
#include "qingchuan/caught_up.h"
#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/keys.h"
#include "wire/mean_decoder.h"
#include "wire/signal_decoder.h"

namespace qc::commands {
namespace {

using Action = core::Amend::Action;

// The site as the keys of `means` write it.
std::string_view site_of(std::string_view mean_key) {
  return mean_key.substr(0, mean_key.find('|'));
}
std::string site_in_keys(const std::string& site) {
  return std::string(site_of(wire::mean_key(site, core::Factor::PM25, core::Window::H1, core::EventTime{})));
}

std::string hour_key(const core::Amend& amend, core::EventTime hour) {
  return wire::mean_key(amend.site, amend.factor, core::Window::H1, hour + core::kHour);
}

std::string value_text(core::Concentration value, core::Factor factor) {
  const core::Unit unit = core::publishing_unit(factor);
  return core::format(value, unit) + " " + std::string(core::name(unit));
}

std::string text_of(const HourNow& now, core::Factor factor) {
  if (!now.is_known) return "nothing";
  std::string text = now.valid ? value_text(now.value, factor) : "not valid";
  if (now.source == core::Source::Amended) text += ", amended";
  if (now.audited) text += ", audited";
  return text + " (revision " + std::to_string(now.revision) + ")";
}

std::string text_of(const PlannedAmend& p, std::size_t hour) {
  const core::Amend& amend = p.amend;
  std::string text = amend.action == Action::Invalidate ? "invalid"
                     : amend.action == Action::Restore  ? "what was measured"
                                                        : value_text(amend.value, amend.factor);
  if (hour < p.measured.size()) {
    const core::Mean& m = p.measured[hour];
    text += m.count == 0 ? ": nothing" : ": " + value_text(m.value, amend.factor) + (m.valid ? "" : ", not valid");
  }
  if (amend.audited && amend.action != Action::Restore) text += ", audited";
  return p.past ? text + "; behind the horizon" : text;
}

}  // namespace

Amending::Amending(stream::Log& log, const core::RuleSet& rules, core::Timeline timeline, AmendLimits limits)
    : log_(log), rules_(rules), timeline_(timeline), limits_(limits) {}

int Amending::partition(const std::string& site) const {
  return stream::partition_of(wire::reading_key(site), partitions_);
}

// Each correction in the parts that lie behind the horizon and before it. Those that the horizon is about to leave
// count as behind it: the record is right wherever it finds them.
Result<std::vector<Amending::Part>> Amending::split(const std::vector<wire::AmendLine>& lines) {
  const auto partitions = stream::partitions_of(log_, processor::kReadings);
  if (!partitions) return tl::make_unexpected(partitions.error());
  partitions_ = *partitions;
  std::vector<stream::TopicPartition> of;
  for (int p = 0; p < partitions_; ++p) of.push_back({processor::kReadings, p});
  const auto ticks = processor::last_ticks(log_, of);
  if (!ticks) return tl::make_unexpected(ticks.error());
  for (std::size_t i = 0; i < of.size(); ++i) {
    if ((*ticks)[i]) last_ticks_[of[i].partition] = *(*ticks)[i];
  }
  std::vector<Part> parts;
  for (const wire::AmendLine& line : lines) {
    const core::Interval whole = line.amend.interval;
    const auto tick = last_ticks_.find(partition(line.amend.site));
    const core::EventTime held = tick == last_ticks_.end()
                                     ? core::EventTime::min()
                                     : core::hour_of(tick->second - rules_.horizons.hours_kept) + core::kHour;
    const core::EventTime cut = std::clamp(held, whole.start, whole.end);
    for (const core::Interval& i : {core::Interval{whole.start, cut}, core::Interval{cut, whole.end}}) {
      if (i.start >= i.end) continue;
      parts.push_back({line.amend, line.where, i.end <= held});
      parts.back().amend.interval = i;
    }
  }
  return parts;
}

Result<void> Amending::read_published(const std::vector<Part>& parts) {
  std::set<int> past;
  for (const Part& part : parts) {
    for (core::EventTime hour = part.amend.interval.start; hour < part.amend.interval.end; hour += core::kHour)
      now_.try_emplace(hour_key(part.amend, hour));
    if (part.past) past.insert(partition(part.amend.site));
  }
  if (!past.empty()) {
    const auto ticks = wait_for_processor(log_, past, timeline_, limits_.wait);
    if (!ticks) return tl::make_unexpected(ticks.error());
    std::map<std::string, std::vector<core::Amend>> by_site;
    for (const Part& part : parts) {
      if (part.past) by_site[part.amend.site].push_back(part.amend);
    }
    for (const auto& [site, amends] : by_site) gathers_.try_emplace(site, rules_, amends, ticks->at(partition(site)));
    if (auto read = read_signals(); !read) return read;
  }
  std::set<std::string, std::less<>> gathered;
  for (const auto& [site, unused] : gathers_) gathered.insert(site_in_keys(site));
  const auto whole = stream::whole_topic(log_, processor::kMeans);
  if (!whole) return tl::make_unexpected(whole.error());
  wire::MeanDecoder decoder;
  return stream::read_range(log_, *whole, [&](const stream::Record& r) {
    const auto site = site_of(r.key);
    if (!site.starts_with('@') && !sites_.contains(site)) sites_.emplace(site);
    const auto wanted = now_.find(r.key);
    if ((wanted == now_.end() && !gathered.contains(site)) || r.tombstone) return true;
    const auto record = decoder.decode(r.value);
    const auto* decoded = std::get_if<const wire::DecodedMean*>(&record);
    if (decoded == nullptr) return true;
    const core::Mean& m = (*decoded)->mean;
    if (const auto gather = gathers_.find(m.site); gather != gathers_.end()) gather->second.take(m);
    if (wanted == now_.end()) return true;
    if (m.source != core::Source::Amended) {
      core::Mean& before = before_[wanted->first];
      if (m.revision >= before.revision) before = core::PastReach::slim(m);
    }
    if (m.revision < wanted->second.revision) return true;
    wanted->second = {true, m.revision, m.valid, m.audited, m.value, m.source};
    return true;
  });
}

Result<void> Amending::read_signals() {
  const auto whole = stream::whole_topic(log_, processor::kSignals);
  if (!whole) return tl::make_unexpected(whole.error());
  return stream::read_range(log_, *whole, [&](const stream::Record& r) {
    const auto signal = r.tombstone ? std::nullopt : wire::decode_signal(r.value);
    if (!signal) return true;
    if (const auto gather = gathers_.find(signal->subject); gather != gathers_.end()) gather->second.take(*signal);
    return true;
  });
}

// From the packets: what hours behind the horizon are restored to, and which hours made an episode of single readings.
Result<void> Amending::read_measured(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (!part.past || part.amend.action != Action::Restore) continue;
    const int p = partition(part.amend.site);
    Measured& measured = measured_.try_emplace(p, rules_).first->second;
    for (core::EventTime hour = part.amend.interval.start; hour < part.amend.interval.end; hour += core::kHour)
      measured.want(part.amend.site, part.amend.factor, hour);
  }
  for (const auto& [site, gather] : gathers_) {
    for (const auto& [factor, hour] : gather.reading_hours())
      measured_.try_emplace(partition(site), rules_).first->second.want(site, factor, hour);
  }
  for (auto& [p, measured] : measured_) {
    const auto range = log_.range({processor::kReadings, p});
    if (!range) return tl::make_unexpected(range.error());
    if (range->start == 0) measured.begins_whole();
    const std::vector<stream::Stretch> whole = {{{processor::kReadings, p}, range->start, range->end}};
    const auto read =
        stream::read_range(log_, whole, [&of = measured](const stream::Record& r) { return of.take(r.value); });
    if (!read) return read;
  }
  for (auto& [site, gather] : gathers_) {
    for (const auto& of : gather.reading_hours()) {
      const auto greatest = measured_.at(partition(site)).greatest(site, of.factor, of.hour);
      if (greatest) gather.take(of, *greatest);
    }
  }
  return {};
}

std::string Amending::unknown_site(const std::string& site) const {
  std::vector<std::string> names;
  for (const auto& [id, unused] : rules_.sites) names.push_back(id);
  names.insert(names.end(), sites_.begin(), sites_.end());
  return "site " + site + " is not configured and has never sent anything" + platform::hint(site, names);
}

std::optional<std::string> Amending::problem_of(const core::Amend& amend) const {
  if (!rules_.sites.contains(amend.site) && !sites_.contains(site_in_keys(amend.site))) return unknown_site(amend.site);
  const auto tick = last_ticks_.find(partition(amend.site));
  if (tick == last_ticks_.end()) return "the log has no time yet, so no hour is closed";
  const core::Horizons& h = rules_.horizons;
  const core::EventTime closed_to = core::hour_of(tick->second - h.close_after);
  if (amend.interval.end > closed_to) {
    return "an hour can be amended once it is closed; the log's time is " + core::to_iso(tick->second) +
           ", hours are closed to " + core::to_iso(closed_to);
  }
  return std::nullopt;
}

// What it is restored to goes into `measured`.
std::optional<std::string> Amending::problem_of_past(const core::Amend& amend,
                                                     std::vector<core::Mean>& measured) const {
  for (core::EventTime hour = amend.interval.start; hour < amend.interval.end; hour += core::kHour) {
    const std::string key = hour_key(amend, hour);
    if (!now_.at(key).is_known) {
      return "nothing is published of " + core::to_iso(hour) +
             " that could be corrected: behind the horizon an hour must stand in `means`";
    }
    if (amend.action != Action::Restore) continue;
    auto hour_measured = measured_.at(partition(amend.site)).hour(amend.site, amend.factor, hour);
    if (!hour_measured) {
      const auto before = before_.find(key);
      if (before != before_.end()) hour_measured = before->second;
    }
    if (!hour_measured) {
      return "what was measured at " + core::to_iso(hour) +
             " is no longer in the log: neither its packets nor a mean from before the correction; replace it instead";
    }
    measured.push_back(std::move(*hour_measured));
  }
  return std::nullopt;
}

Result<AmendPlan> Amending::plan(const std::vector<wire::AmendLine>& lines) {
  const auto parts = split(lines);
  if (!parts) return tl::make_unexpected(parts.error());
  if (auto read = read_published(*parts); !read) return tl::make_unexpected(read.error());
  if (auto read = read_measured(*parts); !read) return tl::make_unexpected(read.error());
  AmendPlan plan;
  std::map<std::string, core::Interval> spans;  // by site, of those behind the horizon
  for (const Part& part : *parts) {
    PlannedAmend planned{part.amend, {}, part.past, {}};
    auto problem = problem_of(part.amend);
    if (!problem && part.past) problem = problem_of_past(part.amend, planned.measured);
    if (!problem && part.past) {
      const core::Interval& i = part.amend.interval;
      core::Interval& span = spans.try_emplace(part.amend.site, i).first->second;
      const core::Interval wider{std::min(span.start, i.start), std::max(span.end, i.end)};
      if (wider.end - wider.start > core::kPastSpanMax) {
        problem = "more than " + std::to_string(core::kPastSpanMax / core::kDay) + " days from others of " +
                  part.amend.site + " behind the horizon: write those first, and these when they are published";
      } else {
        span = wider;
      }
    }
    if (problem) {
      plan.problems.push_back((part.where.empty() ? "" : part.where + ": ") + *problem);
      continue;
    }
    for (core::EventTime hour = part.amend.interval.start; hour < part.amend.interval.end; hour += core::kHour)
      planned.hours.push_back(now_.at(hour_key(part.amend, hour)));
    plan.amends.push_back(std::move(planned));
  }
  for (const auto& [site, gather] : gathers_) {
    if (!plan.problems.empty()) break;
    core::PastAmend past = gather.finish();
    for (const PlannedAmend& p : plan.amends) {
      if (p.past && p.amend.site == site)
        past.measured.insert(past.measured.end(), p.measured.begin(), p.measured.end());
    }
    const std::size_t bytes = wire::encode_past_amend(past).size();
    if (bytes > limits_.record_bytes_max || past.signals.size() > wire::kPastSignalsMax) {
      plan.problems.push_back("the corrections of " + site + " bring along " + std::to_string(past.means.size()) +
                              " means and " + std::to_string(past.signals.size()) + " signals, " +
                              std::to_string(bytes) + " bytes: too much for one record; make them in several steps");
    }
    plan.past.push_back(std::move(past));
  }
  return plan;
}

Result<std::map<int, int>> Amending::write(const AmendPlan& plan) {
  auto appender = log_.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  std::vector<stream::NewRecord> records;
  std::map<int, int> written;
  for (const PlannedAmend& p : plan.amends) {
    const int to = partition(p.amend.site);
    ++written[to];
    if (p.past) continue;
    records.push_back({{"readings", to}, wire::reading_key(p.amend.site), wire::encode_amend(p.amend), {}});
  }
  for (const core::PastAmend& past : plan.past) {
    records.push_back(
        {{"readings", partition(past.site)}, wire::reading_key(past.site), wire::encode_past_amend(past), {}});
  }
  if (timeline_ == core::Timeline::Fed) {
    // A correction is published with the next tick, and here no clock writes one. Every partition gets it, because
    // sites are compared downstream when all have come so far.
    core::EventTime last = core::EventTime::min();
    for (const auto& [p, tick] : last_ticks_) last = std::max(last, tick);
    for (int p = 0; p < partitions_; ++p) {
      records.push_back({{"readings", p}, wire::tick_key("", p), wire::encode_tick(last + core::Duration(1)), {}});
    }
  }
  if (auto done = (*appender)->append(records); !done) return tl::make_unexpected(done.error());
  return written;
}

std::string to_text(const AmendPlan& plan) {
  std::string out;
  for (const PlannedAmend& p : plan.amends) {
    for (std::size_t i = 0; i < p.hours.size(); ++i) {
      const core::EventTime hour = p.amend.interval.start + core::kHour * static_cast<std::int64_t>(i);
      out += p.amend.site + " " + std::string(core::name(p.amend.factor)) + " " + core::to_iso(hour) + ": " +
             text_of(p.hours[i], p.amend.factor) + " -> " + text_of(p, i) + "\n";
    }
  }
  for (const core::PastAmend& past : plan.past) {
    out += past.site + ": brings along " + std::to_string(past.means.size()) + " means and " +
           std::to_string(past.signals.size()) + " signals that may be withdrawn, as of " + core::to_iso(past.as_of) +
           "\n";
  }
  return out;
}

}  // namespace qc::commands
