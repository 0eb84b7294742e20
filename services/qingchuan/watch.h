// Prints for a person at a terminal what a processor publishes: each closed hour and day as one block of stations with
// their AQI, running values as one line, every signal at once as one line.
//
// Feed it records in order (on_mean, on_signal) and take the text: it has no clock and no thread. Watcher reads a log
// and prints to stdout from a thread of its own until it is destroyed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/rules.h"
#include "processor/rules_store.h"
#include "qingchuan/v1/output.pb.h"
#include "qingchuan/words.h"
#include "stream/log.h"

namespace qc::commands {

// The rule set of a hash, which has the names of its sites; null where it is not known.
using RulesOf = std::function<std::shared_ptr<const core::RuleSet>(const std::string& hash)>;
// As the log holds them; `store` outlives it.
RulesOf rules_in(processor::RulesStore& store);

class Watch {
 public:
  // What is older than `brief_before` is history played fast: of it every sixth closed hour. With EventTime::max() all
  // is, and signals of level 2 and more are shown; otherwise the first few of each rule, and when it is over how many
  // began.
  Watch(RulesOf rules_of, Language language, bool colour, core::EventTime brief_before = core::EventTime::min());

  void on_mean(const ::qingchuan::v1::Mean& mean);
  // A signal's line, complete; empty where it is not shown.
  std::string on_signal(const ::qingchuan::v1::Signal& signal);
  // Time has come so far. What is to be said about a history that ends with it.
  std::string on_tick(core::EventTime now);
  // What on_mean gathered since the last call: a block for each (window's end, status).
  std::string take();

 private:
  struct Line {
    std::int64_t at_ms;  // the hour's end, or the day's start
    int status;
    bool day;
    std::string site;
    std::string text;
  };
  // As the rules call it that the output was judged by.
  std::string site_name(const std::string& id, const ::qingchuan::v1::Origin& origin) const;

  RulesOf rules_of_;
  Language language_;
  bool colour_;
  core::EventTime brief_before_;
  std::map<std::string, int, std::less<>> began_;  // in the history, by rule
  bool history_ = false;                           // there is one, and it is not over
  std::int64_t newest_ms_ = 0;                     // of the hours seen
  std::vector<Line> lines_;
};

class Watcher {
 public:
  // Reads from the ends that the topics have now. log outlives it.
  Watcher(stream::Log& log, Watch watch);

 private:
  void run(std::stop_token stop, stream::Log& log);
  Watch watch_;
  std::vector<std::pair<stream::TopicPartition, stream::Offset>> from_;
  std::jthread thread_;
};

}  // namespace qc::commands
