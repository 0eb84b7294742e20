// Who asks, and how they prove it: passwords, sessions, tokens, and what guards them.
#include "console/identity.h"

#include <gtest/gtest.h>

#include <thread>

#include "console/identity_testing.h"
#include "platform/hmac.h"

namespace qc::console {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class IdentityTest : public IdentityFixture {
 protected:
  Refused wrong(Identity& identity, const std::string& name, const std::string& peer = "10.0.0.1") {
    return identity.sign_in(name, "wrong-9fhr-2q7", peer).refused;
  }
};

TEST_F(IdentityTest, EveryRefusalHasItsName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Refused::LogAway); ++i) names.insert(name(static_cast<Refused>(i)));
  EXPECT_EQ(names.size(), 16U);
  EXPECT_EQ(name(Refused::WrongPassword), "wrong_password");
  EXPECT_EQ(name(Refused::ChangeFirst), "change_first");
  EXPECT_EQ(name(Refused::TooMany), "too_many");
  EXPECT_EQ(name(Refused::LogAway), "log_away");
}

TEST_F(IdentityTest, ALogWithoutItsTopicsIsNotTaken) {
  stream::MemoryLog bare;
  const auto made = Identity::create(bare, options_);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::topic_unknown);
}

TEST_F(IdentityTest, WhoSignsInIsKnownByTheSecretAlone) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  const auto session = identity->sign_in("li", kGoodPassword, "10.0.0.1");
  ASSERT_TRUE(session.ok()) << session.detail;
  EXPECT_EQ(session.value.who.account, "li");
  EXPECT_EQ(session.value.who.full_name, "li (某人)");
  const auto who = by_session(*identity, session.value.secret);
  ASSERT_TRUE(who.ok());
  EXPECT_EQ(who.value.by, SignedInBy::Session);
  EXPECT_EQ(who.value.grants, (std::vector<Grant>{{Role::Operator, "a"}}));
  EXPECT_EQ(who.value.csrf, session.value.who.csrf);
  EXPECT_EQ(who.value.csrf, platform::hex(platform::hmac_sha256(session.value.secret.substr(17), "csrf")));
  EXPECT_EQ(session.value.secret.find(who.value.csrf), std::string::npos);
  std::string other = session.value.secret;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_EQ(by_session(*identity, other).refused, Refused::NotSignedIn);
  EXPECT_EQ(by_session(*identity, {}).refused, Refused::NotSignedIn);
  EXPECT_EQ(by_token(*identity, session.value.secret).refused, Refused::NotSignedIn);
}

TEST_F(IdentityTest, AnUnknownNameAndAWrongPasswordAreAnsweredAlike) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  for (const char* name : {"li", "nobody", "No Such Name", ""}) {
    const auto answer = identity->sign_in(name, "wrong-9fhr-2q7", "");
    EXPECT_EQ(answer.refused, Refused::WrongPassword) << name;
    EXPECT_EQ(answer.detail, "the name or the password is wrong");
  }
  EXPECT_EQ(identity->sign_in("li", std::string(kGoodPassword) + std::string(300, ' '), "").refused,
            Refused::WrongPassword);
  // And locked alike.
  for (const char* name : {"li", "nobody"}) {
    Answered<NewSession> answer;
    for (int i = 0; i < 5; ++i) answer = identity->sign_in(name, "wrong-9fhr-2q7", "");
    EXPECT_EQ(answer.refused, Refused::Locked) << name;
    EXPECT_EQ(answer.retry_after, seconds(2)) << name;
  }
}

TEST_F(IdentityTest, ARightPasswordWhileLockedIsRefusedTheSameWay) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wrong(*identity, "li", "10.0.0." + std::to_string(i)), Refused::WrongPassword);
  EXPECT_EQ(identity->sign_in("li", kGoodPassword, "10.9.9.9").refused, Refused::Locked);
  EXPECT_EQ(identity->counts().lockouts, 1U);
  EXPECT_EQ(identity->counts().failures, 5U);
  now_ += seconds(2);
  EXPECT_TRUE(identity->sign_in("li", kGoodPassword, "10.9.9.9").ok());
  EXPECT_EQ(wrong(*identity, "li", "10.8.8.8"), Refused::WrongPassword);  // forgotten
  EXPECT_EQ(identity->counts().sign_ins, 1U);
}

