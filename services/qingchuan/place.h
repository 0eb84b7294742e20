// Where the log and the configuration are: the same options for every command, and what they come to together with the
// configuration's `kafka:`. The command line beats the configuration, and that the command's own default.
#pragma once

#include <string>

#include "base/result.h"
#include "platform/config.h"
#include "stream/kafka_log.h"

namespace CLI {
class App;
}

namespace qc::commands {

struct Place {
  std::string data = {};          // --data DIR: the embedded log
  std::string config = {};        // --config FILE or DIR; empty: found (platform::find_config)
  std::string kafka = {};         // --kafka HOST:PORT,...: the log on Kafka
  std::string data_default = {};  // the directory where nothing says what to use; empty: that is an error
};

// --data, --kafka and --config; `place` outlives the app.
void add_place_options(CLI::App& command, Place& place);

// Exactly one of them is set.
struct Address {
  std::string directory;
  std::string brokers;
};
// Errors: usage (neither is known, or both were given), config_invalid.
Result<Address> address_of(const Place& place, const ::qingchuan::v1::System& system);

// Of the configuration file: where relative paths in it begin.
std::string directory_of(const platform::Loaded& config);

// By the block `kafka:`, with secrets read; log lines go to ours. `joins`: with the instance name that is configured,
// or else one that no other process of this host has. Errors: config_invalid, queue_full.
Result<stream::KafkaOptions> kafka_options(const platform::Loaded& config, const std::string& brokers, bool joins);

// What is wrong with `kafka: settings`, one "file:line:column: what" each: names, values, secrets that are not there.
std::vector<std::string> kafka_problems(const platform::Loaded& config);

}  // namespace qc::commands
