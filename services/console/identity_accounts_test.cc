// Accounts and tokens as admins keep them.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "console/identity_testing.h"

namespace qc::console {
namespace {

using std::chrono::hours;
using Grants = std::vector<Grant>;

class IdentityAccounts : public IdentityFixture {
 protected:
  static AccountChange named(const std::string& name) { return {name, {}, {}, {}, {}, {}}; }
  static AccountChange granted(const std::string& name, Grants grants) {
    return {name, {}, {}, std::move(grants), {}, {}};
  }
};

TEST_F(IdentityAccounts, AnAccountIsAddedOnceAndSeen) {
  const auto identity = make();
  const auto added = identity->add_account({"li",
                                            {},
                                            "李四",
                                            Grants{{Role::Operator, "a"}, {Role::Approver, "p"}, {Role::Operator, "a"}},
                                            std::vector<std::string>{"office"},
                                            {}},
                                           "admin");
  ASSERT_TRUE(added.ok()) << added.detail;
  EXPECT_EQ(identity->add_account(named("li"), "admin").refused, Refused::AlreadyThere);
  const auto li = identity->account("li");
  ASSERT_TRUE(li.has_value());
  EXPECT_EQ(li->full_name, "李四");
  EXPECT_EQ(li->grants, (Grants{{Role::Operator, "a"}, {Role::Approver, "p"}}));
  EXPECT_EQ(li->offices, std::vector<std::string>{"office"});
  EXPECT_EQ(li->revision, 1);
  EXPECT_EQ(li->changed_by, "admin");
  EXPECT_TRUE(li->has_password && li->change_password && !li->disabled);
  ASSERT_EQ(identity->accounts().size(), 1U);
  EXPECT_FALSE(identity->account("nobody").has_value());
  ASSERT_EQ(ledger().size(), 1U);
  const Entry entry = ledger()[0];
  EXPECT_EQ(entry.key, "account/li");
  EXPECT_EQ(entry.id, "users/account/li/1");
  EXPECT_EQ(entry.who, "admin");
  EXPECT_EQ(entry.what, "account_added");
  EXPECT_EQ(entry.before, "");
  EXPECT_EQ(entry.after, "operator@a, approver@p; offices: office; 李四; enabled");
  EXPECT_FALSE(entry.of_alerts);
}

TEST_F(IdentityAccounts, WhatCanBeNoAccountIsRefused) {
  options_.accounts_max = 2;
  const auto identity = make();
  const auto refusal = [&](const AccountChange& c) { return identity->add_account(c, "admin").refused; };
  EXPECT_EQ(refusal(named("Li")), Refused::BadName);
  EXPECT_EQ(refusal({"li", {}, "a\nb", {}, {}, {}}), Refused::BadName);
  EXPECT_EQ(refusal({"li", {}, {}, {}, std::vector<std::string>{""}, {}}), Refused::BadName);
  EXPECT_EQ(refusal(granted("li", {{Role::None, "a"}})), Refused::BadGrant);
  EXPECT_EQ(refusal(granted("li", {{Role::Operator, ""}})), Refused::BadGrant);
  EXPECT_EQ(refusal(granted("li", {{Role::Operator, "nowhere"}})), Refused::BadGrant);
  EXPECT_EQ(refusal(granted("li", {{Role::Admin, "a"}})), Refused::BadGrant);
  EXPECT_EQ(refusal(granted("li", Grants(65, {Role::Operator, "a"}))), Refused::TooMany);
  EXPECT_EQ(refusal({"li", {}, {}, {}, std::vector<std::string>(33, "o"), {}}), Refused::TooMany);
  EXPECT_EQ(identity->counts().accounts, 0U);
  EXPECT_EQ(refusal(named("li")), Refused::None);
  EXPECT_EQ(refusal(named("zhang")), Refused::None);
  EXPECT_EQ(refusal(named("wang")), Refused::TooMany);
}

TEST_F(IdentityAccounts, AChangeSaysWhatItSawAndTheLedgerBoth) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  AccountChange change = granted("li", {{Role::Operator, "b"}});
  change.expected_revision = 1;
  EXPECT_EQ(identity->change_account(change, "admin").refused, Refused::StaleRevision);
  change.expected_revision = 2;
  const auto changed = identity->change_account(change, "admin");
  ASSERT_TRUE(changed.ok()) << changed.detail;
  EXPECT_EQ(changed.value.revision, 3);
  EXPECT_EQ(changed.value.full_name, "某人");
  EXPECT_EQ(identity->change_account(granted("nobody", {}), "admin").refused, Refused::UnknownAccount);
  EXPECT_EQ(ledger().back().before, "operator@a; 某人; enabled");
  EXPECT_EQ(ledger().back().after, "operator@b; 某人; enabled");
  // What changes nothing is not written.
  EXPECT_EQ(identity->change_account(granted("li", {{Role::Operator, "b"}}), "admin").value.revision, 3);
  EXPECT_EQ(done(), (std::vector<std::string>{"account_added", "password_set", "account_changed"}));
}

TEST_F(IdentityAccounts, WhatIsTakenAwayIsGoneAtOnce) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  ASSERT_TRUE(identity->change_account(granted("li", {}), "admin").ok());
  EXPECT_TRUE(by_session(*identity, secret).value.grants.empty());
}