TEST_F(IdentityTest, LocksGrowToTheirGreatestAndEnd) {
  options_.lock_max = seconds(7);
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  for (int i = 0; i < 5; ++i) wrong(*identity, "li", "");
  for (const int wait : {2, 4, 7, 7}) {
    const auto answer = identity->sign_in("li", kGoodPassword, "");
    EXPECT_EQ(answer.refused, Refused::Locked);
    EXPECT_EQ(answer.retry_after, seconds(wait));
    now_ += seconds(wait);
    EXPECT_EQ(wrong(*identity, "li", ""), Refused::WrongPassword);
  }
  now_ += seconds(7);
  EXPECT_TRUE(identity->sign_in("li", kGoodPassword, "").ok());
}

TEST_F(IdentityTest, APeerThatTriesManyNamesIsLocked) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wrong(*identity, "n" + std::to_string(i)), Refused::WrongPassword);
  EXPECT_EQ(identity->sign_in("li", kGoodPassword, "10.0.0.1").refused, Refused::Locked);
  EXPECT_TRUE(identity->sign_in("li", kGoodPassword, "10.0.0.2").ok());
}

TEST_F(IdentityTest, ManyTriesAtOnceAreCountedAsMany) {
  options_.failures_before_delay = 3;
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  std::array<Refused, 12> answers{};
  std::vector<std::thread> threads;
  for (Refused& a : answers) threads.emplace_back([&] { a = wrong(*identity, "li", ""); });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(std::count(answers.begin(), answers.end(), Refused::WrongPassword), 3);
  EXPECT_EQ(std::count(answers.begin(), answers.end(), Refused::Locked), 9);
}

TEST_F(IdentityTest, OnlyARightPasswordIsToldThatTheAccountIsDisabled) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  ASSERT_TRUE(identity->change_account({"li", {}, {}, {}, {}, true}, "admin").ok());
  EXPECT_EQ(wrong(*identity, "li"), Refused::WrongPassword);
  EXPECT_EQ(identity->sign_in("li", kGoodPassword, "").refused, Refused::Disabled);
  EXPECT_EQ(by_session(*identity, secret).refused, Refused::NotSignedIn);
  ASSERT_TRUE(identity->change_account({"li", {}, {}, {}, {}, false}, "admin").ok());
  EXPECT_EQ(by_session(*identity, secret).refused, Refused::NotSignedIn);  // it does not come back
  EXPECT_TRUE(identity->sign_in("li", kGoodPassword, "").ok());
}

TEST_F(IdentityTest, ASessionEndsSoLongAfterItsLastUseAndItsBeginning) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const std::string idle = signed_in(*identity, "li", kGoodPassword);
  const std::string used = signed_in(*identity, "li", kGoodPassword);
  const core::EventTime began = now_;
  now_ += hours(12) - core::Duration(1);
  EXPECT_TRUE(by_session(*identity, used).ok());
  now_ += core::Duration(1);
  EXPECT_EQ(by_session(*identity, idle).refused, Refused::Expired);
  while (now_ < began + hours(24 * 7) - hours(6)) {
    now_ += hours(6);
    EXPECT_TRUE(now_ == began + hours(24 * 7) || by_session(*identity, used).ok());
  }
  EXPECT_EQ(by_session(*identity, used).value.expires, began + hours(24 * 7));
  now_ = began + hours(24 * 7);
  EXPECT_EQ(by_session(*identity, used).refused, Refused::Expired);
}

TEST_F(IdentityTest, UseIsWrittenSeldomAndKnownToOthers) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  const auto records = [this] {
    int n = 0;
    each("users", [&](const stream::Record& r) { n += r.key.starts_with("session|") ? 1 : 0; });
    return n;
  };
  EXPECT_EQ(records(), 1);
  for (int i = 0; i < 60; ++i) {
    now_ += minutes(1);
    EXPECT_TRUE(by_session(*identity, secret).ok());
  }
  EXPECT_EQ(records(), 1 + 4);
  now_ += hours(12) - minutes(1);
  EXPECT_TRUE(by_session(*make(), secret).ok());  // after a restart
}

