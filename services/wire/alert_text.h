// An alert as one line for a person, in Chinese or English: what chat robots and Alertmanager show. What things are
// called comes from outside: rules and states from the table of words, places from the configuration.
//
// Functions of their arguments; any thread, where those of AlertWords may be.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "core/alert.h"
#include "core/alert_stage.h"

namespace qc::wire {

// Each may be empty: then ids and the codes of core stand in the line. A place that nobody knows is its id.
struct AlertWords {
  std::function<std::string(const std::string& id)> place;  // of a site or a region
  std::function<std::string(const std::string& rule, bool chinese)> rule;
  std::function<std::string(core::SignalState state, bool chinese)> state;

  std::string place_of(const std::string& id) const { return place ? place(id) : id; }
};

// "▲ 孝义工业园区 AQI 级别超限 发生 1级: 166 > 150 (HJ 633 annex A) 2026-11-24 10:00". Of the texts that people wrote
// nothing is in it. One line.
std::string alert_line(const core::Alert& alert, const AlertWords& words, bool chinese);
std::string row_line(const core::FoldRow& row, const AlertWords& words, bool chinese);

// "166", "521 ug/m3": in the condition's own unit, the digits that a person reads.
std::string value_text(const core::Signal& condition);
std::string limit_text(const core::Signal& condition);
// "1".."3"; of a warning its colour: "yellow", "orange", "red".
std::string level_text(const core::Signal& condition);

// What hides it, in the order shelved, out_of_service, inhibited, folded; and "flapping", which hides nothing.
std::string suppression_text(const core::Alert& alert);

}  // namespace qc::wire
