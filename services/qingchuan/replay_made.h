// What a published record says of how it was made: by which stage, from which partition of its input, at which of its
// records. That is what `replay` groups by. Read by hand where it is enough, because most records are only counted by.
//
// Functions and values; any thread.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"
#include "stream/log.h"

namespace qc::commands {

enum class ReplayStage { Readings, Regions, Alerts };

// A stage of one partition of its input.
struct Maker {
  ReplayStage stage = ReplayStage::Readings;
  int partition = 0;
  auto operator<=>(const Maker&) const = default;
};
std::string_view input_topic(ReplayStage stage);
std::string to_string(const Maker& maker);  // "readings-2": the partition that it reads

struct Made {
  Maker by;
  bool tick = false;
  stream::Offset at = -1;     // the record of the input at which it was made; ticks and ends of rows do not say it
  core::EventTime now{};      // a tick's
  stream::Offset event = -1;  // in `events`, where it tells that this was read
};

// nullopt: no stage of ours wrote that, or it cannot be read.
std::optional<Made> made_of(const stream::Record& record);

// A dead letter that is not compared: of a record of a stage's other input (`events`, `commands`), because where among
// the stage's letters it stands is chance; of an alert that a receiver refused, which is no function of the log.
bool is_letter_apart(std::string_view topic, std::string_view key);

// An entry of the ledger that no stage made: of an account or a token, by whoever keeps those (console/identity.h). It
// says no origin, and an id that begins with "users/".
bool is_entry_apart(const stream::Record& record);

// What a mean, a signal or an output of alerts is about, as its bytes say it; nullopt: a tick, a dead letter, the end
// of a row or not readable.
struct About {
  std::string id;  // of a mean its key, of a signal its id: together with the revision it stands once
  std::int64_t revision = 0;
  std::string site;  // the signal's subject
  std::string region;
  std::string root;
  std::string factor;
  std::string what;  // a mean's window, a signal's rule, what an entry of the ledger says was done
  core::EventTime end{};
};
std::optional<About> about(std::string_view topic, std::string_view key, std::string_view value);

// One line: what it is, with its values.
std::string describe_record(std::string_view topic, std::string_view key, std::string_view value);
// The fields in which two records of a topic differ, one line; empty: in none that can be read.
std::string field_differences(std::string_view topic, std::string_view published, std::string_view recomputed);

}  // namespace qc::commands
