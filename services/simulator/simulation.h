// The whole prefecture: world, script, air and stations of one seed, minute by minute. What Played says is all that it
// depends on, beside the configured sites: a log that holds it can go on with the same after any interruption.
//
// Lifecycle: made once; ask for rising minutes. Threads: one at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/rules.h"
#include "simulator/forecast.h"
#include "simulator/station.h"
#include "wire/codec.h"

namespace qc::simulator {

inline constexpr core::Duration kMinute = std::chrono::minutes(1);

// The packet as a record of `readings`; empty where it holds no reading.
std::string encode(const Packet& packet, core::ReceiveTime received, wire::BatchBuilder& builder);

class Simulation {
 public:
  // Sites in counties that the world does not have send nothing.
  Simulation(const v1::Played& played, std::shared_ptr<const core::RuleSet> rules);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  core::EventTime from() const { return from_; }
  // What all stations send at the end of the minute that begins at `minute`, in the order of their ids.
  void send(core::EventTime minute, std::vector<Packet>& out);
  std::vector<Station>& stations() { return stations_; }
  const Air& air() const { return air_; }
  const core::RuleSet& rules() const { return *rules_; }
  // What a centre forecasts at that instant: mostly nothing.
  std::vector<IssuedForecast> forecasts(core::EventTime at);
  const std::string& centre() const { return played_.world().forecasts().centre(); }

 private:
  const v1::Played played_;
  std::shared_ptr<const core::RuleSet> rules_;
  core::EventTime from_;
  Script script_;
  Air air_;
  Forecaster forecaster_;
  std::vector<Station> stations_;
};

}  // namespace qc::simulator
