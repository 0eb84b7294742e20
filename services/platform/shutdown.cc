#include "platform/shutdown.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>

#include "base/assert.h"
#include "platform/log.h"

namespace qc::platform {
namespace {

constexpr std::chrono::milliseconds kSameRequest{300};

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Shutdown::Shutdown() {
  // A peer that closes its socket is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = watched();
  QC_ASSERT(pthread_sigmask(SIG_BLOCK, &set, &previous_) == 0);
  signals_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  end_fd_ = ::eventfd(0, EFD_CLOEXEC);
  QC_ASSERT(signals_fd_ >= 0 && end_fd_ >= 0);
  thread_ = std::thread([this] { run(); });
}

Shutdown::~Shutdown() {
  const std::uint64_t one = 1;
  QC_ASSERT(::write(end_fd_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(signals_fd_);
  ::close(end_fd_);
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

void Shutdown::run() {
  std::chrono::steady_clock::time_point asked_at;
  pollfd fds[2] = {{signals_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
  for (;;) {
    if (::poll(fds, 2, -1) < 0) {
      QC_ASSERT(errno == EINTR);
      continue;
    }
    if ((fds[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_fd_, &info, sizeof info) != sizeof info) continue;
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGHUP) {
      std::function<void()> hook;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        hook = hangup_;
      }
      log_info(hook ? "reload asked for" : "reload asked for, nothing to reload", {{"signal", "SIGHUP"}});
      if (hook) hook();
      continue;
    }
    const char* const name = number == SIGINT ? "SIGINT" : "SIGTERM";
    const auto now = std::chrono::steady_clock::now();
    if (signal_.exchange(number) != 0) {
      // timeout(1) and some terminals signal the process and its group: one request, told twice.
      if (now - asked_at < kSameRequest) continue;
      log_warn("stopping at once", {{"signal", name}});
      ::_exit(128 + number);
    }
    asked_at = now;
    log_info("stopping; a second signal stops at once", {{"signal", name}});
    stop_.request_stop();
  }
}

void Shutdown::wait() const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock<std::mutex> lock(mutex);
  stopped.wait(lock, stop_.get_token(), [] { return false; });
}

void Shutdown::on_hangup(std::function<void()> hook) {
  const std::lock_guard<std::mutex> lock(mutex_);
  hangup_ = std::move(hook);
}

}  // namespace qc::platform
