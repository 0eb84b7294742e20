// The block `kafka:` of the configuration: what the schema cannot say of it, and its settings with their secrets. A
// secret stands in a file or in the environment; no problem or error repeats one, nor any other value of a setting.
//
// Threads: none; functions of their arguments, of files and of the environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {

// What is wrong with a list of brokers, "host:port,host:port"; nullopt: nothing.
std::optional<std::string> broker_list_problem(std::string_view brokers);

// Passwords, secrets and private keys, by the name of their setting.
bool is_secret_setting(std::string_view name);

// Each finding with its place. REQUIRES: defaults are applied.
void check_kafka(const ::qingchuan::v1::Kafka& kafka, YamlLoader& loader);

// The value that is meant (config_secrets.h). Errors: config_invalid, its text names the setting and the file or
// variable.
Result<std::string> kafka_setting(const std::string& name, const std::string& written, const std::string& directory);

// All of them, by name.
Result<std::vector<std::pair<std::string, std::string>>> kafka_settings(const ::qingchuan::v1::Kafka& kafka,
                                                                        const std::string& directory);

}  // namespace qc::platform
