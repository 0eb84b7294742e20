// The simulator's files: the world and the scenarios, against the regions and sites that are configured. Every problem
// is found and has its place, as in the rest of the configuration.
//
// Functions of their arguments and of the files; threads: none of their business.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/config.h"
#include "qingchuan/v1/simulation.pb.h"

namespace qc::simulator {

namespace v1 = ::qingchuan::v1;

struct Plays {
  v1::World world;
  std::map<std::string, v1::Scenario> scenarios;  // by the name of the file, without .yaml
  std::vector<std::string> files;
  std::vector<platform::Problem> problems;  // empty: all may be used
};

// What `simulator:` names. Without that block all is empty.
Plays load_plays(const platform::Loaded& config);

// The world and one scenario: by its name, or by the path of a file. Errors: config_invalid (the text is the problems,
// one a line), usage (no simulator is configured, or there is no such scenario).
struct Play {
  v1::World world;
  v1::Scenario scenario;
};
Result<Play> load_play(const platform::Loaded& config, const std::string& scenario);

}  // namespace qc::simulator
