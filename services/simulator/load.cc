#include "simulator/load.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/factor.h"
#include "platform/yaml_loader.h"
#include "platform/yaml_value.h"
#include "wire/labels.h"
#include "wire/limits.h"

namespace qc::simulator {
namespace {

namespace fs = std::filesystem;

// How a kind says where it happens.
enum class Where { Regions, Emitter, Sites, SitesOrRegions };
Where where_of(v1::EpisodeKind kind) {
  switch (kind) {
    case v1::LEAK:
    case v1::HALT:
      return Where::Emitter;
    case v1::STICK:
    case v1::READS:
    case v1::GAIN:
    case v1::DRIFT:
    case v1::FLAGS:
    case v1::GAP:
      return Where::Sites;
    case v1::RESEND:
    case v1::OUTAGE:
    case v1::CLOCK:
      return Where::SitesOrRegions;
    default:
      return Where::Regions;
  }
}

class Names {
 public:
  Names(const platform::Loaded& config, const v1::World& world) {
    for (const auto& r : config.rules.regions()) regions_.push_back(r.id());
    for (const auto& s : config.rules.sites()) sites_.push_back(s.id());
    for (const auto& e : world.emitters()) emitters_.push_back(e.id());
  }

  void check(const v1::World& world, platform::YamlLoader& loader) const {
    for (int i = 0; i < world.counties_size(); ++i) {
      expect(loader, item("counties", i, "region"), world.counties(i).region(), "region", regions_);
    }
    if (world.has_forecasts() && !wire::printable(world.forecasts().centre(), wire::kDisplayNameBytesMax)) {
      loader.add_problem("forecasts.centre", "`centre`: 1 to " + std::to_string(wire::kDisplayNameBytesMax) +
                                                 " bytes of printable text expected");
    }
  }

  void check(const v1::Scenario& scenario, platform::YamlLoader& loader) const {
    for (int i = 0; i < scenario.episodes_size(); ++i) check(scenario.episodes(i), i, loader);
  }

 private:
  static std::string item(const std::string& list, int i, const std::string& field) {
    return list + "[" + std::to_string(i) + "]." + field;
  }

  static void expect(platform::YamlLoader& loader, const std::string& path, const std::string& written,
                     const std::string& what, const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), written) != names.end()) return;
    std::string text = "there is no " + what + " `" + platform::printable(written, 40) + "`";
    if (const auto near = platform::nearest_name(written, names)) text += "; did you mean `" + *near + "`?";
    loader.add_problem(path, text);
  }

  void check(const v1::Episode& e, int i, platform::YamlLoader& loader) const {
    const std::string kind(wire::label(e.kind()));
    const auto needs = [&](bool has, const char* what) {
      if (!has) loader.add_problem("episodes[" + std::to_string(i) + "]", "`" + kind + "` needs " + what);
    };
    const auto without = [&](bool has, const char* field) {
      if (has)
        loader.add_problem(item("episodes", i, field), "`" + std::string(field) + "` means nothing to `" + kind + "`");
    };
    const Where where = where_of(e.kind());
    for (int j = 0; j < e.regions_size(); ++j) {
      expect(loader, item("episodes", i, "regions[" + std::to_string(j) + "]"), e.regions(j), "region", regions_);
    }
    for (int j = 0; j < e.sites_size(); ++j) {
      expect(loader, item("episodes", i, "sites[" + std::to_string(j) + "]"), e.sites(j), "site", sites_);
    }
    if (!e.emitter().empty()) expect(loader, item("episodes", i, "emitter"), e.emitter(), "emitter", emitters_);
    if (where == Where::Emitter) needs(!e.emitter().empty(), "an `emitter`");
    if (where == Where::Sites) needs(e.sites_size() > 0, "`sites`");
    if (where == Where::SitesOrRegions) needs(e.sites_size() + e.regions_size() > 0, "`sites` or `regions`");
    without(where != Where::Emitter && !e.emitter().empty(), "emitter");
    without((where == Where::Regions || where == Where::Emitter) && e.sites_size() > 0, "sites");
    without((where == Where::Sites || where == Where::Emitter) && e.regions_size() > 0, "regions");
    without(where != Where::Sites && e.factors_size() > 0, "factors");
    if (e.kind() == v1::FLAGS) {
      const auto flag = e.flag().size() == 1 ? core::parse_flag(e.flag().front()) : std::nullopt;
      if (!flag || *flag == core::Flag::Normal || *flag == core::Flag::Missing) {
        loader.add_problem(item("episodes", i, "flag"), "`flags` needs a `flag`: one of S M F D C T B");
      }
    } else {
      without(!e.flag().empty(), "flag");
    }
    if ((e.kind() == v1::READS || e.kind() == v1::GAIN || e.kind() == v1::DRIFT || e.kind() == v1::CLOCK) &&
        !e.has_strength()) {
      needs(false, "a `strength`");
    }
    if (e.strength() < 0 && e.kind() != v1::CLOCK && e.kind() != v1::DRIFT) {
      loader.add_problem(item("episodes", i, "strength"), "`strength` of `" + kind + "` is not below 0");
    }
    if (e.every() > 0 && e.every() < e.lasts()) {
      loader.add_problem(item("episodes", i, "every"), "`every` is shorter than `lasts`");
    }
  }

  std::vector<std::string> regions_;
  std::vector<std::string> sites_;
  std::vector<std::string> emitters_;
};

