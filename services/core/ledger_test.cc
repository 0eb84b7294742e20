#include "core/ledger.h"

#include <gtest/gtest.h>

#include <set>

namespace qc::core {
namespace {

TEST(Ledger, CountingKeepsItBalanced) {
  Ledger ledger;
  EXPECT_TRUE(ledger.balanced());
  for (std::size_t i = 0; i + 1 < kAccounts; ++i)
    ledger.count(static_cast<Account>(i), static_cast<std::int64_t>(i) + 1);
  ledger.count_malformed(Reason::Negative, 3);
  ledger.count_malformed(Reason::Future, 4);
  EXPECT_TRUE(ledger.balanced());
  EXPECT_EQ(ledger.in, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 7);
  EXPECT_EQ(ledger.of(Account::Stored), 1);
  EXPECT_EQ(ledger.of(Account::Malformed), 7);
  EXPECT_EQ(ledger.malformed[static_cast<std::size_t>(Reason::Future)], 4);
}

TEST(Ledger, ALostOrDoubledReadingIsSeen) {
  Ledger ledger;
  ledger.count(Account::Stored, 10);
  Ledger lost = ledger;
  lost.accounts[0] -= 1;
  EXPECT_FALSE(lost.balanced());
  Ledger doubled = ledger;
  doubled.in += 1;
  EXPECT_FALSE(doubled.balanced());
}

TEST(Ledger, AMalformedReadingWithoutAReasonIsSeen) {
  Ledger ledger;
  ledger.count(Account::Malformed);
  EXPECT_FALSE(ledger.balanced());
}

TEST(Ledger, EveryAccountHasItsOwnWord) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < kAccounts; ++i) {
    EXPECT_TRUE(words.insert(name(static_cast<Account>(i))).second);
  }
  EXPECT_EQ(name(Account::Stored), "stored");
  EXPECT_EQ(name(Account::Malformed), "malformed");
  EXPECT_EQ(words.count(""), 0U);
}

}  // namespace
}  // namespace qc::core
