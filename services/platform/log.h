// Structured logging, one line per event, to stderr:
//   2026-11-23T18:30:00.123+08:00 info processor started partitions=4 data="/var/lib/qing chuan"
// Time in Beijing, level, the event in a few constant words, then key=value with values quoted and escaped where
// needed. spdlog stays inside log.cc. The one process-wide thing in this code base, because a line must be possible
// from everywhere; it holds no state but its level and sink.
//
// Threads: any. A line is written whole.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace qc::platform {

enum class Level { debug, info, warn, error, off };

Result<Level> parse_level(std::string_view name);

// A password, token or key: it prints as ***, whoever prints it. `reveal` is the only way to the text.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

// One key=value. Values become text at once, so a Field may be built from temporaries.
struct Field {
  std::string key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  Field(std::string_view k, std::integral auto v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, double v);
  Field(std::string_view k, const Secret&) : key(k), value("***") {}
  Field(std::string_view k, const Error& error) : key(k), value(describe(error)) {}
};

using Fields = std::initializer_list<Field>;

void log(Level level, std::string_view event, Fields fields = {});
inline void log_debug(std::string_view event, Fields fields = {}) {
  log(Level::debug, event, fields);
}
inline void log_info(std::string_view event, Fields fields = {}) {
  log(Level::info, event, fields);
}
inline void log_warn(std::string_view event, Fields fields = {}) {
  log(Level::warn, event, fields);
}
inline void log_error(std::string_view event, Fields fields = {}) {
  log(Level::error, event, fields);
}

// At most `per_second` lines a second for each key (a site, a peer). What was left out is told on the next line that
// passes, as `dropped=N`. At most 4096 keys are remembered; beyond that all further ones share one.
void log_limited(std::string_view key, int per_second, Level level, std::string_view event, Fields fields = {});

void set_log_level(Level level);  // default info
Level log_level();

// Lines go to `sink` (without the line's end) instead of stderr until it is destroyed: for tests, and for the progress
// bar, which must move aside. The sink is called by one thread at a time and must not log.
class LogCapture {
 public:
  explicit LogCapture(std::function<void(std::string_view line)> sink);
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

 private:
  std::function<void(std::string_view)> previous_;
};

// "a b\n" -> "\"a b\\n\"": as a value stands in a line.
std::string log_quoted(std::string_view value);

}  // namespace qc::platform
