// Turns signals into values: SIGINT and SIGTERM request a stop through a std::stop_source; a second one ends the
// process at once (exit status 128 + signal), because a person who asks twice does not want to wait (what repeats
// within 300 ms is one request: timeout(1) signals the process and its group); SIGHUP calls a hook.
//
// Lifecycle: main makes one Shutdown before it starts any thread (the signals are blocked in the calling thread, and
// later threads inherit that), and keeps it to the end. SIGPIPE is ignored from then on. The destructor gives back the
// earlier signal mask.
// Threads: one of its own waits for signals; the stop callbacks and the hook run in it.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace qc::platform {

class Shutdown {
 public:
  Shutdown();
  ~Shutdown();
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  bool stopping() const { return stop_.stop_requested(); }
  void request_stop() { stop_.request_stop(); }  // as the first signal would, any thread
  int signal() const { return signal_; }         // the signal that asked, 0: none
  void wait() const;                             // until a stop is requested

  // Replaces the hook of SIGHUP (reload); an empty one: SIGHUP is logged and otherwise ignored.
  void on_hangup(std::function<void()> hook);

 private:
  void run();

  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::mutex mutex_;
  std::function<void()> hangup_;
  sigset_t previous_{};
  int signals_fd_ = -1;
  int end_fd_ = -1;
  std::thread thread_;
};

}  // namespace qc::platform
