// Opening the log that a command works on, and setting up a new one: topics, the rule set, and the record that every
// partition of `readings` and `tracks` begins with (architecture section 3).
//
// Threads: none; called at start.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/factor.h"
#include "platform/config.h"
#include "processor/rules_store.h"
#include "qingchuan/place.h"
#include "stream/embedded_log.h"
#include "stream/kafka_metrics.h"
#include "stream/read_range.h"

namespace qc::commands {

struct OpenLog {
  platform::Loaded config;  // defaults where no configuration was found and none was asked for
  bool configured = false;
  std::string where;                                    // for people: the directory, or the brokers
  std::unique_ptr<stream::KafkaMetrics> kafka_metrics;  // on Kafka, where metrics were asked for
  std::unique_ptr<stream::Log> log;
  stream::EmbeddedLog* embedded = nullptr;  // the same log, where it is an embedded one
  std::unique_ptr<processor::RulesStore> rules;
};

// What the command wants of the log.
struct Use {
  bool need_config = false;                 // a missing configuration is an error (it is one where --config names it)
  bool joins = false;                       // becomes a member of groups: on Kafka under an instance name of its own
  prometheus::Registry* metrics = nullptr;  // of Kafka's clients; outlives the log
};

// An existing log.
Result<OpenLog> open_log(const Place& place, const Use& use = {});

// The log for a writer, made where it is missing; an existing one gets the topics that it lacks. `timeline` is what a
// new log will be; the timeline of an existing one stays, see rules->timeline(). Returns the hash of the configured
// rules in `rules_hash`. Can be repeated after a crash at any point, and on Kafka several processes may do it at once:
// what they write twice is the same. With `only`, a log of the other timeline is refused (log_timeline) before anything
// is written into it.
Result<OpenLog> create_log(const Place& place, core::Timeline timeline, std::string& rules_hash, bool only = false,
                           Use use = {});

// The log that a simulation (`played`, serialised) goes into. A new one holds `played`; with timeline fed its history
// is played first, by whoever wrote that, until it is handed over. An existing one is taken where its time is the wall
// clock's or where its history is still being played; otherwise log_timeline.
Result<OpenLog> create_played_log(const Place& place, core::Timeline timeline, const std::string& played,
                                  std::string& rules_hash, Use use);
// From here on the time of this log is the wall clock's: a Rules record in every partition, then the log's own word for
// it. Interrupted, it is done again, and nothing comes of that.
Result<void> hand_over(OpenLog& log, const std::string& rules_hash);

// For `topics`, which makes what the others need: the log and nothing in it. `make`: an embedded one where it is
// missing.
Result<OpenLog> open_for_topics(const Place& place, bool make);

// The configured rules as a rule set; config_invalid: "file:line:column: what is wrong".
Result<core::RuleSet> rules_of(const platform::Loaded& config);

// As configured; the state topics of our services are among them, also where the configuration leaves them out, and
// `region-means` and `events`, beside `means`.
std::vector<stream::TopicSpec> topics_of(const ::qingchuan::v1::System& system);

}  // namespace qc::commands
