#include "console/identity_guard.h"

#include <gtest/gtest.h>

namespace qc::console {
namespace {

using std::chrono::seconds;

class IdentityGuard : public ::testing::Test {
 protected:
  // A wrong password: how long it had to wait, 0: it was looked at.
  seconds wrong(const std::string& account, const std::string& peer) { return guard_.begin(account, peer, now_); }
  void fail(int times, const std::string& account, const std::string& peer) {
    for (int i = 0; i < times; ++i) EXPECT_EQ(wrong(account, peer), seconds(0)) << i;
  }

  core::EventTime now_ = core::event_time(1'790'000'000'000);
  Guard guard_{{3, seconds(2), seconds(16), 8}};
};

TEST_F(IdentityGuard, TheWaitDoublesUpToItsGreatest) {
  fail(3, "li", "1.1.1.1");
  for (const int expected : {2, 4, 8, 16, 16, 16}) {
    EXPECT_EQ(wrong("li", ""), seconds(expected));
    now_ += seconds(expected) - core::Duration(1);
    EXPECT_EQ(wrong("li", ""), seconds(1));  // rounded up
    now_ += core::Duration(1);
    fail(1, "li", "");
  }
}

TEST_F(IdentityGuard, ATryWhileWaitingCountsForNothing) {
  fail(3, "li", "");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wrong("li", ""), seconds(2));
  now_ += seconds(2);
  fail(1, "li", "");
  EXPECT_EQ(wrong("li", ""), seconds(4));
}

TEST_F(IdentityGuard, APeerThatTriesManyNamesWaitsToo) {
  fail(1, "a1", "1.1.1.1");
  fail(1, "a2", "1.1.1.1");
  fail(1, "a3", "1.1.1.1");
  EXPECT_EQ(wrong("a4", "1.1.1.1"), seconds(2));
  EXPECT_EQ(wrong("a4", "1.1.1.2"), seconds(0));
}

TEST_F(IdentityGuard, AnAddressOfIPv6IsItsNetwork) {
  fail(1, "a1", "2001:db8:0:1::1");
  fail(1, "a2", "2001:db8:0:1::2");
  fail(1, "a3", "2001:db8:0:1:ffff::");
  EXPECT_EQ(wrong("a4", "2001:db8:0:1::9"), seconds(2));
  EXPECT_EQ(wrong("a4", "2001:db8:0:2::9"), seconds(0));
  fail(3, "", "::ffff:1.2.3.4");
  EXPECT_EQ(wrong("", "::ffff:1.2.3.5"), seconds(0));
}

TEST_F(IdentityGuard, ARightPasswordForgetsTheAccountsFailuresAndNoOthers) {
  fail(1, "other", "1.1.1.1");
  fail(2, "li", "1.1.1.1");  // the peer waits; the second was right
  guard_.succeeded("li", "1.1.1.1");
  EXPECT_EQ(guard_.wait("li", "1.1.1.1", now_), seconds(0));
  fail(1, "x1", "1.1.1.1");
  fail(1, "x2", "1.1.1.1");
  EXPECT_EQ(wrong("x3", "1.1.1.1"), seconds(2));  // "other", x1, x2
}

TEST_F(IdentityGuard, WhatWasNeverLookedAtIsUndone) {
  for (int i = 0; i < 20; ++i) {
    fail(1, "li", "1.1.1.1");
    guard_.undo("li", "1.1.1.1");
  }
  EXPECT_EQ(guard_.watched(), 0U);
}

TEST_F(IdentityGuard, OldFailuresAreForgotten) {
  fail(2, "li", "");
  now_ += seconds(16);
  fail(2, "li", "");  // two, not four
  EXPECT_EQ(guard_.wait("li", "", now_), seconds(0));
  now_ += seconds(16);
  fail(1, "zhang", "");
  EXPECT_EQ(guard_.watched(), 1U);
}

TEST_F(IdentityGuard, ItsMemoryIsBoundedAndTheOldestGoes) {
  fail(3, "li", "");
  for (int i = 0; i < 7; ++i) fail(1, "n" + std::to_string(i), "");
  EXPECT_EQ(guard_.watched(), 8U);
  EXPECT_EQ(wrong("li", ""), seconds(2));
  fail(1, "one.more", "");
  EXPECT_EQ(guard_.watched(), 8U);
  EXPECT_EQ(wrong("li", ""), seconds(0));
}

}  // namespace
}  // namespace qc::console
