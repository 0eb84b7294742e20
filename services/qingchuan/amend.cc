#include "qingchuan/amend.h"

#include <algorithm>
#include <variant>

#include "platform/yaml_schema.h"
#include "processor/log_time.h"
#include "stream/partition.h"
#include "stream/read_range.h"
#include "wire/keys.h"
#include "wire/mean_decoder.h"

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

std::string text_of(const core::Amend& amend) {
  std::string text = amend.action == Action::Invalidate ? "invalid"
                     : amend.action == Action::Restore  ? "what was measured"
                                                        : value_text(amend.value, amend.factor);
  return amend.audited ? text + ", audited" : text;
}

}  // namespace

Amending::Amending(stream::Log& log, const core::RuleSet& rules, core::Timeline timeline)
    : log_(log), rules_(rules), timeline_(timeline) {}

int Amending::partition(const std::string& site) const {
  return stream::partition_of(wire::reading_key(site), partitions_);
}

Result<void> Amending::look_up(const std::vector<wire::AmendLine>& lines) {
  const auto partitions = stream::partitions_of(log_, "readings");
  if (!partitions) return tl::make_unexpected(partitions.error());
  partitions_ = *partitions;
  for (const wire::AmendLine& line : lines) {
    for (core::EventTime hour = line.amend.interval.start; hour < line.amend.interval.end; hour += core::kHour)
      now_.try_emplace(hour_key(line.amend, hour));
  }
  std::vector<stream::TopicPartition> of;
  for (int p = 0; p < partitions_; ++p) of.push_back({"readings", p});
  const auto ticks = processor::last_ticks(log_, of);
  if (!ticks) return tl::make_unexpected(ticks.error());
  for (std::size_t i = 0; i < of.size(); ++i) {
    if ((*ticks)[i]) last_ticks_[of[i].partition] = *(*ticks)[i];
  }
  const auto whole = stream::whole_topic(log_, "means");
  if (!whole) return tl::make_unexpected(whole.error());
  wire::MeanDecoder decoder;
  return stream::read_range(log_, *whole, [&](const stream::Record& r) {
    if (const auto site = site_of(r.key); !site.starts_with('@') && !sites_.contains(site)) sites_.emplace(site);
    const auto wanted = now_.find(r.key);
    if (wanted == now_.end() || r.tombstone) return true;
    const auto record = decoder.decode(r.value);
    const auto* decoded = std::get_if<const wire::DecodedMean*>(&record);
    if (decoded == nullptr) return true;
    const core::Mean& m = (*decoded)->mean;
    if (m.revision < wanted->second.revision) return true;
    wanted->second = {true, m.revision, m.valid, m.audited, m.value, m.source};
    return true;
  });
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
  // As the stage says it (ReadingStage::apply of an Amend).
  const core::EventTime oldest = core::hour_of(tick->second - h.hours_kept);
  if (amend.interval.start < oldest) {
    return core::to_iso(amend.interval.start) + " is behind the horizon: hours_kept is " +
           std::to_string(h.hours_kept / core::kHour) + " h, the log's time " + core::to_iso(tick->second) +
           "; the oldest hour that can be amended is " + core::to_iso(oldest);
  }
  return std::nullopt;
}

Result<AmendPlan> Amending::plan(const std::vector<wire::AmendLine>& lines) {
  if (auto done = look_up(lines); !done) return tl::make_unexpected(done.error());
  AmendPlan plan;
  for (const wire::AmendLine& line : lines) {
    if (const auto problem = problem_of(line.amend)) {
      plan.problems.push_back((line.where.empty() ? "" : line.where + ": ") + *problem);
      continue;
    }
    PlannedAmend& planned = plan.amends.emplace_back();
    planned.amend = line.amend;
    for (core::EventTime hour = line.amend.interval.start; hour < line.amend.interval.end; hour += core::kHour)
      planned.hours.push_back(now_.at(hour_key(line.amend, hour)));
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
    records.push_back({{"readings", to}, wire::reading_key(p.amend.site), wire::encode_amend(p.amend), {}});
    ++written[to];
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
    core::EventTime hour = p.amend.interval.start;
    for (const HourNow& now : p.hours) {
      out += p.amend.site + " " + std::string(core::name(p.amend.factor)) + " " + core::to_iso(hour) + ": " +
             text_of(now, p.amend.factor) + " -> " + text_of(p.amend) + "\n";
      hour += core::kHour;
    }
  }
  return out;
}

}  // namespace qc::commands
