#include "core/warning_track.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace qc::core {
namespace {

constexpr std::size_t kIssuesMax = 4096;  // of one hour; more must not be read from bytes

std::string_view word(const WarningEpisode& e) {
  if (e.state == SignalState::EndedNoData) return "no index: ended";
  if (e.state == SignalState::Cleared) return "lifted";
  if (e.changes.size() == 1) return "began";
  return e.changes.back().up() ? "level up" : "level down";
}

// While it stood, as far as telling episodes apart goes.
struct Span {
  EventTime from;
  EventTime until;
  explicit Span(const WarningEpisode& e)
      : from(e.changes.front().decided), until(e.open() ? EventTime::max() : e.changes.back().decided) {}
  bool overlaps(const Span& o) const { return from == o.from || (from < o.until && o.from < until); }
};

void write_forecast(ByteWriter& out, const Forecast& forecast) {
  out.u64(forecast.size());
  for (const auto& [at, hour] : forecast) {
    out.time(at);
    write_index_hour(out, hour);
  }
}
Forecast read_forecast(ByteReader& in) {
  Forecast forecast;
  for (std::size_t n = in.u64_to(kTrackForecasts); n > 0 && in.ok(); --n) {
    const EventTime at = in.time();
    forecast[at] = read_index_hour(in);
  }
  return forecast;
}

}  // namespace

std::size_t WarningTrack::Step::values() const {
  std::size_t n = issued.size();
  for (const Forecast& f : issued) n += f.size();
  return n;
}

void WarningTrack::fold(const RuleSet& rules, const Step& step, WarningMachine& machine, Forecast& forecast) {
  machine.step(rules, step.at, step.hour, forecast);
  for (const Forecast& f : step.issued) {
    forecast = f;
    machine.judge(rules, forecast);
  }
}

bool WarningTrack::hour(const RuleSet& rules, EventTime at, const IndexHour& observed, std::string_view reason,
                        std::vector<WarningEpisode>& told) {
  if (machine_.now() == EventTime::min() || at > machine_.now()) {
    steps_.push_back({at, observed, {}});
    fold(rules, steps_.back(), machine_, forecast_);
    tell({}, told);
    follow(rules);
    return true;
  }
  if (base_.now() != EventTime::min() && at <= base_.now()) return false;
  correct(rules, {{at, observed}}, reason, told);
  return true;
}

void WarningTrack::correct(const RuleSet& rules, const std::map<EventTime, IndexHour>& hours, std::string_view reason,
                           std::vector<WarningEpisode>& told) {
  bool changed = false;
  for (const auto& [at, observed] : hours) changed = change(at, observed) || changed;
  if (!changed) return;
  machine_ = base_;
  forecast_ = base_forecast_;
  for (const Step& s : steps_) fold(rules, s, machine_, forecast_);
  tell(reason, told);
  follow(rules);
}

// A past hour; true: it is another one now.
bool WarningTrack::change(EventTime at, const IndexHour& observed) {
  if (at > machine_.now() || (base_.now() != EventTime::min() && at <= base_.now())) return false;
  const auto found =
      std::lower_bound(steps_.begin(), steps_.end(), at, [](const Step& s, EventTime t) { return s.at < t; });
  if (found->at == at) {
    if (found->hour == observed) return false;
    found->hour = observed;
  } else {
    steps_.insert(found, {at, observed, {}});
  }
  return true;
}

void WarningTrack::forecast(const RuleSet& rules, Forecast issued, std::vector<WarningEpisode>& told) {
  // What lies too far ahead is not looked at, so it is not kept either.
  const EventTime now = machine_.now();
  if (now != EventTime::min()) {
    std::erase_if(issued, [now](const auto& f) { return f.first <= now || f.first > now + kHour * kForecastAhead; });
  }
  while (issued.size() > kForecastAhead) issued.erase(std::prev(issued.end()));
  forecast_ = std::move(issued);
  if (steps_.empty()) {
    base_forecast_ = forecast_;
    return;
  }
  steps_.back().issued.push_back(forecast_);
  machine_.judge(rules, forecast_);
  tell({}, told);
  follow(rules);
}

