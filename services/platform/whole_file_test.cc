#include "platform/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "platform/test_dir.h"

namespace qc::platform {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(WholeFile, ReplacesWhatIsThereAndLeavesNothingBeside) {
  const TestDir dir;
  const std::string path = dir.path("a.xml");
  ASSERT_TRUE(write_whole_file(path, "first"));
  // What a kill left of an earlier attempt.
  dir.write("a.xml.new", "a longer half of something");
  ASSERT_TRUE(write_whole_file(path, "second"));
  EXPECT_EQ(content(path), "second");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(WholeFile, WhereItCannotBeWrittenTheOldOneStays) {
  const TestDir dir;
  const std::string path = dir.path("a.xml");
  ASSERT_TRUE(write_whole_file(path, "first"));
  std::filesystem::create_directory(path + ".new");
  const auto written = write_whole_file(path, "second");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::file_unreadable);
  EXPECT_NE(written.error().text.find(path), std::string::npos);
  EXPECT_EQ(content(path), "first");
  EXPECT_FALSE(write_whole_file(dir.path("nowhere/a.xml"), "x"));
}

}  // namespace
}  // namespace qc::platform
