// qingchuan console: the API and the stream for control rooms, of a log that others write.
#include <CLI/CLI.hpp>
#include <memory>

#include "platform/log.h"
#include "platform/shutdown.h"
#include "qingchuan/command.h"
#include "qingchuan/console_service.h"
#include "qingchuan/open_log.h"
#include "qingchuan/processor_options.h"
#include "qingchuan/service_host.h"

namespace qc::commands {
namespace {

struct Options {
  Place place;
  std::string listen;
  std::string web;
};

Result<int> run(const Options& o) {
  platform::Shutdown shutdown;
  platform::Metrics metrics(version());
  auto opened = open_log(o.place, {.need_config = true, .metrics = &metrics.registry()});
  if (!opened) return tl::make_unexpected(opened.error());
  const auto hash = store_rules(*opened);
  if (!hash) return tl::make_unexpected(hash.error());
  const auto made = make_console(*opened, *hash, o.web, metrics.registry());
  if (!made) return tl::make_unexpected(made.error());
  console::Console& console = **made;

  platform::Endpoints endpoints;
  endpoints.title = "qingchuan console " + version();
  endpoints.unready = [&console] { return console.unready(); };
  const auto page = serve(opened->config.system, o.listen, metrics, std::move(endpoints));
  if (!page) return tl::make_unexpected(page.error());
  platform::log_info("page", {{"address", (*page)->address()}});
  platform::log_info("console started", {{"log", opened->where}, {"url", console.url()}});
  print_console(console);
  if (auto ended = console.run(shutdown.token()); !ended) return tl::make_unexpected(ended.error());
  platform::log_info("console ended", {{"reason", "asked to stop"}});
  return 0;
}

}  // namespace

Command make_console_command(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("console", "Serve the API and the stream of events to control rooms");
  add_place_options(*command, o->place);
  command->add_option("--web", o->web, "HOST:PORT of the API (default: the configuration's, 127.0.0.1:8440)");
  command->add_option("--listen", o->listen, "HOST:PORT of /metrics, /readyz, /livez (default: the configuration's)");
  command->footer("Any number of consoles may run beside a log. docs/api.md, docs/stream.md, docs/identity.md.");
  return {command, [o] { return run(*o); }};
}

}  // namespace qc::commands
