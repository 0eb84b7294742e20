#include "wire/amend_codec.h"

#include <optional>
#include <utility>

#include "core/history.h"
#include "wire/limits.h"
#include "wire/packet.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

// An Amend works hour by hour: a year of them in one record is the most that anybody means.
constexpr core::Duration kAmendLengthMax = std::chrono::hours(24 * 366);
constexpr std::int32_t kCountMax = 10'000'000;  // more than any window has
constexpr std::int32_t kRevisionMax = 1'000'000'000;

core::Rejected refuse(Reason reason, std::string detail) {
  return {reason, 1, std::move(detail)};
}

bool is_value(std::int64_t pg) {
  return pg >= 0 && pg <= core::kConcentrationMax;
}

core::Interval interval_of(core::Window window, core::EventTime end) {
  const core::EventTime last = end - core::Duration(1);
  switch (window) {
    case core::Window::H8:
      return {end - core::kHour * 8, end};
    case core::Window::H24:
    case core::Window::Day:
    case core::Window::Mda8:
      return {end - core::kDay, end};
    case core::Window::Month:
      return core::month_of(last);
    case core::Window::Quarter:
      return core::quarter_of(last);
    case core::Window::Year:
      return core::year_of(last);
    default:
      return {end - core::kHour, end};
  }
}

std::optional<core::Mean> take_mean(const v1::PastMean& in) {
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  const auto window = known(in.window(), core::Window::Year);
  if (!factor || !window || *window == core::Window::Reading) return std::nullopt;
  if (!sane_time(in.end_ms()) || in.end_ms() % core::kHour.count() != 0) return std::nullopt;
  core::Mean m;
  m.factor = *factor;
  m.window = *window;
  m.interval = interval_of(*window, core::event_time(in.end_ms()));
  if (core::ms(m.interval.end) != in.end_ms()) return std::nullopt;
  if (in.revision() < 0 || in.revision() > kRevisionMax) return std::nullopt;
  if (in.count() < 0 || in.count() > kCountMax || in.expected() < 0 || in.expected() > kCountMax) return std::nullopt;
  if (!is_value(in.value()) || !is_value(in.min()) || !is_value(in.max()) || in.sum() < 0) return std::nullopt;
  if (in.source() < 0 || in.source() > static_cast<int>(core::Source::Amended)) return std::nullopt;
  if (in.suspect() < 0 || in.suspect() > in.count()) return std::nullopt;
  m.status = core::Status::Closed;
  m.revision = in.revision();
  m.value = {in.value()};
  m.valid = in.valid();
  m.sum_pg = in.sum();
  m.count = in.count();
  m.expected = in.expected();
  m.min = {in.min()};
  m.max = {in.max()};
  m.source = static_cast<core::Source>(in.source());
  m.audited = in.audited();
  m.suspect = in.suspect();
  for (const int n : in.marks()) {
    if (const auto mark = known(n, core::Mark::Spike)) m.marks.add(*mark);
  }
  for (const int n : in.primary()) {
    const auto f = known(n, core::Factor::AQI_PM24);
    if (!f) return std::nullopt;
    m.primary.push_back(*f);
  }
  for (const v1::PastIndex& s : in.sub_indices()) {
    const auto f = known(s.factor(), core::Factor::AQI_PM24);
    if (!f) return std::nullopt;
    m.sub_indices.push_back({*f, s.iaqi()});
  }
  return m;
}

std::optional<core::Signal> take_signal(const v1::PastSignal& in, const std::string& site) {
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  const auto window = known(in.window(), core::Window::Year);
  if (!factor || !window || !printable(in.id(), kDisplayNameBytesMax) || !printable(in.rule(), kNameBytesMax))
    return std::nullopt;
  if (!in.clause().empty() && !printable(in.clause(), kTextBytesMax)) return std::nullopt;
  for (const std::int64_t t : {in.at_ms(), in.began_ms(), in.window_start_ms(), in.window_end_ms()}) {
    if (!sane_time(t)) return std::nullopt;
  }
  if (in.revision() < 1 || in.revision() > kRevisionMax || in.level() < 0 || in.level() > core::kLevels ||
      in.count() < 0 || in.expected() < 0 || in.unit() < 0 || in.unit() > static_cast<int>(core::Unit::Count)) {
    return std::nullopt;
  }
  core::Signal s;
  s.id = in.id();
  s.revision = in.revision();
  s.rule = in.rule();
  s.subject = site;
  s.factor = *factor;
  s.window = *window;
  s.level = in.level();
  s.state = in.open() ? core::SignalState::Active : core::SignalState::Cleared;
  s.at = core::event_time(in.at_ms());
  s.began = core::event_time(in.began_ms());
  s.value = {in.value()};
  s.limit = {in.limit()};
  s.clause = in.clause();
  s.interval = {core::event_time(in.window_start_ms()), core::event_time(in.window_end_ms())};
  s.count = in.count();
  s.expected = in.expected();
  s.unit = static_cast<core::Unit>(in.unit());
  for (const int n : in.marks()) {
    if (const auto mark = known(n, core::Mark::Spike)) s.marks.add(*mark);
  }
  return s;
}

