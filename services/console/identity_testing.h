// An Identity over a log in memory, with a clock that stands. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "console/identity.h"
#include "console/identity_codec.h"
#include "qingchuan/v1/alert.pb.h"
#include "stream/memory_log.h"
#include "stream/read_range.h"

namespace qc::console {

class IdentityFixture : public ::testing::Test {
 protected:
  IdentityFixture() {
    const std::array topics = {stream::TopicSpec{"users", 3, stream::Cleanup::Compact, {}, {}},
                               stream::TopicSpec{"ledger", 2, stream::Cleanup::Delete, {}, {}}};
    EXPECT_TRUE(log_.create_topics(topics).has_value());
    options_.scrypt_log2_n = kScryptLog2NMin;
    options_.now = [this] { return now_; };
    options_.rules = [this] { return rules_; };
    options_.version = "test";
    auto rules = std::make_shared<core::RuleSet>();
    for (const auto& [id, parent] :
         {std::pair{"p", ""}, std::pair{"a", "p"}, std::pair{"a1", "a"}, std::pair{"b", "p"}}) {
      rules->regions[id].id = id;
      rules->regions[id].parent = parent;
    }
    rules_ = rules;
  }

  std::unique_ptr<Identity> make() {
    auto made = Identity::create(log_, options_);
    EXPECT_TRUE(made.has_value());
    EXPECT_TRUE((*made)->read_all().has_value());
    return std::move(*made);
  }
  // The account, with a password of its own that need not be changed.
  void add(Identity& identity, const std::string& name, std::vector<Grant> grants, const std::string& password) {
    const auto added = identity.add_account({name, {}, "某人", std::move(grants), {}, {}}, "admin");
    ASSERT_TRUE(added.ok()) << added.detail;
    const auto set = identity.set_password(name, password, "admin");
    ASSERT_TRUE(set.ok()) << set.detail;
  }
  static Answered<Principal> by_session(Identity& identity, const std::string& secret) {
    return identity.authenticate({secret, {}, "10.0.0.1"});
  }
  static Answered<Principal> by_token(Identity& identity, const std::string& secret) {
    return identity.authenticate({{}, secret, "10.0.0.1"});
  }
  std::string signed_in(Identity& identity, const std::string& name, const std::string& password) {
    auto session = identity.sign_in(name, password, "10.0.0.1");
    EXPECT_TRUE(session.ok()) << session.detail;
    return session.value.secret;
  }
  struct Entry {
    std::string key;
    std::string id;
    std::string who;
    std::string what;
    std::string why;
    std::string before;
    std::string after;
    bool of_alerts = false;
  };
  std::vector<Entry> ledger() {
    std::vector<Entry> all;
    each("ledger", [&](const stream::Record& r) {
      ::qingchuan::v1::LedgerEntry e;
      EXPECT_TRUE(e.ParseFromArray(r.value.data(), static_cast<int>(r.value.size())));
      EXPECT_EQ(r.key, e.subject());
      all.push_back({std::string(r.key), e.id(), e.who(), e.what(), e.why(), e.before(), e.after(), e.has_origin()});
    });
    return all;
  }
  std::vector<std::string> done() {  // what the ledger says, in its order by partition
    std::vector<std::string> all;
    for (const Entry& e : ledger()) all.push_back(e.what);
    return all;
  }
  // Everything that any record holds.
  std::string all_bytes() {
    std::string all;
    for (const char* topic : {"users", "ledger"})
      each(topic, [&](const stream::Record& r) {
        all += std::string(r.key) + "\n" + std::string(r.value) + "\n" + std::string(r.headers.bytes()) + "\n";
      });
    return all;
  }
  template <class Use>
  void each(const char* topic, Use use) {
    const auto whole = stream::whole_topic(log_, topic);
    ASSERT_TRUE(whole.has_value());
    ASSERT_TRUE(stream::read_range(log_, *whole, [&](const stream::Record& r) {
                  use(r);
                  return true;
                }).has_value());
  }

  core::EventTime now_ = core::event_time(1'790'000'000'000);
  std::shared_ptr<const core::RuleSet> rules_;
  IdentityOptions options_;
  stream::MemoryLog log_{{[this] { return ms(now_); }}};
};

inline constexpr const char* kGoodPassword = "k7pd-xm2q-9fhr";
inline constexpr const char* kOtherPassword = "t4wb-9fhr-xm2q";

}  // namespace qc::console