TEST_F(IdentityAccounts, OfTwoChangesAtOnceOneIsStaleAndTheLogAgrees) {
  const auto one = make();
  add(*one, "li", {}, kGoodPassword);
  for (int round = 0; round < 20; ++round) {
    const auto two = make();
    const auto change = [&](Identity& here, const char* full_name, Answered<AccountView>& answer) {
      AccountChange c = named("li");
      c.expected_revision = here.account("li")->revision;
      c.full_name = full_name + std::to_string(round);
      answer = here.change_account(c, "admin");
    };
    ASSERT_TRUE(one->read_all().has_value());
    Answered<AccountView> first;
    Answered<AccountView> second;
    std::thread other([&] { change(*two, "two", second); });
    change(*one, "one", first);
    other.join();
    EXPECT_NE(first.ok(), second.ok()) << first.detail << second.detail;
    EXPECT_EQ((first.ok() ? second : first).refused, Refused::StaleRevision);
    const std::string won = (first.ok() ? "one" : "two") + std::to_string(round);
    ASSERT_TRUE(one->read_all().has_value() && two->read_all().has_value());
    if (round % 2 == 0) log_.compact_now();
    const auto fresh = make();
    for (Identity* here : {one.get(), two.get(), fresh.get()}) EXPECT_EQ(here->account("li")->full_name, won);
  }
}

// What the loser of a race leaves in the log, made by hand: it was written after the winner's and before anybody read.
TEST_F(IdentityAccounts, ARecordThatCameTooLateIsCoveredBeforeCompactionLeavesItAlone) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  stream::NewRecord late;
  each("users", [&](const stream::Record& r) {
    auto decoded = decode_user(r.key, r.value);
    auto& account = std::get<StoredAccount>(decoded);
    account.full_name = "late";
    late = {*r.from, std::string(r.key), encode(account), {}};
  });
  auto appender = log_.appender();
  ASSERT_TRUE(appender.has_value() && (*appender)->append({&late, 1}).has_value());
  signed_in(*identity, "li", kGoodPassword);  // any write pays what is owed
  EXPECT_EQ(identity->account("li")->full_name, "某人");
  log_.compact_now();
  EXPECT_EQ(make()->account("li")->full_name, "某人");
}

TEST_F(IdentityAccounts, TheLastAdminStays) {
  const auto identity = make();
  ASSERT_TRUE(identity->make_first_admin()->has_value());
  const AccountChange off{"admin", {}, {}, {}, {}, true};
  EXPECT_EQ(identity->change_account(off, "admin").refused, Refused::LastAdmin);
  EXPECT_EQ(identity->change_account(granted("admin", {{Role::Operator, "*"}}), "admin").refused, Refused::LastAdmin);
  ASSERT_TRUE(identity->add_account(granted("second", {{Role::Admin, "*"}}), "admin").ok());
  EXPECT_TRUE(identity->change_account(off, "second").ok());
  EXPECT_EQ(identity->change_account({"second", {}, {}, {}, {}, true}, "second").refused, Refused::LastAdmin);
  // A disabled one is none.
  EXPECT_TRUE(identity->change_account({"admin", {}, {}, {}, {}, false}, "second").ok());
  EXPECT_TRUE(identity->change_account({"second", {}, {}, {}, {}, true}, "admin").ok());
}

