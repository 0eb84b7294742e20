// How alerts are handled. What is not said keeps what core/alert_rules.h has.
#include <algorithm>

#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

template <class To, class From>
void take(From from, To& to) {
  if (from != 0) to = static_cast<To>(from);
}
void take_time(std::int64_t from, core::Duration& to) {
  if (from != 0) to = core::Duration(from);
}

// false: neither none nor one for each level.
bool take_times(const google::protobuf::RepeatedField<std::int64_t>& from,
                std::array<core::Duration, core::kLevels>& to) {
  if (from.empty()) return true;
  if (from.size() != core::kLevels) return false;
  std::transform(from.begin(), from.end(), to.begin(), [](std::int64_t t) { return core::Duration(t); });
  return std::all_of(to.begin(), to.end(), [](core::Duration t) { return t > core::Duration::zero(); });
}

}  // namespace

Result<void> RulesBuilder::alerts() {
  at_ = "alerts";
  const v1::AlertSettings& in = in_.alerts();
  core::AlertRules& out = out_.alerts;
  if (!take_times(in.ack_timeout(), out.ack_timeout))
    return invalid("alerts: `ack_timeout`: a time for each of 3 levels");
  if (!take_times(in.unshown(), out.unshown)) return invalid("alerts: `unshown`: a time for each of 3 levels");
  take(in.level_kept(), out.level_kept);
  take(in.level_breaking(), out.level_breaking);
  take_time(in.shelve_max(), out.shelve_max);
  take_time(in.out_of_service_max(), out.out_of_service_max);
  take(in.flapping_begins(), out.flapping_begins);
  take_time(in.flapping_window(), out.flapping_window);
  take(in.flood_new(), out.flood_new);
  take(in.flood_over(), out.flood_over);
  take_time(in.flood_window(), out.flood_window);
  take(in.operators(), out.operators);
  take(in.level_folded(), out.level_folded);
  if (out.flood_over > out.flood_new)
    return invalid("alerts: `flood_over` is more than `flood_new`: no flood would last");
  for (const core::Duration t : {out.shelve_max, out.out_of_service_max, out.flapping_window, out.flood_window}) {
    if (t <= core::Duration::zero()) return invalid("alerts: a negative duration");
  }
  core::FormalRules& formal = out.formal;
  formal.approvers = {in.approvers().begin(), in.approvers().end()};
  if (formal.approvers.contains("")) return invalid("alerts: `approvers`: an empty role");
  take_time(in.undecided(), formal.undecided);
  if (formal.undecided <= core::Duration::zero()) return invalid("alerts: a negative duration");
  if (!take_times(in.republish(), formal.republish)) return invalid("alerts: `republish`: a time for each of 3 levels");
  formal.auto_issue = in.auto_issue();
  if (in.covered_by_warning().empty()) return {};
  out.covered_by_warning = {in.covered_by_warning().begin(), in.covered_by_warning().end()};
  return {};
}

}  // namespace qc::wire
