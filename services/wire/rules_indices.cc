// Editions of the AQI.
#include "wire/labels.h"
#include "wire/rules_builder.h"

namespace qc::wire {

namespace v1 = ::qingchuan::v1;

namespace {

const core::AqiItem* find(const core::AqiEdition& edition, core::Factor factor, core::Window window) {
  const auto found = std::find_if(edition.items.begin(), edition.items.end(),
                                  [&](const core::AqiItem& i) { return i.factor == factor && i.window == window; });
  return found == edition.items.end() ? nullptr : &*found;
}

std::string named(const std::string& edition, const core::AqiItem& item) {
  return edition + ", " + std::string(core::name(item.factor)) + ' ' + std::string(core::name(item.window));
}

}  // namespace

Result<void> RulesBuilder::editions() {
  return each("aqi_editions", in_.aqi_editions(), [&](const v1::AqiEdition& e) -> Result<void> {
    const std::string what = "AQI edition " + e.standard();
    auto made = edition(e, what);
    if (!made) return tl::make_unexpected(made.error());
    for (const auto& other : out_.editions) {
      if (overlap(other.dated, made->dated)) return invalid(what + ": two editions are in force at the same time");
    }
    out_.editions.push_back(std::move(*made));
    return {};
  });
}

Result<core::AqiEdition> RulesBuilder::edition(const v1::AqiEdition& e, const std::string& what) const {
  const auto text = clause(e.standard(), e.clause());
  const auto d = dated(e.from(), e.until(), what);
  if (const Error* wrong = first_error(text, d)) return tl::make_unexpected(*wrong);
  core::AqiEdition made;
  made.dated = *d;
  made.clause = *text;
  made.iaqi.assign(e.iaqi().begin(), e.iaqi().end());
  made.round_input = e.round_input();
  made.minimum = e.minimum();
  made.incomplete_only_above_100 = e.incomplete_only_above_100();
  made.day_o3_1h = e.day_o3_1h();
  if (made.iaqi.size() < 2 || !rising(made.iaqi)) return invalid(what + ": `iaqi` must be two or more rising numbers");
  for (const auto& i : e.items()) {
    auto one = item(i, made.iaqi.size(), what);
    if (!one) return tl::make_unexpected(one.error());
    if (find(made, one->factor, one->window) != nullptr) return invalid(named(what, *one) + ": the item stands twice");
    made.items.push_back(std::move(*one));
  }
  for (const core::AqiItem& i : made.items) {
    if (i.above != core::Above::OtherWindow) continue;
    if (auto fits = speaks_instead(made, i, named(what, i)); !fits) return tl::make_unexpected(fits.error());
  }
  if (made.day_o3_1h && find(made, core::Factor::O3, core::Window::H1) == nullptr) {
    return invalid(what + ": `day_o3_1h` needs the item O3 1h");
  }
  return made;
}

Result<core::AqiItem> RulesBuilder::item(const v1::AqiItem& i, std::size_t points, const std::string& edition) {
  const std::string what = edition + ", " + std::string(label(i.factor())) + ' ' + std::string(label(i.window()));
  const auto f = pollutant(i.factor(), what);
  const auto w = window(i.window(), what);
  if (const Error* wrong = first_error(f, w)) return tl::make_unexpected(*wrong);
  if (i.above() < v1::CAP || i.above() > v1::INSTEAD) return invalid(what + ": `above` expected");
  core::AqiItem made;
  made.factor = *f;
  made.window = *w;
  made.above = static_cast<core::Above>(i.above());
  made.decimals = i.decimals();
  made.hourly = i.hourly();
  if (i.above() == v1::INSTEAD) {
    const auto other = window(i.instead(), what + ", `instead`");
    if (!other) return tl::make_unexpected(other.error());
    made.instead = *other;
  } else if (i.instead() != v1::WINDOW_UNSPECIFIED) {
    return invalid(what + ": `instead` belongs to `above: instead`");
  }
  for (const std::int64_t c : i.concentrations()) {
    const auto value = concentration(c, i.unit(), what);
    if (!value) return tl::make_unexpected(value.error());
    made.concentrations.push_back(*value);
  }
  if (made.concentrations.size() < 2 || made.concentrations.size() > points || !rising(made.concentrations)) {
    return invalid(what + ": 2 to " + std::to_string(points) + " rising concentrations expected, one an IAQI");
  }
  return made;
}

// The other item must know what to say where this one falls silent: a longer table. So no chain of them is a circle.
Result<void> RulesBuilder::speaks_instead(const core::AqiEdition& edition, const core::AqiItem& item,
                                          const std::string& what) {
  const core::AqiItem* other = find(edition, item.factor, item.instead);
  if (other == nullptr) {
    return invalid(what + ": `instead`: the edition has no item " + std::string(core::name(item.factor)) + ' ' +
                   std::string(core::name(item.instead)));
  }
  if (other->concentrations.size() <= item.concentrations.size()) {
    return invalid(what + ": `instead`: that item has no break points beyond this one's");
  }
  return {};
}

}  // namespace qc::wire
