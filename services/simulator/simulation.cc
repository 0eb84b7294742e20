#include "simulator/simulation.h"

namespace qc::simulator {

std::string encode(const Packet& packet, core::ReceiveTime received, wire::BatchBuilder& builder) {
  builder.begin(packet.site->id, received, core::ms(packet.stamp), core::Source::Minute, packet.start, kMinute);
  for (const Row& r : packet.rows) builder.add(r.row, r.factor, r.shown.unit, r.shown.value, r.shown.flag);
  return builder.readings() == 0 ? std::string() : builder.finish();
}

Simulation::Simulation(const v1::Played& played, std::shared_ptr<const core::RuleSet> rules)
    : played_(played),
      rules_(std::move(rules)),
      from_(core::floor_to(core::event_time(played.from_ms()), kMinute)),
      script_(played_.scenario(), from_),
      air_(played_.world(), script_, played.seed(), from_),
      forecaster_(played_, rules_, script_, from_) {
  stations_.reserve(rules_->sites.size());
  for (const auto& [id, site] : rules_->sites) stations_.emplace_back(played.seed(), site, script_, air_);
}

std::vector<IssuedForecast> Simulation::forecasts(core::EventTime at) {
  return forecaster_.issues_at(at) ? forecaster_.issue(at) : std::vector<IssuedForecast>();
}

void Simulation::send(core::EventTime minute, std::vector<Packet>& out) {
  for (Station& s : stations_) s.send(minute, from_, out);
}

}  // namespace qc::simulator
