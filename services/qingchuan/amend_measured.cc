#include "qingchuan/amend_measured.h"

#include <algorithm>
#include <variant>

#include "core/quality.h"

namespace qc::commands {

void Measured::want(const std::string& site, core::Factor factor, core::EventTime hour) {
  hours_.try_emplace({site, factor, hour});
  last_wanted_ = std::max(last_wanted_, hour);
}

bool Measured::take(std::string_view record) {
  const wire::Decoded input = decoder_.decode(record);
  if (const auto* tick = std::get_if<core::Tick>(&input)) {
    if (!first_tick_) first_tick_ = tick->now;
    now_ = std::max(now_, tick->now);
    return now_ < last_wanted_ + core::kHour + rules_.horizons.hours_kept;
  }
  if (const auto* batch = std::get_if<const core::ReadingBatch*>(&input)) store(**batch);
  return true;
}

// As ReadingStage::Impl::store.
void Measured::store(const core::ReadingBatch& b) {
  const core::Horizons& h = rules_.horizons;
  const auto step_s = static_cast<int>(b.step / std::chrono::seconds(1));
  const bool instants = b.source == core::Source::Realtime;
  const core::Duration kept = step_s == 3600 && !instants ? h.hours_kept : h.slots_kept;
  const std::string site(b.site);
  for (const core::Column& c : b.columns) {
    for (std::uint32_t i = 0; i < c.count; ++i) {
      const core::Flag flag = b.flags[c.first + i];
      const core::EventTime start = b.start + b.step * i;
      const core::EventTime hour = core::hour_of(start);
      const bool ahead = start + (instants ? core::Duration(0) : b.step) > core::as_event(b.received) + h.ahead_max;
      if (flag == core::Flag::Missing || ahead || now_ >= hour + core::kHour + kept) continue;
      steps_s_[{site, c.factor}] = step_s;
      const auto wanted = hours_.find({site, c.factor, hour});
      if (wanted == hours_.end()) continue;
      const core::Concentration value = b.values[c.first + i];
      core::Slot slot = core::Slot::of(b.stamp_ms, value, flag);
      const core::QualityCheck* check = rules_.check(c.factor);
      if (check != nullptr && flag == core::Flag::Normal) {
        slot.key |= core::slot_marks(core::reading_marks(*check, value));
      }
      if (flag == core::Flag::Normal) wanted->second.greatest = std::max(wanted->second.greatest, value);
      wanted->second.slots.store(b.source, step_s, static_cast<int>((start - hour) / b.step), 0, slot);
    }
  }
}

const Measured::Hour* Measured::known(const Key& key) const {
  const auto at = hours_.find(key);
  // An hour's packets come after a tick of the hour before it.
  const bool whole = whole_ || (first_tick_ && *first_tick_ <= std::get<core::EventTime>(key) - core::kHour);
  return at == hours_.end() || !whole ? nullptr : &at->second;
}

std::optional<core::Concentration> Measured::greatest(const std::string& site, core::Factor factor,
                                                      core::EventTime hour) const {
  const Hour* its = known({site, factor, hour});
  return its == nullptr ? std::nullopt : std::optional(its->greatest);
}

std::optional<core::Mean> Measured::hour(const std::string& site, core::Factor factor, core::EventTime hour) const {
  const Hour* its = known({site, factor, hour});
  if (its == nullptr) return std::nullopt;
  const auto step = steps_s_.find({site, factor});
  const core::HourValue v =
      its->slots.value(0, rules_.horizons.valid_minutes * 60, step == steps_s_.end() ? 60 : step->second);
  core::Mean m;
  m.factor = factor;
  m.window = core::Window::H1;
  m.interval = {hour, hour + core::kHour};
  m.status = core::Status::Closed;
  m.value = v.mean();
  m.valid = v.valid;
  m.sum_pg = v.sums.sum_pg;
  m.count = v.sums.count;
  m.expected = v.expected;
  m.min = {v.sums.min_pg};
  m.max = {v.sums.max_pg};
  m.source = v.source;
  m.suspect = static_cast<std::int32_t>(v.sums.suspect);
  if (v.sums.range > 0) m.marks.add(core::Mark::Range);
  if (v.sums.clipped > 0) m.marks.add(core::Mark::Clipped);
  return m;
}

}  // namespace qc::commands