// Gives the machine's episodes the numbers of those told that they overlap (of one that stands rather than of a
// withdrawn one), and tells what has another outcome.
void WarningTrack::tell(std::string_view reason, std::vector<WarningEpisode>& told) {
  std::vector<WarningEpisode> now;
  std::vector<bool> used(told_.size(), false);
  const auto match = [&](const WarningEpisode& e, bool withdrawn) {
    std::size_t i = 0;
    for (; i < told_.size(); ++i) {
      const bool same_kind = (told_[i].state == SignalState::Withdrawn) == withdrawn;
      if (!used[i] && same_kind && Span(told_[i]).overlaps(Span(e))) break;
    }
    return i;
  };
  const auto say = [&](WarningEpisode& e, std::string_view words) {
    e.reason = reason.empty() ? std::string(words) : std::string(reason) + ": " + std::string(words);
    told.push_back(e);
  };
  for (WarningEpisode e : machine_.episodes()) {
    std::size_t i = match(e, false);
    if (i == told_.size()) i = match(e, true);
    if (i == told_.size()) {
      e.number = next_number_++;
      e.revision = 1;
      say(e, word(e));
    } else {
      used[i] = true;
      e.number = told_[i].number;
      e.revision = told_[i].revision;
      e.reason = told_[i].reason;
      if (!e.same_outcome(told_[i])) {
        ++e.revision;
        say(e, word(e));
      }
    }
    now.push_back(std::move(e));
  }
  for (std::size_t i = 0; i < told_.size(); ++i) {
    if (used[i]) continue;
    WarningEpisode gone = std::move(told_[i]);
    if (gone.state != SignalState::Withdrawn) {
      gone.state = SignalState::Withdrawn;
      ++gone.revision;
      say(gone, "withdrawn");
    }
    now.push_back(std::move(gone));
  }
  told_ = std::move(now);
}

void WarningTrack::follow(const RuleSet& rules) {
  std::size_t values = 0;
  for (const Step& s : steps_) values += s.values();
  std::size_t n = 0;
  for (; n < steps_.size() && (steps_.size() - n > kTrackHours || values > kTrackForecasts); ++n) {
    values -= steps_[n].values();
    fold(rules, steps_[n], base_, base_forecast_);
  }
  if (n == 0) return;
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(n));
  base_.forget(base_.now());
  machine_.forget(base_.now());
  std::erase_if(told_,
                [this](const WarningEpisode& e) { return !e.open() && e.changes.back().decided <= base_.now(); });
}

void WarningTrack::write(ByteWriter& out) const {
  out.u8(kWarningVersion);
  base_.write(out);
  write_forecast(out, base_forecast_);
  out.u64(steps_.size());
  for (const Step& s : steps_) {
    out.time(s.at);
    write_index_hour(out, s.hour);
    out.u64(s.issued.size());
    for (const Forecast& f : s.issued) write_forecast(out, f);
  }
  machine_.write(out);
  write_forecast(out, forecast_);
  out.u64(told_.size());
  for (const WarningEpisode& e : told_) write_episode(out, e);
  out.i64(next_number_);
}

bool WarningTrack::read(ByteReader& in) {
  if (in.u8() != kWarningVersion) in.bad();
  base_.read(in);
  base_forecast_ = read_forecast(in);
  steps_.resize(in.u64_to(kTrackHours + 1));
  for (Step& s : steps_) {
    s.at = in.time();
    s.hour = read_index_hour(in);
    s.issued.resize(in.u64_to(kIssuesMax) * (in.ok() ? 1 : 0));
    for (Forecast& f : s.issued) f = read_forecast(in);
  }
  machine_.read(in);
  forecast_ = read_forecast(in);
  told_.resize(in.size());
  for (WarningEpisode& e : told_) e = read_warning_episode(in);
  next_number_ = in.i64_in(1, std::numeric_limits<std::int64_t>::max());
  // The machine stands where its steps lead to, and steps come one after the other.
  EventTime last = base_.now();
  for (const Step& s : steps_) {
    if (last != EventTime::min() && s.at <= last) in.bad();
    last = s.at;
  }
  if (last != machine_.now()) in.bad();
  return in.ok();
}

}  // namespace qc::core