void set(const core::Amend& amend, v1::Amend& out) {
  out.set_id(amend.id);
  out.set_site(amend.site);
  out.set_factor(static_cast<v1::Factor>(amend.factor));
  out.set_start_ms(core::ms(amend.interval.start));
  out.set_end_ms(core::ms(amend.interval.end));
  out.set_action(static_cast<v1::Amend::Action>(amend.action));
  out.set_value(amend.value.pg);
  out.set_reason(amend.reason);
  out.set_who(amend.who);
  out.set_audited(amend.audited);
}

void add_marks(core::Marks marks, google::protobuf::RepeatedField<int>& out) {
  for (std::size_t n = 1; n < core::kMarks; ++n) {
    if (marks.has(static_cast<core::Mark>(n))) out.Add(static_cast<int>(n));
  }
}

void set(const core::Mean& m, v1::PastMean& out) {
  out.set_factor(static_cast<v1::Factor>(m.factor));
  out.set_window(static_cast<v1::Window>(m.window));
  out.set_end_ms(core::ms(m.interval.end));
  out.set_revision(m.revision);
  out.set_value(m.value.pg);
  out.set_valid(m.valid);
  out.set_sum(m.sum_pg);
  out.set_count(m.count);
  out.set_expected(m.expected);
  out.set_min(m.min.pg);
  out.set_max(m.max.pg);
  out.set_source(static_cast<v1::Source>(m.source));
  out.set_audited(m.audited);
  out.set_suspect(m.suspect);
  add_marks(m.marks, *out.mutable_marks());
  for (const core::Factor f : m.primary) out.add_primary(static_cast<v1::Factor>(f));
  for (const core::SubIndex& s : m.sub_indices) {
    v1::PastIndex& item = *out.add_sub_indices();
    item.set_factor(static_cast<v1::Factor>(s.factor));
    item.set_iaqi(s.iaqi);
  }
}

void set(const core::Signal& s, v1::PastSignal& out) {
  out.set_id(s.id);
  out.set_revision(s.revision);
  out.set_rule(s.rule);
  out.set_factor(static_cast<v1::Factor>(s.factor));
  out.set_window(static_cast<v1::Window>(s.window));
  out.set_level(s.level);
  out.set_open(s.state == core::SignalState::Active || s.state == core::SignalState::Stale);
  out.set_at_ms(core::ms(s.at));
  out.set_began_ms(core::ms(s.began));
  out.set_value(s.value.pg);
  out.set_limit(s.limit.pg);
  out.set_clause(s.clause);
  out.set_window_start_ms(core::ms(s.interval.start));
  out.set_window_end_ms(core::ms(s.interval.end));
  out.set_count(s.count);
  out.set_expected(s.expected);
  out.set_unit(static_cast<v1::Unit>(s.unit));
  add_marks(s.marks, *out.mutable_marks());
}

}  // namespace

