// What kafka_load can do, one function each; kafka_load.cc is the command line. Each returns the exit code and prints
// its figures as one line of JSON on standard output.
#pragma once

#include <string>
#include <vector>

#include "packets.h"

namespace qc::bench {

struct Broker {
  std::string brokers = "127.0.0.1:9092";
  std::string readings = "readings";
};

// A new log of fed time with the configuration's topics and rules, as `feed` makes it, and the topics `<peer>means` and
// `<peer>signals`.
int begin(const Broker& broker, const std::string& config, const std::string& peer);

// A backlog: registrations, then `minutes` minutes of every site, each after its tick; with `close`, then a tick that
// closes the last full hour. As fast as the broker takes it.
int load(const Broker& broker, const Plan& plan, int minutes, bool close);

// Waits until every closed hour mean of single pollutants of a backlog of `minutes` minutes is committed in `means`,
// and says how long that took since `pid` began, how much CPU time `pid` and `broker_pid` used, and the peak memory of
// `pid`; the same from the moment on when about half of the readings were through (`warm`, with the number of
// readings).
struct WatchOptions {
  std::string means = "means";
  int minutes = 0;
  int pid = 0;
  int broker_pid = 0;
  int timeout_s = 300;
};
int watch(const Broker& broker, const Plan& plan, const WatchOptions& options);

// A paced load of event minutes from `first_minute` on, at each of `rates` (readings/s) in turn. Some packets carry an
// exceedance of a site that had none; the time from just before its produce to its signal, read committed, is the
// latency. With `alerts`: to its alert, too; with `console`: to the event at a client of its stream.
struct LatencyOptions {
  std::string signals = "signals";
  std::string alerts;   // the topic; empty: nobody makes any
  std::string console;  // HOST:PORT of a console whose stream shows them; empty: none
  std::string token;    // for its API
  std::vector<int> rates = {1'000, 10'000, 50'000};
  int signals_per_s = 50;
  int warm_up_s = 5;
  int seconds = 20;
  int first_minute = 0;
  int start_s = 120;  // how long the other side may take to be there and to catch up
  int grace_s = 30;   // how long the last signals may take
  int pid = 0;        // CPU and memory of it, too; 0: none
  int broker_pid = 0;
};
int latency(const Broker& broker, const Plan& plan, const LatencyOptions& options);

// Compares every closed hour mean in `means` and every change of reading_over_limit in `signals` with what the first
// `minutes` minutes should give; 1 where anything is missing, double or different.
struct CheckOptions {
  std::string means = "means";
  std::string signals = "signals";
  int minutes = 0;
};
int check(const Broker& broker, const Plan& plan, const CheckOptions& options);

}  // namespace qc::bench
