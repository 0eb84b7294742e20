#include "platform/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace qc::platform {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kTerminalEvery(100);
constexpr milliseconds kPlainEvery(10'000);
constexpr milliseconds kRateWindow(2'000);
constexpr int kBarWidth = 20;

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return duration<double>(to - from).count();
}

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

// At most `columns` wide, cut between UTF-8 characters (each counted as one column).
std::string cut(const std::string& line, int columns) {
  int width = 0;
  std::size_t end = 0;
  while (end < line.size() && width < columns) {
    ++end;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) ++end;
    ++width;
  }
  return line.substr(0, end);
}

}  // namespace

Progress::Progress(Options options) : options_(std::move(options)) {
  if (!options_.write) options_.write = write_stderr;
  if (!options_.now) options_.now = [] { return std::chrono::steady_clock::now(); };
  start_ = drawn_ = rate_from_ = options_.now();
}

Progress::~Progress() {
  if (line_open_) options_.write("\n");
}

void Progress::set(std::uint64_t done) {
  if (finished_) return;
  done_ = std::max(done_, done);
  const Time now = options_.now();
  if (now - drawn_ >= (options_.terminal ? kTerminalEvery : kPlainEvery)) draw(now, false);
}

void Progress::finish() {
  if (finished_) return;
  draw(options_.now(), true);
  finished_ = true;
}

void Progress::draw(Time now, bool last) {
  drawn_ = now;
  const double whole = seconds_between(start_, now);
  const double mean_rate = whole > 0 ? static_cast<double>(done_) / whole : 0;
  if (now - rate_from_ >= kRateWindow) {
    rate_ = static_cast<double>(done_ - rate_done_) / seconds_between(rate_from_, now);
    rate_from_ = now;
    rate_done_ = done_;
  } else if (rate_from_ == start_) {
    rate_ = mean_rate;  // the first window is not full yet
  }
  const double share =
      options_.total == 0 ? 0 : std::min(1.0, static_cast<double>(done_) / static_cast<double>(options_.total));

  std::string line = options_.label;
  if (options_.total != 0) {
    if (options_.terminal) {
      const auto filled = static_cast<std::size_t>(share * kBarWidth);
      std::string bar(filled, '=');
      if (filled < kBarWidth) bar += '>';
      bar.resize(kBarWidth, ' ');
      line += " [" + bar + "]";
    }
    char percent[16];
    std::snprintf(percent, sizeof percent, " %3d %% ", static_cast<int>(share * 100));
    line += percent;
  }
  line += " " + short_count(done_);
  if (options_.total != 0) line += " of " + short_count(options_.total);
  line += " " + options_.unit;
  line += "  " + short_count(static_cast<std::uint64_t>(last ? mean_rate : rate_)) + "/s";
  if (last) {
    line += "  in " + short_time(milliseconds(static_cast<std::int64_t>(whole * 1000)));
  } else if (options_.total > done_ && mean_rate > 0) {
    const double left = static_cast<double>(options_.total - done_) / mean_rate;
    line += "  " + short_time(milliseconds(static_cast<std::int64_t>(left * 1000))) + " left";
  }
  if (!note_.empty()) line += "  " + note_;

  if (!options_.terminal) {
    options_.write(line + "\n");
    return;
  }
  // Back to the line's start, the new text, and clear what an older, longer one left over.
  options_.write("\r" + cut(line, options_.columns - 1) + "\x1b[K" + (last ? "\n" : ""));
  line_open_ = !last;
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

int stderr_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string short_count(std::uint64_t count) {
  char buffer[32];
  const auto scaled = [&](double unit, const char* name) {
    std::snprintf(buffer, sizeof buffer, "%.1f %s", static_cast<double>(count) / unit, name);
    return std::string(buffer);
  };
  if (count < 1000) return std::to_string(count);
  if (count < 999'950) return scaled(1e3, "k");
  if (count < 999'950'000) return scaled(1e6, "M");
  return scaled(1e9, "G");
}

std::string short_time(milliseconds time) {
  const std::int64_t seconds = duration_cast<std::chrono::seconds>(time).count();
  char buffer[48];
  if (seconds >= 3600) {
    std::snprintf(buffer, sizeof buffer, "%lld:%02d:%02d", static_cast<long long>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%d:%02d", static_cast<int>(seconds / 60), static_cast<int>(seconds % 60));
  }
  return buffer;
}

}  // namespace qc::platform
