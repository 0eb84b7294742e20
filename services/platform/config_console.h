// The block `console:` of the running system: defaults, and what the schema cannot say of it.
//
// Threads: none; functions of their arguments.
#pragma once

#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {

// As apply_system_defaults.
void apply_console_defaults(::qingchuan::v1::Console& console, const YamlLoader* written);

// Each finding with its place. REQUIRES: defaults are applied.
void check_console(const ::qingchuan::v1::Console& console, YamlLoader& loader);

// "127.0.0.1:80", "[::1]:80", "localhost:80": only this machine can reach it.
bool is_loopback(std::string_view listen);

}  // namespace qc::platform
