// kafka_load: the load, the clock and the checker of the Kafka benchmark (tests/bench/kafka.sh), the same for every
// side.
#include <CLI/CLI.hpp>

#include "commands.h"

int main(int argc, char** argv) {
  using namespace qc::bench;
  CLI::App app("The load, the clock and the checker of the Kafka benchmark");
  app.require_subcommand(1);
  Broker broker;
  Plan plan;
  std::string config = "config";
  std::string peer = "peer-";
  int minutes = 60;
  bool close = false;
  WatchOptions watching;
  LatencyOptions measuring;
  CheckOptions checking;
  app.add_option("--brokers", broker.brokers);
  app.add_option("--readings", broker.readings, "The topic of readings");
  app.add_option("--sites", plan.sites)->check(CLI::Range(1, 800'000));
  app.add_option("--exceed-every", plan.exceed_every, "One of so many packets is above a limit; 0: none");

  CLI::App* to_begin = app.add_subcommand("begin", "Make a new log and the other side's topics");
  to_begin->add_option("--config", config);
  to_begin->add_option("--peer", peer, "What the names of the other side's topics begin with");

  CLI::App* to_load = app.add_subcommand("load", "Write a backlog");
  to_load->add_option("--minutes", minutes)->check(CLI::PositiveNumber);
  to_load->add_flag("--close", close, "End with a tick that closes the last full hour");

  CLI::App* to_watch = app.add_subcommand("watch", "Wait for a backlog's hour means, and say what that took");
  to_watch->add_option("--means", watching.means);
  to_watch->add_option("--minutes", watching.minutes)->required();
  to_watch->add_option("--pid", watching.pid)->required();
  to_watch->add_option("--broker-pid", watching.broker_pid)->required();
  to_watch->add_option("--timeout", watching.timeout_s);

  CLI::App* to_measure = app.add_subcommand("latency", "A paced load; from produce to committed signal (and alert)");
  to_measure->add_option("--signals", measuring.signals);
  to_measure->add_option("--alerts", measuring.alerts, "Also to the alert, in this topic");
  to_measure->add_option("--console", measuring.console, "HOST:PORT: also to the event on the stream of a console");
  to_measure->add_option("--token", measuring.token, "For its API")->envname("QINGCHUAN_TOKEN");
  to_measure->add_option("--rates", measuring.rates)->delimiter(',');
  to_measure->add_option("--signals-per-s", measuring.signals_per_s);
  to_measure->add_option("--warm-up", measuring.warm_up_s);
  to_measure->add_option("--seconds", measuring.seconds);
  to_measure->add_option("--first-minute", measuring.first_minute);
  to_measure->add_option("--pid", measuring.pid);
  to_measure->add_option("--broker-pid", measuring.broker_pid);

  CLI::App* to_check = app.add_subcommand("check", "Compare what came out with what should have");
  to_check->add_option("--means", checking.means);
  to_check->add_option("--signals", checking.signals);
  to_check->add_option("--minutes", checking.minutes)->required();

  CLI11_PARSE(app, argc, argv);
  if (*to_begin) return begin(broker, config, peer);
  if (*to_load) return load(broker, plan, minutes, close);
  if (*to_watch) return watch(broker, plan, watching);
  if (*to_measure) return latency(broker, plan, measuring);
  return check(broker, plan, checking);
}