void load(const std::string& path, google::protobuf::Message& into, std::vector<platform::Problem>& problems,
          const std::function<void(platform::YamlLoader&)>& check) {
  platform::YamlLoader loader(into);
  loader.load_file(path);
  if (loader.finish()) check(loader);
  problems.insert(problems.end(), loader.problems().begin(), loader.problems().end());
}

std::string beside(const platform::Loaded& config, const std::string& path) {
  return (fs::path(config.path).parent_path() / path).lexically_normal().string();
}

void load_world(const platform::Loaded& config, Plays& plays) {
  plays.files.push_back(beside(config, config.system.simulator().world()));
  load(plays.files.back(), plays.world, plays.problems,
       [&](platform::YamlLoader& loader) { Names(config, {}).check(plays.world, loader); });
}

void load_scenario(const platform::Loaded& config, const std::string& path, Plays& plays) {
  v1::Scenario& scenario = plays.scenarios[fs::path(path).stem().string()];
  plays.files.push_back(path);
  load(path, scenario, plays.problems,
       [&](platform::YamlLoader& loader) { Names(config, plays.world).check(scenario, loader); });
}

std::string report(const std::vector<platform::Problem>& problems) {
  std::string text;
  for (const platform::Problem& p : problems) text += (text.empty() ? "" : "\n") + p.str();
  return text;
}

}  // namespace

Plays load_plays(const platform::Loaded& config) {
  Plays plays;
  if (!config.system.has_simulator()) return plays;
  load_world(config, plays);
  const std::string directory = beside(config, config.system.simulator().scenarios());
  std::error_code failed;
  std::set<std::string> paths;
  for (const auto& entry : fs::directory_iterator(directory, failed)) {
    if (entry.path().extension() == ".yaml") paths.insert(entry.path().string());
  }
  for (const std::string& path : paths) load_scenario(config, path, plays);
  const std::string& chosen = config.system.simulator().scenario();
  if (!plays.scenarios.contains(chosen)) {
    plays.problems.push_back(
        {{config.path, 0, 0},
         "simulator: there is no scenario `" + platform::printable(chosen, 40) + "` in " + directory});
  }
  return plays;
}

Result<Play> load_play(const platform::Loaded& config, const std::string& scenario) {
  if (!config.system.has_simulator()) {
    return fail(Errc::usage, config.path + " has no `simulator:`, so there is nothing to play");
  }
  Plays plays;
  load_world(config, plays);
  const std::string& name = scenario.empty() ? config.system.simulator().scenario() : scenario;
  std::string path = beside(config, config.system.simulator().scenarios() + "/" + name + ".yaml");
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    path = name;
    if (!fs::is_regular_file(path, ignored)) {
      return fail(Errc::usage, "`" + name + "` is neither a scenario in " +
                                   beside(config, config.system.simulator().scenarios()) + " nor a file");
    }
  }
  load_scenario(config, path, plays);
  if (!plays.problems.empty()) return fail(Errc::config_invalid, report(plays.problems));
  return Play{std::move(plays.world), std::move(plays.scenarios.begin()->second)};
}

}  // namespace qc::simulator
