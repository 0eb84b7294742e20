#include "qingchuan/tail_print.h"

#include <gtest/gtest.h>

#include "qingchuan/v1/identity.pb.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

std::string printed(const v1::UserRecord& record) {
  static const stream::TopicPartition users{"users", 0};
  const std::string bytes = record.SerializeAsString();
  stream::Record r;
  r.from = &users;
  r.value = bytes;
  return print_record("users", r, TailFormat::Json);
}

// "h" is "aA==" in the JSON of bytes.
TEST(TailPrint, OfUsersNoHashIsPrinted) {
  v1::UserRecord record;
  record.mutable_account()->set_name("li");
  record.mutable_account()->mutable_password()->set_scheme("scrypt");
  record.mutable_account()->mutable_password()->set_salt("h");
  record.mutable_account()->mutable_password()->set_hash("h");
  const std::string account = printed(record);
  EXPECT_NE(account.find("\"li\""), std::string::npos);
  EXPECT_NE(account.find("scrypt"), std::string::npos);
  EXPECT_EQ(account.find("aA=="), std::string::npos) << account;
  record.mutable_session()->set_account("li");
  record.mutable_session()->set_secret_sha256("h");
  EXPECT_NE(printed(record).find("\"li\""), std::string::npos);
  EXPECT_EQ(printed(record).find("aA=="), std::string::npos);
  record.mutable_token()->set_account("li");
  record.mutable_token()->set_secret_sha256("h");
  EXPECT_NE(printed(record).find("\"li\""), std::string::npos);
  EXPECT_EQ(printed(record).find("aA=="), std::string::npos);
}

}  // namespace
}  // namespace qc::commands