TEST_F(IdentityTest, ASessionOfOneConsoleIsKnownToAnother) {
  const auto one = make();
  const auto two = make();
  add(*one, "li", {}, kGoodPassword);
  const std::string secret = signed_in(*one, "li", kGoodPassword);
  EXPECT_EQ(by_session(*two, secret).refused, Refused::NotSignedIn);
  each("users", [&](const stream::Record& r) { two->apply(r); });
  EXPECT_TRUE(by_session(*two, secret).ok());
  each("users", [&](const stream::Record& r) { one->apply(r); });  // its own again
  EXPECT_TRUE(by_session(*one, secret).ok());
  EXPECT_EQ(one->counts().sessions, 1U);
}

TEST_F(IdentityTest, AUseThatOneConsoleWritesDoesNotBringBackWhatAnotherEnded) {
  const auto one = make();
  add(*one, "li", {}, kGoodPassword);
  const std::string secret = signed_in(*one, "li", kGoodPassword);
  const auto two = make();
  const auto who = by_session(*two, secret);
  ASSERT_TRUE(one->sign_out(who.value).ok());
  now_ += minutes(20);
  by_session(*two, secret);  // writes its use, and reads what was written meanwhile
  EXPECT_EQ(by_session(*two, secret).refused, Refused::NotSignedIn);
  EXPECT_EQ(by_session(*make(), secret).refused, Refused::NotSignedIn);
  log_.compact_now();
  EXPECT_EQ(by_session(*make(), secret).refused, Refused::NotSignedIn);
}

TEST_F(IdentityTest, SigningOutEndsTheSessionAndNoOther) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const std::string one = signed_in(*identity, "li", kGoodPassword);
  const std::string two = signed_in(*identity, "li", kGoodPassword);
  ASSERT_TRUE(identity->sign_out(by_session(*identity, one).value).ok());
  EXPECT_EQ(by_session(*identity, one).refused, Refused::NotSignedIn);
  EXPECT_TRUE(by_session(*identity, two).ok());
}

TEST_F(IdentityTest, TheOldestSessionGoesWhereThereAreTooMany) {
  options_.sessions_per_account_max = 3;
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  std::vector<std::string> secrets;
  for (int i = 0; i < 5; ++i) {
    secrets.push_back(signed_in(*identity, "li", kGoodPassword));
    now_ += seconds(1);
  }
  for (std::size_t i = 0; i < secrets.size(); ++i) EXPECT_EQ(by_session(*identity, secrets[i]).ok(), i >= 2) << i;
}

TEST_F(IdentityTest, WhatIsLongOverIsSweptWhenSomebodySignsIn) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  add(*identity, "zhang", {{Role::Viewer, "*"}}, kGoodPassword);
  signed_in(*identity, "li", kGoodPassword);
  ASSERT_TRUE(identity->make_token("zhang", "", {}, hours(1), "admin").ok());
  now_ += hours(24);
  signed_in(*identity, "zhang", kGoodPassword);
  EXPECT_EQ(identity->counts().sessions, 1U);
  EXPECT_EQ(identity->counts().tokens, 0U);
}

TEST_F(IdentityTest, ChangingThePasswordEndsAllElse) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  const std::string mine = signed_in(*identity, "li", kGoodPassword);
  const std::string other = signed_in(*identity, "li", kGoodPassword);
  const auto token = identity->make_token("li", "", {}, hours(1), "li");
  ASSERT_TRUE(token.ok());
  now_ += minutes(1);
  const Principal who = by_session(*identity, mine).value;
  EXPECT_EQ(identity->change_password(who, "wrong-9fhr-2q7", kOtherPassword).refused, Refused::WrongPassword);
  EXPECT_EQ(identity->change_password(who, kGoodPassword, "short").refused, Refused::WeakPassword);
  EXPECT_EQ(identity->change_password(who, kGoodPassword, kGoodPassword).refused, Refused::WeakPassword);
  const auto changed = identity->change_password(who, kGoodPassword, kOtherPassword);
  ASSERT_TRUE(changed.ok()) << changed.detail;
  const auto fresh = make();
  for (Identity* here : {identity.get(), fresh.get()}) {
    EXPECT_TRUE(by_session(*here, mine).ok());
    EXPECT_EQ(by_session(*here, other).refused, Refused::NotSignedIn);
    EXPECT_EQ(by_token(*here, token.value.secret).refused, Refused::NotSignedIn);
    EXPECT_EQ(here->sign_in("li", kGoodPassword, "").refused, Refused::WrongPassword);
    EXPECT_TRUE(here->sign_in("li", kOtherPassword, "").ok());
  }
}

