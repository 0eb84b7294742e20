// The block `alerts:` of the running system: defaults, and what the schema cannot say of it.
//
// Threads: none; functions of their arguments.
#pragma once

#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {

// As apply_system_defaults.
void apply_alerts_defaults(::qingchuan::v1::Alerts& alerts, const YamlLoader* written);

// Each finding with its place; none repeats a secret. REQUIRES: defaults are applied.
void check_alerts(const ::qingchuan::v1::Alerts& alerts, YamlLoader& loader);

}  // namespace qc::platform