TEST_F(IdentityAccounts, TwoThatStartAtOnceMakeOneFirstAdmin) {
  for (int round = 0; round < 10; ++round) {
    stream::MemoryLog log;
    const std::array topics = {stream::TopicSpec{"users", 3, stream::Cleanup::Compact, {}, {}},
                               stream::TopicSpec{"ledger", 1, stream::Cleanup::Delete, {}, {}}};
    ASSERT_TRUE(log.create_topics(topics).has_value());
    const auto one = Identity::create(log, options_);
    const auto two = Identity::create(log, options_);
    Result<std::optional<std::string>> first;
    Result<std::optional<std::string>> second;
    std::thread other([&] { second = (*two)->make_first_admin(); });
    first = (*one)->make_first_admin();
    other.join();
    ASSERT_TRUE(first.has_value() && second.has_value());
    ASSERT_NE(first->has_value(), second->has_value());
    const std::string password = first->has_value() ? **first : **second;
    log.compact_now();
    const auto third = Identity::create(log, options_);
    ASSERT_TRUE((*third)->read_all().has_value());
    for (const auto* here : {&one, &two, &third}) {
      const auto session = (**here)->sign_in("admin", password, "");
      EXPECT_TRUE(session.ok()) << session.detail;
      EXPECT_TRUE(session.value.who.change_password);
      EXPECT_TRUE(has_role(session.value.who, Role::Admin));
    }
    EXPECT_EQ(*(*third)->make_first_admin(), std::nullopt);
  }
}

TEST_F(IdentityAccounts, WhereThereIsAnAccountThereIsNoFirstAdmin) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  EXPECT_EQ(*make()->make_first_admin(), std::nullopt);
}

