#include "qingchuan/alerts_out.h"

#include <thread>
#include <utility>

#include "alerts/out_config.h"
#include "platform/http_client.h"
#include "qingchuan/open_log.h"
#include "qingchuan/place.h"
#include "qingchuan/words.h"

namespace qc::commands {
namespace {

Language language(bool chinese) {
  return chinese ? Language::Chinese : Language::English;
}

}  // namespace

wire::AlertWords alert_words(std::shared_ptr<const core::RuleSet> rules) {
  wire::AlertWords words;
  words.place = [rules = std::move(rules)](const std::string& id) {
    if (const auto site = rules->sites.find(id); site != rules->sites.end()) return site->second.name;
    if (const auto region = rules->regions.find(id); region != rules->regions.end()) return region->second.name;
    return id;
  };
  words.rule = [](const std::string& rule, bool chinese) { return std::string(rule_word(rule, language(chinese))); };
  words.state = [](core::SignalState state, bool chinese) {
    return std::string(state_word(static_cast<int>(state), language(chinese)));
  };
  return words;
}

Result<std::unique_ptr<alerts::Outlets>> make_outlets(const platform::Loaded& config, stream::Log& log,
                                                      prometheus::Registry& registry) {
  if (config.system.alerts().out().empty()) return alerts::Outlets::create(log, {}, {}, registry);
  auto rules = rules_of(config);
  if (!rules) return tl::make_unexpected(rules.error());
  auto options = alerts::outlet_options(config.system, directory_of(config));
  if (!options) return tl::make_unexpected(options.error());
  return alerts::Outlets::create(log, std::move(*options),
                                 alert_words(std::make_shared<const core::RuleSet>(std::move(*rules))), registry);
}

Result<void> run_with_outlets(alerts::Alerts& service, alerts::Outlets& outlets, const std::stop_token& stop) {
  std::stop_source all;
  const std::stop_callback forward(stop, [&all] { all.request_stop(); });
  Result<void> out;
  std::jthread beside([&] {
    out = outlets.run(all.get_token());
    all.request_stop();
  });
  const auto ended = service.run(all.get_token());
  all.request_stop();
  beside.join();
  return ended ? out : ended;
}

std::vector<std::string> alerts_out_problems(const platform::Loaded& config) {
  const auto options = alerts::outlet_options(config.system, directory_of(config));
  if (!options) return {options.error().text};
  std::vector<std::string> problems;
  for (const alerts::OutletOptions& each : *options) {
    if (const auto client = platform::HttpClient::create(each.http); !client) {
      problems.push_back("way out `" + each.name + "`: " + client.error().text);
    }
  }
  return problems;
}

}  // namespace qc::commands
