#include "wire/signal_message.h"

#include <memory>

#include "core/condition.h"
#include "wire/limits.h"
#include "wire/packet.h"
#include "wire/warning_message.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

void set_signal(const core::Signal& signal, const Provenance& from, v1::Signal& out) {
  out.set_id(signal.id);
  out.set_revision(signal.revision);
  out.set_rule(signal.rule);
  out.set_subject(signal.subject);
  out.set_factor(static_cast<v1::Factor>(signal.factor));
  out.set_window(static_cast<v1::Window>(signal.window));
  out.set_level(signal.level);
  out.set_state(static_cast<v1::SignalState>(signal.state));
  out.set_at_ms(core::ms(signal.at));
  out.set_began_ms(core::ms(signal.began));
  out.set_value(signal.value.pg);
  out.set_limit(signal.limit.pg);
  out.set_clause(signal.clause);
  out.set_reason(signal.reason);
  out.set_region(signal.region);
  out.set_root(signal.root);
  out.set_window_start_ms(core::ms(signal.interval.start));
  out.set_window_end_ms(core::ms(signal.interval.end));
  out.set_count(signal.count);
  out.set_expected(signal.expected);
  v1::Origin& origin = *out.mutable_origin();
  origin.set_rules(from.rules.data(), from.rules.size());
  origin.set_partition(from.partition);
  origin.set_first_offset(signal.origin.first_offset);
  origin.set_offset(signal.origin.offset);
  out.set_unit(static_cast<v1::Unit>(signal.unit));
  for (std::size_t n = 1; n < core::kMarks; ++n) {
    if (signal.marks.has(static_cast<core::Mark>(n))) out.add_marks(static_cast<v1::Mark>(n));
  }
  for (const core::Evidence& e : signal.evidence) {
    v1::Evidence& item = *out.add_evidence();
    item.set_subject(e.subject);
    item.set_value(e.value.pg);
  }
  if (signal.warning != nullptr) set_warning(*signal.warning, *out.mutable_warning());
  for (const std::string& region : signal.covers) out.add_covers(region);
}

std::optional<core::Signal> signal_of(const v1::Signal& in) {
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  const auto window = known(in.window(), core::Window::Year);
  const auto state = known(in.state(), core::SignalState::Withdrawn);
  if (!factor || !window || !state || in.revision() < 1) return std::nullopt;
  if (!printable(in.id(), kDisplayNameBytesMax) || !printable(in.rule(), kNameBytesMax) ||
      !printable(in.subject(), kNameBytesMax)) {
    return std::nullopt;
  }
  for (const std::int64_t t : {in.at_ms(), in.began_ms(), in.window_start_ms(), in.window_end_ms()}) {
    if (!sane_time(t)) return std::nullopt;
  }
  if (in.level() < 0 || in.level() > core::kLevels || in.unit() < 0 ||
      in.unit() > static_cast<int>(core::Unit::Count)) {
    return std::nullopt;
  }
  core::Signal s;
  s.id = in.id();
  s.revision = in.revision();
  s.rule = in.rule();
  s.subject = in.subject();
  s.region = in.region();
  s.root = in.root();
  s.factor = *factor;
  s.window = *window;
  s.level = in.level();
  s.state = *state;
  s.at = core::event_time(in.at_ms());
  s.began = core::event_time(in.began_ms());
  s.unit = static_cast<core::Unit>(in.unit());
  s.value = {in.value()};
  s.limit = {in.limit()};
  s.clause = in.clause();
  s.reason = in.reason();
  s.interval = {core::event_time(in.window_start_ms()), core::event_time(in.window_end_ms())};
  s.count = in.count();
  s.expected = in.expected();
  for (const int n : in.marks()) {
    if (const auto mark = known(n, core::Mark::Spike)) s.marks.add(*mark);
  }
  s.origin = {in.origin().first_offset(), in.origin().offset()};
  for (const v1::Evidence& e : in.evidence()) s.evidence.push_back({e.subject(), {e.value()}});
  if (in.has_warning()) s.warning = std::make_shared<const core::WarningEpisode>(warning_of(in));
  s.covers.assign(in.covers().begin(), in.covers().end());
  return s;
}

}  // namespace qc::wire
