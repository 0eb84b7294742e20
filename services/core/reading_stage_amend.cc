// A person's corrections of hours that the stage holds: they go into the hours' slots, and the next tick publishes what
// follows. Of older hours: reading_stage_past.cc.
#include "core/reading_stage_impl.h"

namespace qc::core {

void ReadingStage::Impl::put(HourData& data, const Amend& amend, std::size_t column) {
  const auto c = static_cast<int>(column);
  if (amend.action == Amend::Action::Restore) return data.slots.restore(c);
  const bool replace = amend.action == Amend::Action::Replace;
  Slot slot = Slot::of(0, replace ? amend.value : Concentration{}, replace ? Flag::Normal : Flag::Fault);
  if (amend.audited) slot.key |= Slot::kAudited;
  data.slots.amend(c, slot);
}

void ReadingStage::apply(const Amend& amend, Offset offset, Outputs& out) {
  Impl& s = *impl_;
  s.dirty = true;
  Site* site = s.find(amend.site);
  const auto refuse = [&](Reason reason, std::string why) {
    out.rejected.push_back({reason, 0, "amend " + amend.id + ": " + std::move(why)});
  };
  if (site == nullptr) return refuse(Reason::UnknownSite, "site " + amend.site + " is not known");
  const Interval& i = amend.interval;
  if (amend.factor == Factor::None || is_index(amend.factor)) {
    return refuse(Reason::UnknownFactor, "an index follows from concentrations; amend those");
  }
  if (amend.action == Amend::Action::None || i.start >= i.end || hour_of(i.start) != i.start ||
      hour_of(i.end) != i.end || i.end - i.start > s.rules->horizons.hours_kept) {
    return refuse(Reason::BadShape, "wants an action and an interval of whole hours within hours_kept");
  }
  if (s.now >= i.start + kHour + s.rules->horizons.hours_kept) {
    return refuse(Reason::NotSupported, "the interval begins behind hours_kept");
  }
  if (i.end > s.frontier) return refuse(Reason::BadShape, "an hour can be amended once it is closed");
  const std::size_t column = site->column_of(amend.factor, s.frontier);
  for (EventTime hour = i.start; hour < i.end; hour += kHour) {
    site->cursor = {};
    HourEntry& entry = site->entry(hour);
    HourData& data = entry.thaw();
    Impl::put(data, amend, column);
    data.slots.note_offset(offset);
    data.reason = reason_of(amend);
    entry.dirty = true;
    entry.touched = true;
    site->touched = true;
  }
  s.save_later(*site);
}

}  // namespace qc::core
