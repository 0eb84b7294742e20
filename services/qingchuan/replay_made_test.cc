#include "qingchuan/replay_made.h"

#include <gtest/gtest.h>

#include "qingchuan/v1/alert.pb.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

class ReplayMade : public ::testing::Test {
 protected:
  static v1::LedgerEntry of_account() {
    v1::LedgerEntry e;
    e.set_id("users/account/li/1");
    e.set_subject("account/li");
    e.set_what("account_added");
    return e;
  }
  bool apart(const std::string& bytes, const char* topic = "ledger", bool tombstone = false) {
    from_ = {topic, 0};
    stream::Record r;
    r.from = &from_;
    r.value = bytes;
    r.tombstone = tombstone;
    return is_entry_apart(r);
  }

  stream::TopicPartition from_;
};

TEST_F(ReplayMade, EntriesOfAccountsAreApart) {
  EXPECT_TRUE(apart(of_account().SerializeAsString()));
}

TEST_F(ReplayMade, WhatTheAlertStageMadeOrNobodyDidIsNot) {
  v1::LedgerEntry of_alerts = of_account();
  of_alerts.mutable_origin()->set_signals(3);
  EXPECT_FALSE(apart(of_alerts.SerializeAsString()));
  v1::LedgerEntry by_nobody = of_account();
  by_nobody.set_id("signals-0/3/1");
  EXPECT_FALSE(apart(by_nobody.SerializeAsString()));
  EXPECT_FALSE(apart("\x07"));
  EXPECT_FALSE(apart(""));
  EXPECT_FALSE(apart({}, "ledger", true));
  EXPECT_FALSE(apart(of_account().SerializeAsString(), "alerts"));
}

}  // namespace
}  // namespace qc::commands
