#include "console/identity_book.h"

#include <gtest/gtest.h>

#include <random>

#include "stream/partition.h"

namespace qc::console {
namespace {

constexpr core::EventTime kBookBegin = core::event_time(1'790'000'000'000);
constexpr int kBookPartitions = 3;

struct WrittenUser {
  stream::TopicPartition from;
  stream::Offset offset = 0;
  std::string key;
  std::optional<std::string> value;
};

IdentityBook::Taken apply_written(IdentityBook& book, const WrittenUser& w) {
  stream::Record r;
  r.from = &w.from;
  r.offset = w.offset;
  r.key = w.key;
  r.tombstone = !w.value.has_value();
  if (w.value) r.value = *w.value;
  return book.apply(r);
}

class IdentityBookTest : public ::testing::Test {
 protected:
  WrittenUser& add(const std::string& account, std::string key, std::optional<std::string> value) {
    const int p = stream::partition_of(account, kBookPartitions);
    return log_.emplace_back(
        WrittenUser{{"users", p}, next_[static_cast<std::size_t>(p)]++, std::move(key), std::move(value)});
  }
  WrittenUser& account(const std::string& name, std::int32_t revision, const std::string& by) {
    StoredAccount a;
    a.name = name;
    a.revision = revision;
    a.changed = kBookBegin + core::Duration(revision);
    a.changed_by = by;
    return add(name, user_key(UserKind::Account, name), encode(a));
  }
  WrittenUser& session(const std::string& of, const std::string& id, int use = 0) {
    const StoredSession s{id, of, std::string(32, 'x'), kBookBegin, kBookBegin + core::kHour + core::Duration(use),
                          {}, {}};
    return add(of, user_key(UserKind::Session, id), encode(s));
  }
  WrittenUser& token(const std::string& of, const std::string& id) {
    const StoredToken t{id, of, std::string(32, 'y'), {}, {{Role::Viewer, "*"}}, kBookBegin, kBookBegin + core::kHour};
    return add(of, user_key(UserKind::Token, id), encode(t));
  }
  static std::string id(int i) {
    std::string text = std::to_string(i);
    return std::string(16 - text.size(), '0') + text;
  }
  static IdentityBook fold(const std::vector<WrittenUser>& log) {
    IdentityBook book(kBookPartitions);
    for (const WrittenUser& w : log) apply_written(book, w);
    return book;
  }
  // What compaction leaves of the first `upto` of each key.
  static std::vector<WrittenUser> compacted(const std::vector<WrittenUser>& log, std::size_t upto, bool tombstones) {
    std::vector<WrittenUser> left;
    for (std::size_t i = 0; i < log.size(); ++i) {
      bool later = false;
      for (std::size_t k = i + 1; k < upto; ++k) later = later || log[k].key == log[i].key;
      if (i < upto && (later || (!tombstones && !log[i].value))) continue;
      left.push_back(log[i]);
    }
    return left;
  }
  // What console and `user` write: revisions that rise by one, now and then too late and said again; sessions and
  // tokens that begin, are used and end.
  void write_something(std::mt19937& random) {
    const std::vector<std::string> names = {"admin", "li", "zhang", "wang", "zhao"};
    std::map<std::string, std::int32_t> revisions;
    std::map<std::string, std::string> last;
    std::vector<std::pair<std::string, int>> sessions;
    std::vector<std::pair<std::string, int>> tokens;
    int ids = 0;
    for (int i = 0; i < 120; ++i) {
      const std::string& name = names[random() % names.size()];
      switch (random() % 7) {
        case 0:
        case 1:
          last[name] = *account(name, ++revisions[name], "by" + std::to_string(i)).value;
          break;
        case 2:
          if (revisions[name] == 0) break;
          account(name, revisions[name], "late" + std::to_string(i));
          add(name, user_key(UserKind::Account, name), last[name]);
          break;
        case 3:
          sessions.emplace_back(name, ++ids);
          session(name, id(ids));
          break;
        case 4:
          if (!sessions.empty()) {
            const auto& [of, n] = sessions[random() % sessions.size()];
            session(of, id(n), i);
          }
          break;
        case 5:
          tokens.emplace_back(name, ++ids);
          token(name, id(ids));
          break;
        default:
          auto& from = random() % 2 == 0 || tokens.empty() ? sessions : tokens;
          if (from.empty()) break;
          const std::size_t at = random() % from.size();
          add(from[at].first, user_key(&from == &sessions ? UserKind::Session : UserKind::Token, id(from[at].second)),
              std::nullopt);
          from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
  }

  std::vector<stream::Offset> next_ = std::vector<stream::Offset>(kBookPartitions, 0);
  std::vector<WrittenUser> log_;
};

TEST_F(IdentityBookTest, AnyCompactedOrRepeatedLogGivesTheSameBook) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    log_.clear();
    next_.assign(kBookPartitions, 0);
    std::mt19937 random(seed);
    write_something(random);
    const IdentityBook whole = fold(log_);
    EXPECT_FALSE(whole.accounts().empty());
    EXPECT_TRUE(whole.owed().empty()) << "seed " << seed;
    for (const bool tombstones : {true, false}) {
      EXPECT_TRUE(fold(compacted(log_, log_.size(), tombstones)).same(whole)) << "seed " << seed;
      // A reader that was behind when the log was compacted.
      const std::size_t some = random() % log_.size();
      IdentityBook behind = fold({log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(some)});
      for (const WrittenUser& w : compacted(log_, log_.size(), true)) apply_written(behind, w);
      EXPECT_TRUE(behind.same(whole)) << "seed " << seed << ", behind from " << some;
    }
    IdentityBook twice = fold(log_);
    for (const WrittenUser& w : log_) EXPECT_EQ(apply_written(twice, w), IdentityBook::Taken::Repeat);
    EXPECT_TRUE(twice.same(whole)) << "seed " << seed;
  }
}

TEST_F(IdentityBookTest, PartitionsMayBeReadInAnyOrder) {
  std::mt19937 random(7);
  write_something(random);
  const IdentityBook whole = fold(log_);
  std::vector<WrittenUser> turned = log_;
  std::stable_sort(turned.begin(), turned.end(),
                   [](const WrittenUser& a, const WrittenUser& b) { return a.from.partition > b.from.partition; });
  EXPECT_TRUE(fold(turned).same(whole));
}

TEST_F(IdentityBookTest, OfTwoRecordsOfARevisionTheFirstCountsAndIsOwed) {
  IdentityBook book(kBookPartitions);
  const std::string first = *account("li", 1, "one").value;
  account("li", 1, "two");
  EXPECT_EQ(apply_written(book, log_[0]), IdentityBook::Taken::Yes);
  EXPECT_EQ(apply_written(book, log_[1]), IdentityBook::Taken::Late);
  EXPECT_EQ(book.account("li")->changed_by, "one");
  ASSERT_EQ(book.owed().size(), 1U);
  EXPECT_EQ(book.owed()[0].value, first);
  add("li", "account|li", book.owed()[0].value);
  EXPECT_EQ(apply_written(book, log_[2]), IdentityBook::Taken::Yes);
  EXPECT_TRUE(book.owed().empty());
  EXPECT_TRUE(fold(compacted(log_, log_.size(), true)).same(book));
}

TEST_F(IdentityBookTest, AnOldRevisionNeverComesBack) {
  IdentityBook book(kBookPartitions);
  account("li", 1, "one");
  account("li", 2, "two");
  account("li", 1, "old");
  for (const WrittenUser& w : log_) apply_written(book, w);
  EXPECT_EQ(book.account("li")->changed_by, "two");
  account("li", 3, "three");
  EXPECT_EQ(apply_written(book, log_.back()), IdentityBook::Taken::Yes);
  EXPECT_TRUE(book.owed().empty());
}

TEST_F(IdentityBookTest, WhatWasEndedStaysEndedAndItsEndIsOwed) {
  for (const bool of_token : {false, true}) {
    IdentityBook book(kBookPartitions);
    log_.clear();
    next_.assign(kBookPartitions, 0);
    const std::string key = user_key(of_token ? UserKind::Token : UserKind::Session, id(1));
    const auto write = [&] { of_token ? token("li", id(1)) : session("li", id(1)); };
    write();
    add("li", key, std::nullopt);
    write();
    EXPECT_EQ(apply_written(book, log_[0]), IdentityBook::Taken::Yes);
    EXPECT_EQ(apply_written(book, log_[1]), IdentityBook::Taken::Yes);
    EXPECT_EQ(apply_written(book, log_[2]), IdentityBook::Taken::Ended);
    EXPECT_EQ(book.session(id(1)), nullptr);
    EXPECT_EQ(book.token(id(1)), nullptr);
    ASSERT_EQ(book.owed().size(), 1U);
    EXPECT_EQ(book.owed()[0].key, key);
    EXPECT_FALSE(book.owed()[0].value.has_value());
    add("li", key, std::nullopt);
    apply_written(book, log_[3]);
    EXPECT_TRUE(book.owed().empty());
  }
}

TEST_F(IdentityBookTest, WhatIsNoneOfOursIsCountedAndPassedOver) {
  IdentityBook book(kBookPartitions);
  const auto refused = [&](WrittenUser w) {
    EXPECT_EQ(apply_written(book, w), IdentityBook::Taken::Refused);
    EXPECT_FALSE(book.last_refusal().empty());
  };
  account("li", 1, "one");
  refused({{"users", (log_[0].from.partition + 1) % kBookPartitions}, 0, log_[0].key, log_[0].value});
  refused({{"users", 0}, 10, "x", "garbage"});
  refused({{"users", 0}, 11, "x", std::nullopt});
  refused({{"users", 0}, 12, "account|li", std::nullopt});  // accounts are never erased
  refused({{"users", kBookPartitions}, 0, log_[0].key, log_[0].value});
  EXPECT_EQ(book.refused(), 5U);
  EXPECT_TRUE(book.same(IdentityBook(kBookPartitions)));
  EXPECT_EQ(book.next(0), 13);
}

TEST_F(IdentityBookTest, SessionsAndTokensAreFoundByTheirAccount) {
  session("li", id(2));
  session("li", id(1));
  session("li.si", id(3));
  token("li", id(4));
  const IdentityBook book = fold(log_);
  ASSERT_EQ(book.sessions_of("li").size(), 2U);
  EXPECT_EQ(book.sessions_of("li")[0]->session.id, id(1));
  EXPECT_EQ(book.tokens_of("li").size(), 1U);
  EXPECT_TRUE(book.tokens_of("li.si").empty());
}

}  // namespace
}  // namespace qc::console
