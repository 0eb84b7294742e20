// qingchuan check: reads the configuration and says what is wrong with it, or what it holds.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "platform/config.h"
#include "qingchuan/alerts_out.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/place.h"
#include "simulator/load.h"

namespace qc::commands {

Command make_check_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("check", "Check the configuration; print every problem as file:line:column");
  auto path = std::make_shared<std::string>();
  command->add_option("config", *path, "qingchuan.yaml or its directory (default: ./config, or beside the binary)");
  return {
      command, [path]() -> Result<int> {
        const auto found = platform::find_config(*path);
        if (!found) return tl::make_unexpected(found.error());
        const auto loaded = platform::load_config(*found);
        if (!loaded) return tl::make_unexpected(loaded.error());
        if (!loaded->problems.empty()) {
          std::fputs((loaded->report() + "\n").c_str(), stdout);
          return 1;
        }
        const std::vector<std::string> kafka = kafka_problems(*loaded);
        if (!kafka.empty()) {
          for (const std::string& problem : kafka) std::printf("%s\n", problem.c_str());
          std::printf("%zu %s in `kafka: settings`\n", kafka.size(), kafka.size() == 1 ? "problem" : "problems");
          return 1;
        }
        const std::vector<std::string> ways = alerts_out_problems(*loaded);
        if (!ways.empty()) {
          for (const std::string& problem : ways) std::printf("%s: %s\n", loaded->path.c_str(), problem.c_str());
          std::printf("%zu %s in `alerts: out`\n", ways.size(), ways.size() == 1 ? "problem" : "problems");
          return 1;
        }
        const simulator::Plays plays = simulator::load_plays(*loaded);
        if (!plays.problems.empty()) {
          for (const platform::Problem& problem : plays.problems) std::printf("%s\n", problem.str().c_str());
          std::printf("%zu %s in the simulator's files\n", plays.problems.size(),
                      plays.problems.size() == 1 ? "problem" : "problems");
          return 1;
        }
        const auto rules = rules_of(*loaded);
        if (!rules) {
          std::printf("%s\n1 problem in the rules as a whole\n", rules.error().text.c_str());
          return 1;
        }
        std::printf(
            "%s is fine: %zu files, %zu regions, %zu sites, %zu limits, %zu AQI editions, %zu signal rules; rules %s\n",
            loaded->path.c_str(), loaded->files.size() + plays.files.size(), rules->regions.size(), rules->sites.size(),
            rules->limits.size(), rules->editions.size(), rules->signals.size(), rules->hash.c_str());
        return 0;
      }};
}

}  // namespace qc::commands
