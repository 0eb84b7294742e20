#include "platform/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "platform/clock.h"

namespace qc::platform {
namespace {

constexpr std::size_t kLimitedKeysMax = 4096;

// Writes to stderr, or to whoever captures. base_sink's mutex makes a line whole.
class Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::function<void(std::string_view)> replace(std::function<void(std::string_view)> capture) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(capture_, capture);
    return capture;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view line(message.payload.data(), message.payload.size());
    if (capture_) {
      capture_(line);
      return;
    }
    std::string whole(line);
    whole += '\n';
    std::fwrite(whole.data(), 1, whole.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }

 private:
  std::function<void(std::string_view)> capture_;
};

struct Logger {
  std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  spdlog::logger logger{"qingchuan", sink};
};

// Never destroyed: lines may come from destructors of static things and from threads that outlive main.
Logger& logger() {
  static Logger* const one = new Logger;
  return *one;
}

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
    case Level::off:
      return "off";
  }
  return "off";
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
}

void write(Level level, std::string_view event, Fields fields, std::uint64_t dropped) {
  std::string line = beijing_time(system_clock().wall_ms());
  line += ' ';
  line += name_of(level);
  line += ' ';
  append_escaped(line, event);
  for (const Field& field : fields) line += " " + field.key + "=" + log_quoted(field.value);
  if (dropped != 0) line += " dropped=" + std::to_string(dropped);
  logger().logger.log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

// The tokens of one key: refilled by whole seconds, so that a burst of `per_second` lines is let through.
struct Limited {
  std::chrono::steady_clock::time_point since;
  int written = 0;
  std::uint64_t dropped = 0;
};

struct Limiter {
  std::mutex mutex;
  std::map<std::string, Limited, std::less<>> keys;
};

Limiter& limiter() {
  static Limiter* const one = new Limiter;
  return *one;
}

// True: write, with `dropped` lines left out before.
bool pass(std::string_view key, int per_second, std::uint64_t& dropped) {
  const auto now = std::chrono::steady_clock::now();
  Limiter& all = limiter();
  const std::lock_guard<std::mutex> lock(all.mutex);
  auto found = all.keys.find(key);
  if (found == all.keys.end()) {
    const bool full = all.keys.size() >= kLimitedKeysMax;
    found = all.keys.try_emplace(full ? std::string() : std::string(key), Limited{now, 0, 0}).first;
  }
  Limited& limited = found->second;
  if (now - limited.since >= std::chrono::seconds(1)) {
    limited.since = now;
    limited.written = 0;
  }
  if (limited.written >= per_second) {
    ++limited.dropped;
    return false;
  }
  ++limited.written;
  dropped = limited.dropped;
  limited.dropped = 0;
  return true;
}

}  // namespace

Field::Field(std::string_view k, double v) : key(k) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", v);
  value = buffer;
}

Result<Level> parse_level(std::string_view name) {
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
    if (name == name_of(level)) return level;
  }
  return fail(Errc::usage, "log level `" + std::string(name) + "`; expected debug, info, warn, error or off");
}

void log(Level level, std::string_view event, Fields fields) {
  if (!logger().logger.should_log(level_of(level))) return;
  write(level, event, fields, 0);
}

void log_limited(std::string_view key, int per_second, Level level, std::string_view event, Fields fields) {
  if (!logger().logger.should_log(level_of(level))) return;
  std::uint64_t dropped = 0;
  if (pass(key, per_second, dropped)) write(level, event, fields, dropped);
}

void set_log_level(Level level) {
  logger().logger.set_level(level_of(level));
}

Level log_level() {
  const auto current = logger().logger.level();
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (level_of(level) == current) return level;
  }
  return Level::off;
}

LogCapture::LogCapture(std::function<void(std::string_view)> sink)
    : previous_(logger().sink->replace(std::move(sink))) {}

LogCapture::~LogCapture() {
  logger().sink->replace(std::move(previous_));
}

std::string log_quoted(std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" =\"\\") == std::string_view::npos &&
      value.find_first_of("\x7F") == std::string_view::npos &&
      std::none_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (plain) return std::string(value);
  std::string out = "\"";
  append_escaped(out, value);
  return out + '"';
}

}  // namespace qc::platform