TEST_F(IdentityTest, AnOldPasswordIsNotGuessedInASessionEither) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const Principal who = by_session(*identity, signed_in(*identity, "li", kGoodPassword)).value;
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(identity->change_password(who, "wrong-9fhr-2q7", kOtherPassword).refused, Refused::WrongPassword);
  EXPECT_EQ(identity->change_password(who, kGoodPassword, kOtherPassword).refused, Refused::Locked);
}

TEST_F(IdentityTest, AOneTimePasswordMustBeChanged) {
  const auto identity = make();
  const auto added = identity->add_account({"li", {}, {}, {}, {}, {}}, "admin");
  ASSERT_TRUE(added.ok());
  const std::string secret = signed_in(*identity, "li", added.value);
  EXPECT_TRUE(by_session(*identity, secret).value.change_password);
  ASSERT_TRUE(identity->change_password(by_session(*identity, secret).value, added.value, kGoodPassword).ok());
  EXPECT_FALSE(by_session(*identity, secret).value.change_password);
}

TEST_F(IdentityTest, WhereTheLogIsAwayNothingChangesAndReadingGoesOn) {
  const auto identity = make();
  add(*identity, "li", {{Role::Viewer, "*"}}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  const Principal who = by_session(*identity, secret).value;
  log_.unavailable(true);
  EXPECT_EQ(identity->sign_in("li", kGoodPassword, "").refused, Refused::LogAway);
  EXPECT_EQ(identity->sign_out(who).refused, Refused::LogAway);
  EXPECT_EQ(identity->end_sessions("li", "admin").refused, Refused::LogAway);
  now_ += hours(1);
  EXPECT_TRUE(by_session(*identity, secret).ok());
  log_.unavailable(false);
  log_.fail_appends(1);
  EXPECT_EQ(identity->change_account({"li", {}, "李", {}, {}, {}}, "admin").refused, Refused::LogAway);
  EXPECT_EQ(identity->account("li")->full_name, "某人");
  EXPECT_TRUE(identity->change_account({"li", {}, "李", {}, {}, {}}, "admin").ok());
  EXPECT_TRUE(by_session(*identity, secret).ok());
}

TEST_F(IdentityTest, NoRecordHoldsAPasswordOrASecret) {
  const auto identity = make();
  const auto first = identity->make_first_admin();
  ASSERT_TRUE(first.has_value() && first->has_value());
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  const std::string session = signed_in(*identity, "li", kGoodPassword);
  const auto token = identity->make_token("li", "board", {}, hours(1), "admin");
  ASSERT_TRUE(token.ok());
  ASSERT_TRUE(identity->change_password(by_session(*identity, session).value, kGoodPassword, kOtherPassword).ok());
  const auto reset = identity->reset_password("li", "admin");
  ASSERT_TRUE(reset.ok());
  const std::string bytes = all_bytes();
  EXPECT_GT(bytes.size(), 1000U);
  EXPECT_NE(bytes.find("account|li"), std::string::npos);
  for (const std::string& secret : {**first, std::string(kGoodPassword), std::string(kOtherPassword), reset.value,
                                    session.substr(17), token.value.secret.substr(21)}) {
    ASSERT_GT(secret.size(), 10U);
    EXPECT_EQ(bytes.find(secret), std::string::npos);
    EXPECT_EQ(bytes.find(secret.substr(0, 10)), std::string::npos);
  }
  // Nor does the ledger hold a hash.
  std::string entries;
  for (const Entry& e : ledger()) entries += e.before + e.after + e.why + e.what + e.id;
  each("users", [&](const stream::Record& r) {
    const auto decoded = decode_user(r.key, r.value);
    const auto* a = std::get_if<StoredAccount>(&decoded);
    EXPECT_TRUE(a == nullptr || !a->password || entries.find(a->password->hash) == std::string::npos);
  });
}

}  // namespace
}  // namespace qc::console
