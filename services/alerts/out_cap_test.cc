// Warnings as files: written once, whole, and shown in the feed; drafts apart.
#include "alerts/out_cap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "alerts/out_testing.h"
#include "platform/test_dir.h"
#include "wire/cap.h"

namespace qc::alerts {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  if (!fs::exists(directory)) return names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A revision of the warning of region R, whose last message has that number, an hour after the one before.
OutItem item(std::int64_t number, core::FormalStatus status = core::FormalStatus::Actual, std::int64_t revision = 1) {
  core::ToldAlert t = fixture::told("R", revision, 2);
  t.alert.key.rule = t.alert.condition.rule = core::kWarningRule;
  core::FormalMessage& m = t.alert.formal.message;
  m.number = number;
  m.type = number == 1 ? core::FormalType::Alert : core::FormalType::Update;
  m.status = status;
  m.level = 2;
  m.basis = core::Basis::Observed;
  m.approver = status == core::FormalStatus::Actual ? "office" : "";
  m.sent = m.effective = fixture::kBegan + number * core::kHour;
  if (number > 1) m.follows = {number - 1, m.sent - core::kHour};
  OutItem i;
  i.at = {"alerts", 0};
  i.rules = "none";
  i.said = wire::AlertItem(std::move(t));
  return i;
}

class CapChannelTest : public testing::Test {
 protected:
  CapChannelTest() {
    options_.shape = OutShape::Cap;
    options_.directory = dir_.path("out");
    options_.sender = "s.example";
    options_.sender_name = "局";
  }
  Answer keep(const OutItem& item) { return *channel_.keep({&item, 1}); }
  fs::path out() const { return options_.directory; }
  std::string feed() const { return content(out() / kFeedName); }
  std::vector<std::string> messages() const {
    auto names = names_in(out());
    std::erase(names, kFeedName);
    return names;
  }

  const platform::TestDir dir_;
  OutletOptions options_;
  const RulesOf rules_ = [this](const std::string&) -> Result<std::shared_ptr<const core::RuleSet>> {
    return fail(rules_error_, "no rules");
  };
  Errc rules_error_ = Errc::rules_missing;
  CapChannel channel_{options_, rules_};
};

TEST_F(CapChannelTest, EachMessageIsAFileAndTheFeedHasTheNewestFirst) {
  const std::vector<OutItem> items = {item(1), item(2), item(3)};
  EXPECT_EQ(channel_.keep(items)->verdict, Verdict::Taken);
  ASSERT_EQ(messages().size(), 3U);
  EXPECT_THAT(content(out() / messages()[0]), HasSubstr("<identifier>warning-R-1</identifier>"));
  EXPECT_THAT(feed(), testing::ContainsRegex("warning-R-3(.|\n)*warning-R-2(.|\n)*warning-R-1<"));
  EXPECT_THAT(feed(), HasSubstr("<updated>" + core::to_iso(fixture::kBegan + 3 * core::kHour)));
  EXPECT_THAT(feed(), HasSubstr("href=\"" + messages()[2] + "\""));
}

TEST_F(CapChannelTest, AMessageThatIsOutIsNeverChanged) {
  keep(item(1));
  const std::string before = content(out() / messages()[0]);
  OutItem later = item(1, core::FormalStatus::Actual, 5);
  auto& told = std::get<core::ToldAlert>(std::get<wire::AlertItem>(later.said));
  told.alert.condition.clause = "another clause";
  keep(later);
  EXPECT_EQ(messages().size(), 1U);
  EXPECT_EQ(content(out() / messages()[0]), before);
}

TEST_F(CapChannelTest, WhatAKillLeftOutIsWrittenWhenTheRecordComesAgain) {
  keep(item(1));
  const std::string feed_before = feed();
  fs::remove(out() / ".entries" / messages()[0]);
  fs::remove(out() / kFeedName);
  std::ofstream(out() / (messages()[0] + ".new")) << "half";
  CapChannel next(options_, rules_);
  const OutItem again = item(1);
  EXPECT_EQ(next.keep({&again, 1})->verdict, Verdict::Taken);
  EXPECT_EQ(feed(), feed_before);
}

TEST_F(CapChannelTest, TheFeedIsThereWithTheFirstAlertOfAnyKind) {
  OutItem other;
  other.said = wire::AlertItem(fixture::told("S1", 1));
  EXPECT_EQ(keep(other).verdict, Verdict::Taken);
  EXPECT_THAT(messages(), IsEmpty());
  EXPECT_THAT(feed(), Not(HasSubstr("<entry>")));
}

TEST_F(CapChannelTest, DraftsAreLeftOutOrStandApart) {
  keep(item(1, core::FormalStatus::Draft));
  EXPECT_THAT(messages(), IsEmpty());
  options_.drafts = true;
  keep(item(1, core::FormalStatus::Draft));
  keep(item(2, core::FormalStatus::Exercise));
  EXPECT_EQ(messages().size(), 1U);
  EXPECT_EQ(names_in(out() / "draft").size(), 1U);
  EXPECT_THAT(feed(), Not(HasSubstr("warning-R-1<")));
  EXPECT_THAT(feed(), HasSubstr("<category term=\"Exercise\" />"));
}

TEST_F(CapChannelTest, TheFeedHoldsNoMoreThanItsLimit) {
  std::vector<OutItem> items;
  for (int i = 1; i <= 105; ++i) items.push_back(item(i));
  channel_.keep(items);
  EXPECT_EQ(messages().size(), 105U);
  const std::string text = feed();
  std::size_t entries = 0;
  for (std::size_t at = 0; (at = text.find("<entry>", at)) != std::string::npos; ++at) ++entries;
  EXPECT_EQ(entries, kFeedEntriesMax);
  EXPECT_THAT(text, HasSubstr("warning-R-6<"));
  EXPECT_THAT(text, Not(HasSubstr("warning-R-5<")));
}

TEST_F(CapChannelTest, WhatCannotBeAMessageIsRefusedAndWhatCannotBeWrittenIsTriedAgain) {
  OutItem bad = item(1);
  auto& told = std::get<core::ToldAlert>(std::get<wire::AlertItem>(bad.said));
  told.alert.condition.clause.assign(wire::kCapTextBytesMax + 1, 'x');
  EXPECT_EQ(keep(bad).verdict, Verdict::Refused);
  std::ofstream(options_.directory + "-file") << "no directory";
  options_.directory += "-file";
  const Answer answer = keep(item(1));
  EXPECT_EQ(answer.verdict, Verdict::Again);
  EXPECT_THAT(answer.why, HasSubstr(options_.directory));
}

TEST_F(CapChannelTest, RulesThatCannotBeReadNowAreWaitedFor) {
  rules_error_ = Errc::log_unavailable;
  EXPECT_EQ(keep(item(1)).verdict, Verdict::Again);
  EXPECT_THAT(messages(), IsEmpty());
}

}  // namespace
}  // namespace qc::alerts
