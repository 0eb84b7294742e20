#include "core/reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace qc::core {
namespace {

// The words are labels of metrics and dead letters: changing one breaks dashboards.
TEST(Reason, EveryReasonHasItsOwnWord) {
  std::set<std::string_view> words;
  for (std::size_t i = 1; i < kReasons; ++i) {
    const auto word = name(static_cast<Reason>(i));
    EXPECT_TRUE(words.insert(word).second) << word;
    EXPECT_FALSE(word.empty()) << i;
    EXPECT_TRUE(std::all_of(word.begin(), word.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); }))
        << word;
  }
  EXPECT_EQ(name(Reason::None), "");
  EXPECT_EQ(name(Reason::BadShape), "bad_shape");
  EXPECT_EQ(name(Reason::NotANumber), "not_a_number");
  EXPECT_EQ(name(Reason::Future), "future");
  EXPECT_EQ(name(Reason::NotSupported), "not_supported");
  EXPECT_EQ(static_cast<std::size_t>(Reason::NotSupported) + 1, kReasons);
}

}  // namespace
}  // namespace qc::core
