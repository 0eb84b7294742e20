// Expected failures are values: `Result<T>` holds a T or an Error with a code from the one list below. Each origin has
// its range; every code has a remedy, which `describe` appends for people.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace qc {

enum class Errc {
  // 100: what a person wrote (files, options)
  config_invalid = 100,   // a YAML file breaks its schema; the text has file:line:column
  file_unreadable = 101,  // cannot be opened or read
  file_malformed = 102,   // a data file is not what --format says
  usage = 103,            // options that contradict one another
  // 200: the log
  log_unavailable = 200,   // broker or file away for now: try again
  log_abortable = 201,     // this transaction must be aborted; the same outputs may be sent again
  log_fenced = 202,        // somebody else owns the partition: drop everything and restore
  log_fatal = 203,         // cannot go on with this log
  log_full = 204,          // no space left on the device: waiting helps once there is room
  log_corrupt = 205,       // integrity check failed
  log_version = 206,       // written by another format version
  log_timeline = 207,      // wall and fed mixed up, or time would go backwards
  topic_unknown = 208,     // no such topic or partition
  record_too_large = 209,  // above record_bytes_max
  partitions_changed = 210,
  queue_full = 211,    // a named limit was reached: try again
  log_refused = 212,   // the broker refuses who we are or what we want
  copy_refused = 213,  // one log cannot be copied into the other: the text says why and what to do
  // 300: state
  state_version = 300,  // state of another version that this binary cannot read
  state_corrupt = 301,
  snapshot_invalid = 302,  // a snapshot of a replay that is damaged, of another log, or ends too early
  // 400: rules
  rules_missing = 400,  // the log names a rule set that the topic `rules` does not hold
  // 500: the machine
  clock_jump = 500,  // the wall clock departed from the boot-time clock
  port_in_use = 501,
  stopped = 502,           // asked to stop
  peer_unavailable = 503,  // a receiver cannot be reached, is too slow, or answers what is no HTTP
  peer_untrusted = 504,    // its certificate is not one that we were told to trust
};

struct Error {
  Errc code;
  std::string text;  // what was wrong and where; one line
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string text) {
  return tl::make_unexpected(Error{code, std::move(text)});
}

// The code's remedy: what a person can do about it, one sentence.
std::string_view remedy(Errc code);

// "E204 no space left ...; free some space, the service goes on by itself"
std::string describe(const Error& error);

}  // namespace qc