std::string code_text(std::string_view code) {
  std::string out;
  for (const char c : code.substr(0, kNameBytesMax)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out;
}

Decoded decode_amend(const v1::Amend& in) {
  const auto bad = [&](Reason reason, std::string_view what) {
    return refuse(reason, "amend " + code_text(in.id()) + ": " + std::string(what));
  };
  if (!printable(in.id(), kNameBytesMax)) return bad(Reason::BadShape, "id: 1 to 64 bytes of printable text expected");
  if (!printable(in.site(), kNameBytesMax))
    return bad(Reason::BadShape, "site: 1 to 64 bytes of printable text expected");
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  if (!factor) return bad(Reason::UnknownFactor, "factor " + std::to_string(in.factor()) + " is not known");
  if (core::is_index(*factor)) return bad(Reason::UnknownFactor, "an index follows from concentrations; amend those");
  if (!sane_time(in.start_ms()) || !sane_time(in.end_ms()) || in.start_ms() >= in.end_ms()) {
    return bad(Reason::BadShape, "not an interval between 1990 and 2200");
  }
  if (in.start_ms() % core::kHour.count() != 0 || in.end_ms() % core::kHour.count() != 0)
    return bad(Reason::BadShape, "whole hours expected");
  if (in.end_ms() - in.start_ms() > kAmendLengthMax.count()) return bad(Reason::BadShape, "longer than 366 days");
  const auto action = known(in.action(), core::Amend::Action::Restore);
  if (!action) return bad(Reason::BadShape, "invalidate, replace or restore expected");
  if (!printable(in.reason(), kTextBytesMax) || !printable(in.who(), kTextBytesMax)) {
    return bad(Reason::BadShape, "reason and who are expected, as printable text");
  }
  core::Concentration value;
  if (*action == core::Amend::Action::Replace) {
    if (in.value() < 0) return bad(Reason::Negative, "the value is negative");
    if (in.value() > core::kConcentrationMax) return bad(Reason::OutOfRange, "the value is above what air can hold");
    value.pg = in.value();
  }
  const core::Interval interval{core::event_time(in.start_ms()), core::event_time(in.end_ms())};
  return core::Amend{in.id(), in.site(), *factor, interval, *action, value, in.reason(), in.who(), in.audited()};
}

Decoded decode_past_amend(const v1::PastAmend& in) {
  const auto bad = [&](std::string_view what) {
    return refuse(Reason::BadShape, "amend of the past of " + code_text(in.site()) + ": " + std::string(what));
  };
  if (!printable(in.site(), kNameBytesMax)) return bad("site: 1 to 64 bytes of printable text expected");
  if (!sane_time(in.as_of_ms())) return bad("as_of: not between 1990 and 2200");
  if (in.amends().empty()) return bad("no correction");
  if (in.signals().size() > static_cast<int>(kPastSignalsMax))
    return bad("more signals than " + std::to_string(kPastSignalsMax));
  core::PastAmend past;
  past.site = in.site();
  past.as_of = core::event_time(in.as_of_ms());
  std::int64_t hours = 0;
  for (const v1::Amend& a : in.amends()) {
    Decoded one = decode_amend(a);
    if (auto* rejected = std::get_if<core::Rejected>(&one)) return std::move(*rejected);
    past.amends.push_back(std::move(std::get<core::Amend>(one)));
    if (past.amends.back().site != past.site) return bad("a correction of another site");
    hours += (past.amends.back().interval.end - past.amends.back().interval.start) / core::kHour;
  }
  if (hours > kPastHoursMax) return bad("more hours than " + std::to_string(kPastHoursMax));
  for (const v1::PastMean& m : in.means()) {
    auto mean = take_mean(m);
    if (!mean || mean->revision < 1) return bad("a mean that was never published");
    past.means.push_back(std::move(*mean));
  }
  for (const v1::PastMean& m : in.measured()) {
    auto mean = take_mean(m);
    if (!mean || mean->window != core::Window::H1) return bad("what was measured is no hour");
    past.measured.push_back(std::move(*mean));
  }
  for (const v1::PastSignal& s : in.signals()) {
    auto signal = take_signal(s, past.site);
    if (!signal) return bad("a signal that was never published");
    past.signals.push_back(std::move(*signal));
  }
  return past;
}

std::string encode_amend(const core::Amend& amend) {
  v1::Input message;
  set(amend, *message.mutable_amend());
  return message.SerializeAsString();
}

std::string encode_past_amend(const core::PastAmend& past) {
  v1::Input message;
  v1::PastAmend& out = *message.mutable_past_amend();
  out.set_site(past.site);
  out.set_as_of_ms(core::ms(past.as_of));
  for (const core::Amend& a : past.amends) set(a, *out.add_amends());
  for (const core::Mean& m : past.means) set(m, *out.add_means());
  for (const core::Mean& m : past.measured) set(m, *out.add_measured());
  for (const core::Signal& s : past.signals) set(s, *out.add_signals());
  return message.SerializeAsString();
}

}  // namespace qc::wire
