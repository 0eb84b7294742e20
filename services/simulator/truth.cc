#include "simulator/truth.h"

#include <cerrno>
#include <cstring>

namespace qc::simulator {

Result<Truth> Truth::open(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return fail(Errc::file_unreadable, path + ": " + std::strerror(errno));
  std::fputs("kind,site,factor,start,end,value,unit,readings,flagged\n", file);
  return Truth(file);
}

void Truth::add(Simulation& simulation, core::EventTime minute, const std::vector<Packet>& sent) {
  for (Station& s : simulation.stations()) {
    const Concentrations air = s.air(minute);
    for (const core::Factor f : s.site().factors) {
      auto& [sum, count] = hour_[{s.site().id, f}];
      sum += air[core::index(f)];
      ++count;
    }
    if (s.cut(minute)) note(Fault::Outage, s.site().id, core::Factor::None, minute, kMinute, 0, 0);
  }
  for (const Packet& p : sent) {
    int readings = 0;
    int flagged = 0;
    for (const Row& r : p.rows) {
      if (r.shown.flag != core::Flag::Missing) ++(r.shown.flag == core::Flag::Normal ? readings : flagged);
      const bool flags = r.shown.flag != core::Flag::Normal && r.shown.flag != core::Flag::Missing;
      if (r.shown.fault != Fault::None && p.fault != Fault::Resend) {
        const core::EventTime at = p.truly + kMinute * static_cast<int>(r.row);
        note(r.shown.fault, p.site->id, r.factor, at, kMinute, flags || r.shown.flag == core::Flag::Missing ? 0 : 1,
             flags ? 1 : 0);
      }
    }
    if (p.fault != Fault::None) {
      note(p.fault, p.site->id, core::Factor::None, p.truly, kMinute * static_cast<int>(p.minutes), readings, flagged);
    }
  }
  if (core::hour_of(minute) != core::hour_of(minute + kMinute)) write_hour(core::hour_of(minute));
}

// Minutes that follow one another are one fault.
void Truth::note(Fault fault, const std::string& site, core::Factor factor, core::EventTime minute,
                 core::Duration length, int readings, int flagged) {
  const auto [it, is_new] = spans_.try_emplace({fault, site, factor}, Span{minute, minute, 0, 0});
  Span& span = it->second;
  if (!is_new && span.end != minute) {
    write_fault(fault, site, factor, span);
    span = {minute, minute, 0, 0};
  }
  span.end = minute + length;
  span.readings += readings;
  span.flagged += flagged;
}

void Truth::write_hour(core::EventTime hour) {
  for (const auto& [key, sum] : hour_) {
    const auto& [site, factor] = key;
    std::fprintf(file_.get(), "air,%s,%s,%s,%s,%.6f,ug/m3,%d,0\n", site.c_str(),
                 std::string(core::name(factor)).c_str(), core::to_iso(hour).c_str(),
                 core::to_iso(hour + core::kHour).c_str(), sum.first / sum.second, sum.second);
  }
  hour_.clear();
}

void Truth::write_fault(Fault fault, const std::string& site, core::Factor factor, const Span& span) {
  std::fprintf(file_.get(), "%s,%s,%s,%s,%s,,,%d,%d\n", std::string(name(fault)).c_str(), site.c_str(),
               std::string(core::name(factor)).c_str(), core::to_iso(span.start).c_str(),
               core::to_iso(span.end).c_str(), span.readings, span.flagged);
}

Result<void> Truth::finish() {
  for (const auto& [key, span] : spans_) write_fault(std::get<0>(key), std::get<1>(key), std::get<2>(key), span);
  spans_.clear();
  if (std::fflush(file_.get()) != 0 || std::ferror(file_.get()) != 0) {
    return fail(Errc::log_full, std::string("the truth cannot be written: ") + std::strerror(errno));
  }
  return {};
}

}  // namespace qc::simulator
