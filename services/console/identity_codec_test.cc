#include "console/identity_codec.h"

#include <gtest/gtest.h>

#include "qingchuan/v1/identity.pb.h"

namespace qc::console {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr core::EventTime kCodecThen = core::event_time(1'790'000'000'000);

StoredAccount full_stored_account() {
  StoredAccount a;
  a.name = "zhang.san";
  a.revision = 7;
  a.full_name = "张三";
  a.grants = {{Role::Operator, "fenyang"}, {Role::Admin, "*"}};
  a.offices = {"office"};
  a.password = PasswordHash{15, 8, 1, std::string(16, 's'), std::string(32, 'h')};
  a.change_password = true;
  a.disabled = true;
  a.changed = kCodecThen;
  a.changed_by = "admin";
  a.sessions_from = kCodecThen - core::kHour;
  return a;
}
StoredSession full_stored_session() {
  return {"0123456789abcdef", "zhang.san", std::string(32, 'x'), kCodecThen, kCodecThen + core::kHour,
          "10.0.0.1",         kCodecThen};
}
StoredToken full_stored_token() {
  return {"fedcba9876543210",    "zhang.san", std::string(32, 'y'),    "大屏",
          {{Role::Viewer, "*"}}, kCodecThen,  kCodecThen + core::kHour};
}

std::string why_refused(std::string_view key, std::string_view value) {
  const auto decoded = decode_user(key, value);
  const auto* rejected = std::get_if<core::Rejected>(&decoded);
  if (rejected == nullptr) return "taken";
  EXPECT_NE(rejected->reason, core::Reason::None);
  EXPECT_EQ(rejected->readings, 1);
  return rejected->detail;
}

TEST(IdentityCodec, WhatIsWrittenIsRead) {
  const auto account = decode_user("account|zhang.san", encode(full_stored_account()));
  EXPECT_EQ(std::get<StoredAccount>(account), full_stored_account());
  const auto session = decode_user("session|0123456789abcdef", encode(full_stored_session()));
  EXPECT_EQ(std::get<StoredSession>(session), full_stored_session());
  const auto token = decode_user("token|fedcba9876543210", encode(full_stored_token()));
  EXPECT_EQ(std::get<StoredToken>(token), full_stored_token());
}

TEST(IdentityCodec, BytesThatAreNoRecordAreRefusedWithAReason) {
  EXPECT_NE(why_refused("account|zhang.san", ""), "taken");
  EXPECT_NE(why_refused("account|zhang.san", "\xff\xff"), "taken");
  EXPECT_NE(why_refused("account|zhang.san", std::string(kUserRecordBytesMax + 1, 'a')), "taken");
  EXPECT_NE(why_refused("account|zhang.san", encode(full_stored_account()).substr(0, 40)), "taken");
  EXPECT_NE(why_refused("account|zhang.san", v1::UserRecord().SerializeAsString() + "\x22"), "taken");
}

TEST(IdentityCodec, ARecordStandsUnderItsOwnKey) {
  EXPECT_NE(why_refused("account|li.si", encode(full_stored_account())), "taken");
  EXPECT_NE(why_refused("token|0123456789abcdef", encode(full_stored_session())), "taken");
  EXPECT_NE(why_refused("zhang.san", encode(full_stored_account())), "taken");
  EXPECT_NE(why_refused("session|0123456789ABCDEF", encode(full_stored_session())), "taken");
}

// Every field that has a limit, beyond it; each says which.
TEST(IdentityCodec, EveryFieldBeyondItsLimitIsNamed) {
  const auto account = [](auto change) {
    v1::UserRecord r;
    EXPECT_TRUE(r.ParseFromString(encode(full_stored_account())));
    change(*r.mutable_account());
    return why_refused("account|zhang.san", r.SerializeAsString());
  };
  const auto has = [](const std::string& text, const char* part) {
    return ::testing::AssertionResult(text.find(part) != std::string::npos) << text;
  };
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_name("Zhang"); }), "account.name"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_revision(0); }), "account.revision"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_full_name("a\nb"); }), "account.full_name"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_full_name(std::string(121, 'a')); }), "account.full_name"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_grants(1)->set_role(v1::ROLE_UNSPECIFIED); }), "grants[1]"));
  EXPECT_TRUE(
      has(account([](v1::Account& a) { a.mutable_grants(0)->set_role(static_cast<v1::Role>(6)); }), "grants[0]"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_grants(0)->set_region(""); }), "region"));
  EXPECT_TRUE(has(account([](v1::Account& a) {
                    for (int i = 0; i < 64; ++i) *a.add_grants() = a.grants(0);
                  }),
                  "more than 64"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_offices(0, ""); }), "account.offices"));
  EXPECT_TRUE(has(account([](v1::Account& a) {
                    for (int i = 0; i < 32; ++i) a.add_offices("o");
                  }),
                  "more than 32"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_changed_ms(0); }), "account.changed_ms"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_sessions_from_ms(1); }), "account.sessions_from_ms"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.set_changed_by(std::string(201, 'a')); }), "account.changed_by"));
  // A record must not be able to ask for any amount of memory or work.
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_scheme("md5"); }), "password.scheme"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_log2_n(17); }), "password.log2_n"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_log2_n(9); }), "password.log2_n"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_r(9); }), "password.r"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_p(5); }), "password.p"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->set_salt("short"); }), "password.salt"));
  EXPECT_TRUE(has(account([](v1::Account& a) { a.mutable_password()->clear_hash(); }), "password.hash"));

  const auto session = [](auto change) {
    v1::UserRecord r;
    EXPECT_TRUE(r.ParseFromString(encode(full_stored_session())));
    change(*r.mutable_session());
    return why_refused("session|0123456789abcdef", r.SerializeAsString());
  };
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_id("1"); }), "session.id"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_account("x"); }), "session.account"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_secret_sha256("x"); }), "session.secret_sha256"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_began_ms(0); }), "beginning"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_expires_ms(0); }), "session.expires_ms"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_peer("a\tb"); }), "session.peer"));
  EXPECT_TRUE(has(session([](v1::Session& s) { s.set_confirmed_ms(5); }), "session.confirmed_ms"));

  const auto token = [](auto change) {
    v1::UserRecord r;
    EXPECT_TRUE(r.ParseFromString(encode(full_stored_token())));
    change(*r.mutable_token());
    return why_refused("token|fedcba9876543210", r.SerializeAsString());
  };
  EXPECT_TRUE(has(token([](v1::ApiToken& t) { t.set_note(std::string(201, 'n')); }), "token.note"));
  EXPECT_TRUE(has(token([](v1::ApiToken& t) { t.mutable_scope(0)->set_role(v1::ADMIN); }), "admin never by token"));
}

TEST(IdentityCodec, NamesAreSmallAndShort) {
  for (const char* fine : {"li", "zhang.san", "a_b-c.9", "abcdefghijklmnopqrstuvwxyz012345"})
    EXPECT_TRUE(is_account_name(fine)) << fine;
  for (const char* wrong : {"", "a", "Li", "li si", "张三", "a|b", "a/b", "abcdefghijklmnopqrstuvwxyz0123456"})
    EXPECT_FALSE(is_account_name(wrong)) << wrong;
}

}  // namespace
}  // namespace qc::console
