#include "qingchuan/user_password.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "console/identity_secrets.h"

namespace qc::commands {
namespace {

constexpr std::size_t kLineBytesMax = 512;

// Up to the end of a line, and no byte further: what follows is somebody else's.
Result<std::string> read_password_line() {
  std::string line;
  line.reserve(kLineBytesMax + 1);  // it never moves, so that wiping it wipes all of it
  char c = 0;
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || (got == 0 && line.empty())) return fail(Errc::usage, "standard input has no password");
    if (got == 0 || c == '\n') break;
    if (line.size() == kLineBytesMax) {
      console::wipe(line);
      return fail(Errc::usage, "a password has at most 256 bytes");
    }
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// What is typed is not shown as long as it lives. Signals wait: a command that ended in between would leave the
// terminal mute.
class MuteTerminal {
 public:
  MuteTerminal() {
    sigset_t wait;
    sigemptyset(&wait);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&wait, signal);
    pthread_sigmask(SIG_BLOCK, &wait, &signals_);
    fine_ = tcgetattr(STDIN_FILENO, &terminal_) == 0;
    termios silent = terminal_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    fine_ = fine_ && tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~MuteTerminal() {
    if (fine_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_);
    pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
  }
  MuteTerminal(const MuteTerminal&) = delete;
  MuteTerminal& operator=(const MuteTerminal&) = delete;
  bool fine() const { return fine_; }

 private:
  termios terminal_{};
  sigset_t signals_{};
  bool fine_ = false;
};

Result<std::string> ask_password(const char* what) {
  std::fputs(what, stderr);
  std::fflush(stderr);
  auto line = read_password_line();
  std::fputs("\n", stderr);  // the one that was typed was not shown
  return line;
}

}  // namespace

Result<std::string> password_line() {
  return read_password_line();
}

Result<std::string> typed_password(Language language) {
  const bool zh = language == Language::Chinese;
  if (::isatty(STDIN_FILENO) != 1)
    return fail(Errc::usage, "standard input is no terminal: --stdin reads a line of it, --one-time makes a password");
  const MuteTerminal mute;
  if (!mute.fine()) return fail(Errc::usage, "the terminal cannot be told not to show a password");
  auto first = ask_password(zh ? "新密码: " : "new password: ");
  if (!first) return first;
  auto second = ask_password(zh ? "再输入一次: " : "once more: ");
  if (!second) {
    console::wipe(*first);
    return second;
  }
  const bool same = console::same_secret(*first, *second);
  console::wipe(*second);
  if (same) return first;
  console::wipe(*first);
  return fail(Errc::usage, zh ? "两次输入的密码不同" : "the two passwords are not the same");
}

}  // namespace qc::commands
