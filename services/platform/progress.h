// Shows how far a long piece of work has come. On a terminal one line that is drawn over itself, at most ten times a
// second:
//   feeding [==========>         ]  52 %  1.2 M of 2.3 M readings  410 k/s  0:03 left
// Elsewhere (a file, CI) a plain line every 10 s. Rates are of the last seconds, so a stall is visible; the time left
// comes from the mean rate.
//
// Lifecycle: make it, `set` or `add` as work is done, `finish` once; the destructor ends an unfinished line.
// Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace qc::platform {

class Progress {
 public:
  struct Options {
    std::string label;                                           // "feeding"
    std::string unit;                                            // "readings"
    std::uint64_t total = 0;                                     // 0: unknown, no bar and no time left
    bool terminal = false;                                       // `stderr_is_terminal()`
    int columns = 100;                                           // of the terminal; longer lines are cut
    std::function<void(std::string_view)> write;                 // empty: to stderr
    std::function<std::chrono::steady_clock::time_point()> now;  // empty: steady_clock
  };

  explicit Progress(Options options);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void set(std::uint64_t done);  // never goes back
  void add(std::uint64_t done) { set(done_ + done); }
  void set_note(std::string note) { note_ = std::move(note); }  // shown at the end of the line: "2015-12-03"
  void finish();                                                // draws the last state, with the whole time

 private:
  using Time = std::chrono::steady_clock::time_point;
  void draw(Time now, bool last);

  Options options_;
  std::uint64_t done_ = 0;
  std::string note_;
  Time start_;
  Time drawn_;      // last time a line was written
  Time rate_from_;  // the recent rate is measured from here
  std::uint64_t rate_done_ = 0;
  double rate_ = 0;  // per second
  bool line_open_ = false;
  bool finished_ = false;
};

bool stderr_is_terminal();
int stderr_columns();  // 100 when unknown

std::string short_count(std::uint64_t count);                // "950", "1.2 k", "12.3 M"
std::string short_time(std::chrono::milliseconds duration);  // "0:03", "1:02:03"

}  // namespace qc::platform
