#include "qingchuan/signal_text.h"

#include "core/concentration.h"

namespace qc::commands {

std::string signal_value_text(std::int64_t pg, std::int64_t limit, core::Factor factor, core::Unit unit) {
  if (unit == core::Unit::None) unit = core::publishing_unit(factor);
  const std::int64_t fewer = core::rounded({pg}, unit, unit == core::Unit::MgM3 ? 2 : 1).pg;
  const bool same_side = (fewer > limit) == (pg > limit) && (fewer < limit) == (pg < limit);
  std::string text = core::format({same_side ? fewer : pg}, unit);
  if (unit != core::Unit::Point && unit != core::Unit::Count) text += " " + std::string(core::name(unit));
  return text;
}

}  // namespace qc::commands
