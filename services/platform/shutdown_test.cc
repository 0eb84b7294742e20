#include "platform/shutdown.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "platform/log.h"

namespace qc::platform {
namespace {

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Lines go nowhere: a test's output should hold failures only.
class ShutdownTest : public testing::Test {
 protected:
  const LogCapture capture_{[](std::string_view) {}};
};

TEST_F(ShutdownTest, TheFirstSignalAsksForAStop) {
  for (const int number : {SIGINT, SIGTERM}) {
    Shutdown shutdown;
    EXPECT_FALSE(shutdown.stopping());
    EXPECT_EQ(shutdown.signal(), 0);
    std::atomic<bool> called = false;
    const std::stop_callback callback(shutdown.token(), [&] { called = true; });
    ::kill(::getpid(), number);
    shutdown.wait();
    EXPECT_TRUE(shutdown.stopping());
    EXPECT_EQ(shutdown.signal(), number);
    EXPECT_TRUE(eventually([&] { return called.load(); }));
  }
}

TEST_F(ShutdownTest, AStopCanBeAskedForWithoutASignal) {
  Shutdown shutdown;
  shutdown.request_stop();
  shutdown.wait();
  EXPECT_TRUE(shutdown.stopping());
  EXPECT_EQ(shutdown.signal(), 0);
}

TEST_F(ShutdownTest, HangupCallsTheHookEachTimeAndStopsNothing) {
  Shutdown shutdown;
  std::atomic<int> calls = 0;
  shutdown.on_hangup([&] { ++calls; });
  ::kill(::getpid(), SIGHUP);
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
  ::kill(::getpid(), SIGHUP);
  EXPECT_TRUE(eventually([&] { return calls == 2; }));
  EXPECT_FALSE(shutdown.stopping());
}

TEST_F(ShutdownTest, HangupWithoutAHookIsIgnored) {
  Shutdown shutdown;
  ::kill(::getpid(), SIGHUP);
  ::kill(::getpid(), SIGTERM);
  shutdown.wait();
  EXPECT_EQ(shutdown.signal(), SIGTERM);
}

TEST_F(ShutdownTest, TheSignalMaskIsGivenBack) {
  { const Shutdown shutdown; }
  sigset_t mask;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

// In a process of its own, because it ends.
TEST(ShutdownDeathTest, TheSecondSignalEndsTheProcessAtOnce) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Shutdown shutdown;
        ::kill(::getpid(), SIGTERM);
        shutdown.wait();
        // Asks until it is heard: what comes within the first moment counts as the same request.
        for (;; std::this_thread::yield()) ::kill(::getpid(), SIGINT);
      },
      testing::ExitedWithCode(128 + SIGINT), "stopping at once signal=SIGINT");
}

}  // namespace
}  // namespace qc::platform
