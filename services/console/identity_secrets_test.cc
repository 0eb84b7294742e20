#include "console/identity_secrets.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "platform/hmac.h"

namespace qc::console {
namespace {

TEST(IdentitySecrets, SecretsAreOfTheirLengthAndNeverTwice) {
  std::set<std::string> all;
  for (int i = 0; i < 500; ++i) {
    EXPECT_TRUE(is_user_id(random_user_id()));
    const std::string secret = random_secret();
    EXPECT_EQ(secret.size(), 64U);
    EXPECT_TRUE(all.insert(secret).second);
    const std::string password = one_time_password();
    EXPECT_EQ(password.size(), 19U);
    EXPECT_EQ(password.find_first_of("01oil"), std::string::npos);
    EXPECT_EQ(weak_password("admin", password), std::nullopt);
    EXPECT_TRUE(all.insert(password).second);
  }
}

TEST(IdentitySecrets, APasswordIsItselfAndNoOther) {
  const auto hash = hash_password("correct horse battery", 10);
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(is_password("correct horse battery", *hash), true);
  EXPECT_EQ(is_password("correct horse batterz", *hash), false);
  EXPECT_EQ(is_password("", *hash), false);
  EXPECT_NE(*hash_password("correct horse battery", 10), *hash);  // another salt
}

// RFC 7914 section 12: scrypt("pleaseletmein", "SodiumChloride", N 16384, r 8, p 1), its first 32 bytes.
TEST(IdentitySecrets, HashesAreScryptAsInItsRfc) {
  PasswordHash hash;
  hash.log2_n = 14;
  hash.salt = "SodiumChloride";
  const std::string hex = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2";
  for (std::size_t i = 0; i < hex.size(); i += 2)
    hash.hash += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  EXPECT_EQ(is_password("pleaseletmein", hash), true);
}

TEST(IdentitySecrets, TheGreatestHashThatARecordMayAskForIsComputed) {
  PasswordHash hash;
  hash.log2_n = kScryptLog2NMax;
  hash.r = kScryptRMax;
  hash.p = kScryptPMax;
  hash.salt = std::string(64, 's');
  hash.hash = std::string(kHashBytes, '\0');
  EXPECT_EQ(is_password("pleaseletmein", hash), false);
}

TEST(IdentitySecrets, WeakPasswordsAreRefusedWithTheReason) {
  const auto why = [](const char* password) { return weak_password("zhang", password).value_or("fine"); };
  EXPECT_EQ(why("k7pdxm2q9fhr"), "fine");
  EXPECT_EQ(why("今天天气真好我们去看看山"), "fine");  // 12 characters
  EXPECT_NE(why("k7pdxm2q9fh"), "fine");
  EXPECT_NE(why("今天天气真好我们去看山"), "fine");  // 11
  EXPECT_NE(weak_password("zhang", std::string(100, 'a') + std::string(157, 'b')), std::nullopt);
  EXPECT_EQ(why("my-Zhang-9fhr-2q"), "the account's name is in it");
  EXPECT_EQ(why("820915736402"), "a password of digits alone has at least 16");
  EXPECT_EQ(why("8209157364021958"), "fine");
  EXPECT_EQ(why("1234567890123456"), "it is one of the most used passwords");
  EXPECT_EQ(why("aaaaaaaaaaaa"), "it has fewer than 5 different characters");
  EXPECT_EQ(why("woainiwoaini"), "it repeats a few characters");
  EXPECT_EQ(why("Woaini1314520"), "it is one of the most used passwords");
  EXPECT_EQ(why("1qaz2wsx3edc"), "it is one of the most used passwords");
  EXPECT_EQ(weak_password("li", "likes-9fhr-2q7"), std::nullopt);
}

TEST(IdentitySecrets, SecretsAreReadAsTheyAreWrittenAndNotOtherwise) {
  const std::string id = random_user_id();
  const std::string secret = random_secret();
  const std::string session = session_text(id, secret);
  ASSERT_TRUE(parse_session_text(session).has_value());
  EXPECT_EQ(parse_session_text(session)->id, id);
  EXPECT_EQ(parse_session_text(session)->secret, secret);
  const std::string token = token_text(id, secret);
  ASSERT_TRUE(parse_token_text(token).has_value());
  EXPECT_EQ(parse_token_text(token)->secret, secret);
  EXPECT_FALSE(parse_token_text(session).has_value());
  EXPECT_FALSE(parse_session_text(token).has_value());
  EXPECT_FALSE(parse_session_text("").has_value());
  EXPECT_FALSE(parse_session_text(session + "0").has_value());
  EXPECT_FALSE(parse_session_text(session.substr(1)).has_value());
  std::string large = session;
  large.back() = 'A';
  EXPECT_FALSE(parse_session_text(large).has_value());
}

TEST(IdentitySecrets, SameComparesAllOfIt) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
  std::string secret = "secret";
  wipe(secret);
  EXPECT_TRUE(secret.empty());
}

TEST(IdentitySecrets, NoMoreHashesAtOnceThanThereAreSlots) {
  HashSlots slots(1);
  auto first = slots.take(std::chrono::milliseconds(0));
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(slots.take(std::chrono::milliseconds(0)).has_value());
  std::optional<bool> waited;
  std::thread second([&] { waited = slots.take(std::chrono::minutes(1)).has_value(); });
  first.reset();
  second.join();
  EXPECT_EQ(waited, true);
  EXPECT_TRUE(slots.take(std::chrono::milliseconds(0)).has_value());
}

}  // namespace
}  // namespace qc::console
