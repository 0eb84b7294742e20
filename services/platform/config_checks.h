// What the schema cannot say of one field alone: fields against one another, tables, dates that overlap, trees. Each
// finding goes to the loader with the place of the field that is wrong. REQUIRES: defaults are applied.
#pragma once

#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {

void check_rules(const ::qingchuan::v1::RuleSet& rules, YamlLoader& loader);
void check_system(const ::qingchuan::v1::System& system, YamlLoader& loader);

}  // namespace qc::platform
