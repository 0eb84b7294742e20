// qingchuan alerts-out: the ways out of alerts alone, for those who want them apart from the service that makes alerts.
#include <CLI/CLI.hpp>
#include <memory>

#include "platform/log.h"
#include "platform/shutdown.h"
#include "qingchuan/alerts_out.h"
#include "qingchuan/command.h"
#include "qingchuan/open_log.h"
#include "qingchuan/service_host.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string listen;
};

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  platform::Metrics metrics(version());
  auto opened = open_log(o.place, {.need_config = true, .joins = true, .metrics = &metrics.registry()});
  if (!opened) return tl::make_unexpected(opened.error());
  if (opened->config.system.alerts().out().empty()) {
    return fail(Errc::usage, "the configuration names no way out of alerts (`alerts: out`)");
  }
  auto made = make_outlets(opened->config, *opened->log, metrics.registry());
  if (!made) return tl::make_unexpected(made.error());
  alerts::Outlets& outlets = **made;

  platform::Endpoints endpoints;
  endpoints.title = "qingchuan alerts-out " + version();
  endpoints.unready = [&outlets] { return outlets.unready(); };
  auto page = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
  if (!page) return tl::make_unexpected(page.error());
  platform::log_info("page", {{"address", (*page)->address()}});
  platform::log_info("alerts go out", {{"log", opened->where}, {"ways", opened->config.system.alerts().out_size()}});
  if (auto ended = outlets.run(shutdown.token()); !ended) return tl::make_unexpected(ended.error());
  platform::log_info("alerts go out no more", {{"reason", "asked to stop"}});
  return 0;
}

}  // namespace

Command make_alerts_out_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("alerts-out", "Send alerts to Alertmanager, webhooks and chat robots");
  add_place_options(*command, o->place);
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->footer("Where to: `alerts: out` of the configuration, docs/alerts-out.md.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
