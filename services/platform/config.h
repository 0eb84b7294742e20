// The configuration as one value: the running system (config/qingchuan.yaml, message System) and the rule set (the
// files it lists under `rules`, merged in that order into one RuleSet), with defaults filled in and every problem with
// its place. Nothing here decides anything; services take the parts that they need.
//
// Threads: none; functions of their arguments and of the files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/yaml_loader.h"
#include "qingchuan/v1/config.pb.h"

namespace qc::platform {

struct Loaded {
  std::string path;                // of the System file
  std::vector<std::string> files;  // all files read, that one first
  ::qingchuan::v1::System system;
  ::qingchuan::v1::RuleSet rules;
  std::vector<Problem> problems;  // empty: the two messages may be used
  // Where each of `kafka: settings` stands, by its name: only librdkafka can say what is wrong with one.
  std::map<std::string, Place> kafka_settings;
  // Where the rules stand: what is wrong with a rule set as a whole is found by whoever builds it.
  Places rules_places;

  std::string report() const;  // the problems, one a line, and how many
};

// Reads a System file, or `qingchuan.yaml` of a directory. Fails only when there is no such file; whatever is wrong in
// the files is in `problems`, so that `qingchuan check` can print all of it.
Result<Loaded> load_config(const std::string& dir_or_file);

// The same for those who only want to start: problems are the error config_invalid, its text the report.
Result<Loaded> load_valid_config(const std::string& dir_or_file);

// Where the configuration is, first that exists: `explicit_path` (an error when it does not exist), $QINGCHUAN_CONFIG
// (the same), ./config, BINARY/../../config (a build tree), BINARY/../share/qingchuan/config, /etc/qingchuan; BINARY is
// the directory of the running program.
Result<std::string> find_config(const std::string& explicit_path);

// What an absent value means. `given` tells which were written: YamlLoader::given, or a constant false for messages
// built by hand (tests).
void apply_system_defaults(::qingchuan::v1::System& system, const YamlLoader* written = nullptr);
void apply_rules_defaults(::qingchuan::v1::RuleSet& rules, const YamlLoader* written = nullptr);

}  // namespace qc::platform