TEST_F(IdentityAccounts, AResetPasswordEndsEverythingAndMustBeChanged) {
  const auto identity = make();
  add(*identity, "li", {{Role::Viewer, "*"}}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  const auto token = identity->make_token("li", "", {}, hours(1), "admin");
  ASSERT_TRUE(token.ok());
  const auto reset = identity->reset_password("li", "admin");
  ASSERT_TRUE(reset.ok());
  EXPECT_FALSE(by_session(*identity, secret).ok());
  EXPECT_FALSE(by_token(*identity, token.value.secret).ok());
  EXPECT_EQ(identity->sign_in("li", kGoodPassword, "").refused, Refused::WrongPassword);
  EXPECT_TRUE(identity->sign_in("li", reset.value, "").value.who.change_password);
  EXPECT_EQ(identity->reset_password("nobody", "admin").refused, Refused::UnknownAccount);
  EXPECT_EQ(identity->set_password("nobody", kGoodPassword, "admin").refused, Refused::UnknownAccount);
  EXPECT_EQ(identity->set_password("li", "aaaaaaaaaaaaaaaa", "admin").refused, Refused::WeakPassword);
}

TEST_F(IdentityAccounts, EndedSessionsAndTokensAreOverAlsoWithinAMillisecond) {
  const auto identity = make();
  add(*identity, "li", {{Role::Viewer, "*"}}, kGoodPassword);
  for (int i = 0; i < 3; ++i) {
    const std::string secret = signed_in(*identity, "li", kGoodPassword);
    const auto token = identity->make_token("li", "", {}, hours(1), "admin");
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(identity->account("li")->sessions, 1U);
    EXPECT_EQ(identity->account("li")->tokens, 1U);
    ASSERT_TRUE(identity->end_sessions("li", "admin").ok());
    EXPECT_FALSE(by_session(*identity, secret).ok());
    EXPECT_FALSE(by_token(*identity, token.value.secret).ok());
    EXPECT_EQ(identity->account("li")->sessions, 0U);
    EXPECT_FALSE(by_session(*make(), secret).ok());
  }
  EXPECT_EQ(identity->end_sessions("nobody", "admin").refused, Refused::UnknownAccount);
}

// A session that was written by a console whose end of it we have not read: void by the account's word alone.
TEST_F(IdentityAccounts, ASessionFromBeforeTheEndIsVoidWhoeverWritesIt) {
  const auto identity = make();
  add(*identity, "li", {}, kGoodPassword);
  const std::string secret = signed_in(*identity, "li", kGoodPassword);
  std::vector<stream::NewRecord> session;
  each("users", [&](const stream::Record& r) {
    if (r.key.starts_with("session|")) session.push_back({*r.from, std::string(r.key), std::string(r.value), {}});
  });
  now_ += core::kHour;
  ASSERT_TRUE(identity->end_sessions("li", "admin").ok());
  auto appender = log_.appender();
  ASSERT_TRUE(appender.has_value() && (*appender)->append(session).has_value());
  log_.compact_now();
  EXPECT_EQ(by_session(*make(), secret).refused, Refused::Expired);
}

TEST_F(IdentityAccounts, ATokenSaysWhoseItIsAndEnds) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}, {Role::Admin, "*"}}, kGoodPassword);
  const auto made = identity->make_token("li", "大屏", {}, hours(48), "admin");
  ASSERT_TRUE(made.ok()) << made.detail;
  EXPECT_TRUE(made.value.secret.starts_with("qct_" + made.value.token.id + "_"));
  const auto who = by_token(*identity, made.value.secret);
  ASSERT_TRUE(who.ok()) << who.detail;
  EXPECT_EQ(who.value.account, "li");
  EXPECT_EQ(who.value.by, SignedInBy::Token);
  EXPECT_EQ(who.value.csrf, "");
  EXPECT_EQ(who.value.grants, (Grants{{Role::Operator, "a"}}));  // admin never
  EXPECT_EQ(identity->change_password(who.value, kGoodPassword, kOtherPassword).refused, Refused::NotSignedIn);
  EXPECT_EQ(identity->sign_out(who.value).refused, Refused::NotSignedIn);
  ASSERT_EQ(identity->tokens("li").size(), 1U);
  EXPECT_EQ(identity->tokens("li")[0].note, "大屏");
  EXPECT_EQ(ledger().back().what, "token_made");
  EXPECT_EQ(ledger().back().why, "大屏");
  now_ += hours(48);
  EXPECT_EQ(by_token(*identity, made.value.secret).refused, Refused::Expired);
  EXPECT_TRUE(identity->tokens("li").empty());
  std::string other = made.value.secret;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_EQ(by_token(*identity, other).refused, Refused::NotSignedIn);
}

