#include "core/output.h"

namespace qc::core {

std::string_view name(SignalState s) {
  switch (s) {
    case SignalState::Active:
      return "active";
    case SignalState::Stale:
      return "stale";
    case SignalState::Cleared:
      return "cleared";
    case SignalState::EndedNoData:
      return "ended_no_data";
    case SignalState::Withdrawn:
      return "withdrawn";
    case SignalState::None:
      break;
  }
  return "";
}

}  // namespace qc::core
