// The emergency-cut list and the duties that it is held against.
#include "core/measures.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

constexpr std::int64_t kKgMax = 1'000'000'000;  // Emissions of config.proto

core::Emissions emissions(const v1::Emissions& e) {
  return {e.so2(), e.nox(), e.pm(), e.vocs()};
}

core::Shares shares(const v1::Shares& s) {
  return {s.so2(), s.nox(), s.pm(), s.vocs()};
}

template <class Numbers>
bool all_within(const Numbers& numbers, std::int64_t most) {
  return std::all_of(numbers.begin(), numbers.end(), [&](auto n) { return 0 <= n && n <= most; });
}

bool is_level(v1::EmergencyLevel level) {
  return v1::EMERGENCY_YELLOW <= level && level <= v1::EMERGENCY_RED;
}

bool is_confidence(v1::Confidence confidence) {
  return v1::PRIMARY <= confidence && confidence <= v1::DERIVED;
}

}  // namespace

Result<void> RulesBuilder::inventories() {
  return each("emergency.inventories", in_.emergency().inventories(), [&](const v1::Inventory& i) -> Result<void> {
    const std::string what = "inventory of \"" + i.region() + '"';
    if (!out_.regions.contains(i.region())) return invalid(what + ": the region is not defined");
    for (const auto& other : out_.emergency.inventories) {
      if (other.region == i.region()) return invalid(what + ": the second of this region");
    }
    const core::Emissions base = emissions(i.base());
    if (!all_within(base, kKgMax)) return invalid(what + ": `base` is out of range");
    if (!is_confidence(i.confidence())) return invalid(what + ": confidence expected");
    out_.emergency.inventories.push_back({i.region(), base, i.source(), static_cast<core::Confidence>(i.confidence())});
    return {};
  });
}

Result<void> RulesBuilder::measure(const v1::Measure& m, const std::string& what, core::ProductionLine& line) {
  if (!is_level(m.level())) return invalid(what + ": level expected");
  core::Measure made{static_cast<core::EmergencyLevel>(m.level()), shares(m.cut()), m.text(), m.text_en()};
  if (!all_within(made.cut, 100)) return invalid(what + ": `cut` is out of range");
  for (std::size_t p = 0; p < core::kEmitted; ++p) {
    if (made.cut[p] > 0 && line.base[p] == 0) {
      return invalid(what + ": it cuts " + std::string(core::kEmittedNames[p]) + ", which its `base` has none of");
    }
  }
  const auto next = std::find_if(line.measures.begin(), line.measures.end(),
                                 [&](const core::Measure& other) { return other.level >= made.level; });
  if (next != line.measures.end() && next->level == made.level) {
    return invalid(what + ": two measures of one level");
  }
  line.measures.insert(next, std::move(made));
  return {};
}

Result<core::ProductionLine> RulesBuilder::line(const v1::ProductionLine& l, const std::string& what) {
  core::ProductionLine made;
  made.name = l.name();
  made.name_en = l.name_en();
  made.base = emissions(l.base());
  if (!all_within(made.base, kKgMax)) return invalid(what + ": `base` is out of range");
  for (const auto& m : l.measures()) {
    if (auto done = measure(m, what, made); !done) return tl::make_unexpected(done.error());
  }
  for (std::size_t i = 1; i < made.measures.size(); ++i) {
    for (std::size_t p = 0; p < core::kEmitted; ++p) {
      if (made.measures[i].cut[p] >= made.measures[i - 1].cut[p]) continue;
      return invalid(what + ": it cuts less " + std::string(core::kEmittedNames[p]) + " at a higher level");
    }
  }
  return made;
}

Result<core::Enterprise> RulesBuilder::enterprise(const v1::Enterprise& e, const std::string& what) const {
  if (!out_.regions.contains(e.region())) return invalid(what + ": the region is not defined");
  if (e.rating() < v1::RATING_A || e.rating() > v1::RATING_NOT_LEADING) return invalid(what + ": rating expected");
  core::Enterprise made;
  made.id = e.id();
  made.name = e.name();
  made.name_en = e.name_en();
  made.region = e.region();
  made.trade = e.trade();
  made.trade_en = e.trade_en();
  made.rating = static_cast<core::Rating>(e.rating());
  made.responsible = e.responsible();
  made.responsible_en = e.responsible_en();
  for (const auto& l : e.lines()) {
    const std::string which = what + ", line \"" + l.name() + '"';
    for (const auto& other : made.lines) {
      if (other.name == l.name()) return invalid(which + ": there are two of that name");
    }
    auto one = line(l, which);
    if (!one) return tl::make_unexpected(one.error());
    made.lines.push_back(std::move(*one));
  }
  return made;
}

Result<void> RulesBuilder::enterprises() {
  std::set<std::string> ids;
  auto read =
      each("emergency.enterprises", in_.emergency().enterprises(), [&](const v1::Enterprise& e) -> Result<void> {
        const std::string what = "enterprise \"" + e.id() + '"';
        if (e.id().empty() || !ids.insert(e.id()).second) return invalid(what + ": an id of its own expected");
        auto made = enterprise(e, what);
        if (!made) return tl::make_unexpected(made.error());
        out_.emergency.enterprises.push_back(std::move(*made));
        return {};
      });
  return read ? listed_within_inventories() : read;
}

// A part cannot emit more than the whole: one of the two is mistyped.
Result<void> RulesBuilder::listed_within_inventories() {
  return each("emergency.inventories", out_.emergency.inventories, [&](const core::Inventory& i) -> Result<void> {
    core::Emissions listed{};
    for (const core::Enterprise& e : out_.emergency.enterprises) {
      if (!core::is_within(out_, e.region, i.region)) continue;
      for (const core::ProductionLine& l : e.lines) {
        for (std::size_t p = 0; p < core::kEmitted; ++p) listed[p] += l.base[p];
      }
    }
    for (std::size_t p = 0; p < core::kEmitted; ++p) {
      if (listed[p] <= i.base[p]) continue;
      return invalid("inventory of \"" + i.region + "\": the listed lines alone emit " + std::to_string(listed[p]) +
                     " kg of " + std::string(core::kEmittedNames[p]) + " a day, more than its " +
                     std::to_string(i.base[p]));
    }
    return {};
  });
}

Result<void> RulesBuilder::emergency_duties() {
  return each("emergency_duties", in_.emergency_duties(), [&](const v1::EmergencyDuty& d) -> Result<void> {
    const std::string what = "emergency duty of " + d.standard();
    const auto text = clause(d.standard(), d.clause());
    const auto when = dated(d.from(), d.until(), what);
    if (const Error* e = first_error(text, when)) return tl::make_unexpected(*e);
    if (!is_level(d.level())) return invalid(what + ": level expected");
    if (!is_confidence(d.confidence())) return invalid(what + ": confidence expected");
    core::EmergencyDuty made{*when, static_cast<core::EmergencyLevel>(d.level()), shares(d.at_least()), *text,
                             static_cast<core::Confidence>(d.confidence())};
    if (!all_within(made.at_least, 100)) return invalid(what + ": `at_least` is out of range");
    for (const auto& other : out_.emergency_duties) {
      if (other.level == made.level && overlap(other.dated, made.dated)) {
        return invalid(what + ": two duties of one level hold at the same time");
      }
    }
    out_.emergency_duties.push_back(std::move(made));
    return {};
  });
}

}  // namespace qc::wire
