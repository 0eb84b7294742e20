#include "qingchuan/command.h"

namespace qc::commands {

std::string version() {
  return QC_VERSION;
}

}  // namespace qc::commands
