// The emergency-cut list (应急减排清单): which line of which enterprise does what when a heavy-pollution warning of a
// level is issued. Values of the rule set, built by `wire` from the messages of the same names (config.proto) and never
// changed; any thread. What a level comes to is in measures.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qc::core {

// The colour of a warning, and the response to it. The numbers are those of config.proto.
enum class EmergencyLevel : std::uint8_t { None = 0, Yellow, Orange, Red };

// By the performance guides of the trades; a trade that has none knows only leading and not leading.
enum class Rating : std::uint8_t { None = 0, A, B, C, D, Leading, NotLeading };

// How sure a number is; as in config.proto.
enum class Confidence : std::uint8_t { None = 0, Primary, Secondary, Single, Unconfirmed, Derived };

// What must be cut: SO2, NOx, PM, VOCs, in this order wherever there is one number for each.
inline constexpr std::size_t kEmitted = 4;
inline constexpr std::array<std::string_view, kEmitted> kEmittedNames = {"SO2", "NOx", "PM", "VOCs"};

using Emissions = std::array<std::int64_t, kEmitted>;  // whole kilograms a day
using Shares = std::array<int, kEmitted>;              // percent

struct Measure {
  EmergencyLevel level = EmergencyLevel::None;
  Shares cut{};  // of the line's base
  std::string text;
  std::string text_en;
};

struct ProductionLine {
  std::string name;
  std::string name_en;
  Emissions base{};               // on a day without measures
  std::vector<Measure> measures;  // rising by level; each level once

  // What it does at a level: what that level says or, where it says nothing, the next lower one. nullptr: nothing.
  const Measure* at(EmergencyLevel level) const {
    const Measure* found = nullptr;
    for (const Measure& m : measures) {
      if (m.level <= level) found = &m;
    }
    return found;
  }
};

struct Enterprise {
  std::string id;
  std::string name;
  std::string name_en;
  std::string region;
  std::string trade;
  std::string trade_en;
  Rating rating = Rating::None;
  std::string responsible;
  std::string responsible_en;
  std::vector<ProductionLine> lines;
};

// All that a region emits: what a duty is a share of.
struct Inventory {
  std::string region;
  Emissions base{};
  std::string source;
  Confidence confidence = Confidence::None;
};

struct EmergencyList {
  std::vector<Inventory> inventories;  // one of a region at most
  std::vector<Enterprise> enterprises;
};

}  // namespace qc::core