TEST_F(IdentityAccounts, WhatCanBeNoTokenIsRefused) {
  options_.tokens_per_account_max = 2;
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  add(*identity, "boss", {{Role::Admin, "*"}}, kGoodPassword);
  const auto refusal = [&](const char* name, const Grants& scope, hours lasting = hours(1)) {
    return identity->make_token(name, "", scope, lasting, "admin").refused;
  };
  EXPECT_EQ(refusal("nobody", {}), Refused::UnknownAccount);
  EXPECT_EQ(refusal("li", {{Role::Admin, "*"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("li", {{Role::Operator, "*"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("li", {{Role::Operator, "p"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("li", {{Role::Approver, "a"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("li", {{Role::Operator, "nowhere"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("boss", {}), Refused::BadGrant);
  EXPECT_EQ(refusal("boss", {{Role::Admin, "*"}}), Refused::BadGrant);
  EXPECT_EQ(refusal("li", {}, hours(0)), Refused::TooMany);
  EXPECT_EQ(refusal("li", {}, hours(24 * 367)), Refused::TooMany);
  EXPECT_EQ(refusal("li", Grants(65, {Role::Operator, "a"})), Refused::TooMany);
  EXPECT_EQ(identity->make_token("li", "a\nb", {}, hours(1), "admin").refused, Refused::BadName);
  EXPECT_EQ(identity->counts().tokens, 0U);
  EXPECT_EQ(refusal("boss", {{Role::Viewer, "*"}}), Refused::None);  // an admin sees
  EXPECT_EQ(refusal("li", {{Role::Operator, "a1"}}), Refused::None);
  EXPECT_EQ(refusal("li", {{Role::Viewer, "a"}}), Refused::None);
  EXPECT_EQ(refusal("li", {}), Refused::TooMany);
  ASSERT_TRUE(identity->change_account({"li", {}, {}, {}, {}, true}, "admin").ok());
  EXPECT_EQ(refusal("li", {}), Refused::Disabled);
}

// For every pair of what the account has now and what the token was made with.
TEST_F(IdentityAccounts, ATokenNeverReachesMoreThanItsAccount) {
  const auto identity = make();
  const std::vector<Grant> all = {{Role::Operator, "*"},  {Role::Operator, "p"}, {Role::Operator, "a"},
                                  {Role::Operator, "a1"}, {Role::Operator, "b"}, {Role::Viewer, "*"},
                                  {Role::Viewer, "a"},    {Role::Admin, "*"}};
  int reached = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].role == Role::Admin) continue;
    const std::string name = "user" + std::to_string(i);
    add(*identity, name, {all[i]}, kGoodPassword);
    const auto token = identity->make_token(name, "", {all[i]}, hours(1), "admin");
    ASSERT_TRUE(token.ok()) << token.detail;
    for (const Grant& left : all) {
      ASSERT_TRUE(identity->change_account(granted(name, {left}), "admin").ok());
      for (const bool with_rules : {true, false}) {
        const auto rules = rules_;
        if (!with_rules) rules_ = nullptr;
        const auto who = by_token(*identity, token.value.secret);
        rules_ = rules;
        ASSERT_TRUE(who.ok());
        EXPECT_FALSE(has_role(who.value, Role::Admin));
        for (const Role role : {Role::None, Role::Operator}) {
          for (const char* region : {"p", "a", "a1", "b", "elsewhere"}) {
            if (!may(who.value, role, region, rules.get())) continue;
            ++reached;
            EXPECT_TRUE(sight_of({left}, rules.get(), role).sees(region)) << name << " " << left.region;
            EXPECT_TRUE(sight_of({all[i]}, rules.get(), role).sees(region)) << name << " " << all[i].region;
          }
        }
      }
    }
  }
  EXPECT_GT(reached, 100);
}

TEST_F(IdentityAccounts, ARevokedTokenIsOver) {
  const auto identity = make();
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  add(*identity, "zhang", {}, kGoodPassword);
  const auto made = identity->make_token("li", "n", {}, hours(1), "admin");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(identity->revoke_token("zhang", made.value.token.id, "admin").refused, Refused::NotSignedIn);
  EXPECT_EQ(identity->revoke_token("nobody", made.value.token.id, "admin").refused, Refused::UnknownAccount);
  EXPECT_TRUE(by_token(*identity, made.value.secret).ok());
  ASSERT_TRUE(identity->revoke_token("li", made.value.token.id, "admin").ok());
  EXPECT_EQ(by_token(*identity, made.value.secret).refused, Refused::NotSignedIn);
  EXPECT_EQ(identity->revoke_token("li", made.value.token.id, "admin").refused, Refused::NotSignedIn);
  const auto what = done();
  EXPECT_EQ(std::count(what.begin(), what.end(), "token_revoked"), 1);
}

TEST_F(IdentityAccounts, EntriesOfTheLedgerHaveIdsOfTheirOwn) {
  const auto identity = make();
  ASSERT_TRUE(identity->make_first_admin()->has_value());
  add(*identity, "li", {{Role::Operator, "a"}}, kGoodPassword);
  const auto token = identity->make_token("li", "", {}, hours(1), "admin");
  ASSERT_TRUE(identity->revoke_token("li", token.value.token.id, "admin").ok());
  ASSERT_TRUE(identity->end_sessions("li", "a\nb").ok());
  std::set<std::string> ids;
  for (const Entry& e : ledger()) {
    EXPECT_TRUE(ids.insert(e.id).second) << e.id;
    EXPECT_TRUE(e.id.starts_with("users/"));
    EXPECT_FALSE(e.of_alerts);
  }
  EXPECT_EQ(ids.size(), 6U);
  EXPECT_EQ(identity->account("li")->changed_by, "?");
}

}  // namespace
}  // namespace qc::console
