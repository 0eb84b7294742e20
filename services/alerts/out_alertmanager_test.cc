// What an Alertmanager is told of revisions: states, label sets that end when a level changes, and what is said again.
#include "alerts/out_alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "alerts/out_testing.h"

namespace qc::alerts {
namespace {

namespace json = boost::json;
using fixture::told;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::int64_t kNow = core::ms(fixture::kBegan) + 3'600'000;
constexpr stream::Milliseconds kResend{60'000};

OutItem item(core::ToldAlert t, int partition = 0) {
  OutItem i;
  i.at = {"alerts", partition};
  i.written_ms = kNow;
  i.said = wire::AlertItem(std::move(t));
  return i;
}

// "S1 1 firing" of each alert of a body: its end lies after `now`, or not.
std::vector<std::string> said(const std::string& body, std::int64_t now = kNow) {
  std::vector<std::string> out;
  if (body.empty()) return out;
  const json::value all = json::parse(body);
  for (const json::value& alert : all.as_array()) {
    const json::object& labels = alert.at("labels").as_object();
    const auto ends = core::parse_iso(std::string_view(alert.at("endsAt").as_string()));
    const auto starts = core::parse_iso(std::string_view(alert.at("startsAt").as_string()));
    EXPECT_LT(*starts, *ends);
    out.push_back(std::string(labels.at("subject").as_string()) + " " + std::string(labels.at("level").as_string()) +
                  (core::ms(*ends) > now ? " firing" : " over"));
    EXPECT_TRUE(core::ms(*ends) <= now || core::ms(*ends) == now + 3 * kResend.count());
  }
  return out;
}

class AlertmanagerChannelTest : public testing::Test {
 protected:
  std::vector<std::string> tell(std::vector<core::ToldAlert> revisions, std::int64_t now = kNow) {
    std::vector<OutItem> items;
    for (core::ToldAlert& t : revisions) items.push_back(item(std::move(t)));
    const OutPost made = channel_.make(items, now);
    EXPECT_EQ(made.items, items.size());
    channel_.taken(items, now);
    return said(made.body, now);
  }
  std::vector<std::string> again(std::int64_t now = kNow) {
    std::vector<std::string> all;
    for (const std::string& body : channel_.again(now)) {
      for (std::string& line : said(body, now)) all.push_back(std::move(line));
    }
    return all;
  }

  OutletOptions options_;
  wire::AlertWords words_;
  AlertmanagerChannel channel_{options_, words_};
};

TEST_F(AlertmanagerChannelTest, WhatFiresIsSaidAgainUntilItIsOverAndThenForAWhile) {
  EXPECT_THAT(tell({told("S1", 1), told("S2", 1)}), ElementsAre("S1 1 firing", "S2 1 firing"));
  EXPECT_THAT(again(), ElementsAre("S1 1 firing", "S2 1 firing"));
  EXPECT_THAT(tell({told("S1", 2, 0)}), ElementsAre("S1 1 over"));
  EXPECT_THAT(again(), ElementsAre("S2 1 firing", "S1 1 over"));
  const std::int64_t kept = options_.resolved_kept.count();
  EXPECT_THAT(again(kNow + kept - 1), ElementsAre("S2 1 firing", "S1 1 over"));
  EXPECT_THAT(again(kNow + kept), ElementsAre("S2 1 firing"));
}

TEST_F(AlertmanagerChannelTest, AChangedLevelEndsTheOldLabelsInTheSamePost) {
  tell({told("S1", 1, 1)});
  EXPECT_THAT(tell({told("S1", 2, 3)}), ElementsAre("S1 1 over", "S1 3 firing"));
  EXPECT_THAT(again(), UnorderedElementsAre("S1 3 firing", "S1 1 over"));
  // Back to a level that was over: it is over no more.
  EXPECT_THAT(tell({told("S1", 3, 1)}), ElementsAre("S1 3 over", "S1 1 firing"));
  EXPECT_THAT(again(), UnorderedElementsAre("S1 1 firing", "S1 3 over"));
}

TEST_F(AlertmanagerChannelTest, OfSeveralRevisionsTheLastCounts) {
  EXPECT_THAT(tell({told("S1", 1, 1), told("S1", 2, 2), told("S1", 3, 3)}), ElementsAre("S1 3 firing"));
  EXPECT_THAT(tell({told("S1", 4, 2), told("S1", 5, 0)}), ElementsAre("S1 3 over"));
  EXPECT_THAT(tell({told("S2", 1), told("S2", 2, 0)}), IsEmpty());
}

TEST_F(AlertmanagerChannelTest, WhatIsSuppressedDoesNotFireAndWhatFiredEnds) {
  core::ToldAlert hidden = told("S1", 1);
  hidden.alert.suppressed = true;
  EXPECT_THAT(tell({hidden}), IsEmpty());
  EXPECT_THAT(again(), IsEmpty());
  EXPECT_THAT(tell({told("S1", 2)}), ElementsAre("S1 1 firing"));
  hidden.alert.revision = 3;
  EXPECT_THAT(tell({hidden}), ElementsAre("S1 1 over"));
}

TEST_F(AlertmanagerChannelTest, AnAcknowledgementChangesAnnotationsAlone) {
  tell({told("S1", 1)});
  core::ToldAlert acked = told("S1", 2);
  acked.alert.response = core::Response::Acked;
  const OutItem i = item(acked);
  const std::string body = channel_.make({&i, 1}, kNow).body;
  EXPECT_THAT(said(body), ElementsAre("S1 1 firing"));
  EXPECT_EQ(json::parse(body).at(0).at("annotations").at("response").as_string(), "acked");
}

TEST_F(AlertmanagerChannelTest, RowsSayNothing) {
  OutItem i;
  i.said = wire::AlertItem(core::FoldRow{});
  const OutPost made = channel_.make({&i, 1}, kNow);
  EXPECT_EQ(made.items, 1U);
  EXPECT_EQ(made.body, "");
}

TEST_F(AlertmanagerChannelTest, WhatIsFoldedIsKnownAndAPartitionThatLeavesIsForgotten) {
  channel_.fold(item(told("S1", 1, 2)));
  channel_.fold(item(told("S2", 1), 1));
  channel_.fold(item(told("S3", 1)));
  channel_.fold(item(told("S3", 2, 0)));
  // Compaction left the end alone of this one.
  channel_.fold(item(told("S4", 7, 0)));
  EXPECT_THAT(again(), UnorderedElementsAre("S1 2 firing", "S2 1 firing", "S3 1 over", "S4 1 over"));
  EXPECT_THAT(tell({told("S1", 2, 1)}), ElementsAre("S1 2 over", "S1 1 firing"));
  channel_.forget({"alerts", 0});
  EXPECT_THAT(again(), ElementsAre("S2 1 firing"));
}

TEST_F(AlertmanagerChannelTest, AClockBehindTheLogStillMakesAnIntervalThatEnds) {
  const std::int64_t early = core::ms(fixture::kBegan) - 3'600'000;
  EXPECT_THAT(tell({told("S1", 1)}, early), ElementsAre("S1 1 firing"));
  EXPECT_THAT(tell({told("S1", 2, 0)}, early), ElementsAre("S1 1 over"));
}

TEST_F(AlertmanagerChannelTest, ManyAreSaidAgainInSeveralPosts) {
  for (int i = 0; i < 1201; ++i) channel_.fold(item(told("S" + std::to_string(i), 1)));
  const auto bodies = channel_.again(kNow);
  ASSERT_EQ(bodies.size(), 3U);
  EXPECT_EQ(json::parse(bodies[0]).as_array().size(), 500U);
  EXPECT_EQ(json::parse(bodies[2]).as_array().size(), 201U);
}

}  // namespace
}  // namespace qc::alerts
