#include "console/feed.h"

#include <gtest/gtest.h>

#include <random>

#include "console/feed_window.h"
#include "console/snapshots.h"

namespace qc::console {
namespace {

const Slots kFeedSlots = {{"alerts", 0}, {"alerts", 1}, {"means", 0}};
const Subjects kOnlyAlerts = {Subject::Alerts};
const Subjects kBoth = {Subject::Alerts, Subject::Means};

void add(Feed& feed, std::size_t slot, stream::Offset offset, std::string region = "A") {
  feed.add({feed.subject_of(slot), slot, offset, std::move(region), "alert",
            std::make_shared<const std::string>("{\"n\":" + std::to_string(offset) + "}")});
}

std::vector<std::string> ids_from(const Feed& feed, std::uint64_t from) {
  std::vector<std::string> ids;
  EXPECT_TRUE(feed.read(from, [&](const Feed::Item& item) {
    ids.emplace_back(id_of(*item.frame));
    return true;
  }));
  return ids;
}

TEST(Feed, FrameIsWhatGoesOverTheWire) {
  EXPECT_EQ(frame_of("1.5.6", "alert", "{}"), "id: 1.5.6\nevent: alert\ndata: {}\n\n");
  EXPECT_EQ(frame_of({}, "snapshot", "{}"), "event: snapshot\ndata: {}\n\n");
  EXPECT_EQ(id_of("id: 1.5.6\nevent: alert\ndata: {}\n\n"), "1.5.6");
  EXPECT_EQ(id_of("event: snapshot\ndata: {}\n\n"), "");
  EXPECT_DEATH(frame_of("1", "alert", "{}\n\nevent: forged"), "one_line");
}

TEST(Feed, SubjectsHaveTheNamesOfTheirTopics) {
  for (const Subject subject : {Subject::Alerts, Subject::Means, Subject::RegionMeans}) {
    EXPECT_EQ(subject_named(name(subject)), subject);
  }
  EXPECT_FALSE(subject_named("ledger"));
  EXPECT_DEATH(Feed({}, {{"ledger", 0}}), "subject");
}

TEST(Feed, IdIsThePositionsAfterTheChange) {
  Feed feed({}, kFeedSlots);
  add(feed, 0, 0);
  add(feed, 2, 5);
  feed.pass(2, 9);
  feed.pass(2, 9);  // again: nothing
  feed.pass(2, 3);
  add(feed, 1, 2);
  EXPECT_EQ(ids_from(feed, 0), (std::vector<std::string>{"1.1.0.0", "1.1.0.6", "1.1.3.10"}));
  EXPECT_EQ(feed.positions(), (Positions{{1, 3, 10}}));
  EXPECT_EQ(feed.end(), 3U);
}

TEST(Feed, ReadingStopsWhereItIsToldAndGoesOnThere) {
  Feed feed({}, kFeedSlots);
  for (int i = 0; i < 5; ++i) add(feed, 0, i);
  std::vector<std::uint64_t> seen;
  const auto next = feed.read(1, [&](const Feed::Item& item) {
    seen.push_back(item.sequence);
    return seen.size() < 2;
  });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(next, 3U);
  EXPECT_EQ(feed.read(5, [](const Feed::Item&) { return true; }), 5U);
}

TEST(Feed, NumberIsBounded) {
  Feed feed({3, 1 << 20}, kFeedSlots);
  for (int i = 0; i < 10; ++i) add(feed, 0, i);
  EXPECT_EQ(feed.figures().changes, 3U);
  EXPECT_EQ(feed.figures().dropped, 7U);
  EXPECT_EQ(feed.begin(), 7U);
  EXPECT_FALSE(feed.read(6, [](const Feed::Item&) { return true; }));
  EXPECT_EQ(ids_from(feed, 7).size(), 3U);
}

TEST(Feed, BytesAreBounded) {
  constexpr std::size_t kBytes = 64 << 10;
  Feed feed({1'000'000, kBytes}, kFeedSlots);
  std::size_t greatest = 0;
  for (int i = 0; i < 1'000; ++i) {
    add(feed, 0, i);
    greatest = std::max(greatest, feed.figures().bytes);
  }
  EXPECT_LE(greatest, kBytes);
  EXPECT_GT(greatest, kBytes / 2);
  EXPECT_GT(feed.figures().dropped, 0U);
  // One that is greater than all together is not kept; nor is what was before it.
  feed.add({Subject::Alerts, 0, 2'000, "A", "alert", std::make_shared<const std::string>(2 * kBytes, 'x')});
  EXPECT_EQ(feed.figures().changes, 0U);
  EXPECT_EQ(feed.figures().bytes, 0U);
  EXPECT_FALSE(feed.resume({{2'000, 0, 0}}, kOnlyAlerts));
  EXPECT_TRUE(feed.resume({{2'001, 0, 0}}, kOnlyAlerts));
}

TEST(Feed, ResumesWhereThereIsSomethingUnseen) {
  Feed feed({}, kFeedSlots);
  add(feed, 0, 0);  // 0
  add(feed, 2, 0);  // 1
  add(feed, 1, 0);  // 2
  add(feed, 0, 1);  // 3
  EXPECT_EQ(feed.resume({{0, 0, 0}}, kBoth)->from, 0U);
  EXPECT_EQ(feed.resume({{1, 0, 1}}, kBoth)->from, 2U);
  // Another interleaving: it has seen both of slot 0, but nothing of slot 1.
  EXPECT_EQ(feed.resume({{2, 0, 1}}, kBoth)->from, 2U);
  EXPECT_EQ(feed.resume({{2, 1, 1}}, kBoth)->from, 4U);
  EXPECT_EQ(feed.resume({{2, 1, 1}}, kBoth)->end, 4U);
  EXPECT_EQ(feed.resume({{1, 1, 0}}, kOnlyAlerts)->from, 3U);
}

TEST(Feed, WhatIsNotSubscribedDoesNotKeepAnybodyFromResuming) {
  Feed feed({2, 1 << 20}, kFeedSlots);
  for (int i = 0; i < 5; ++i) add(feed, 2, i);
  Feed::NoResume why{};
  EXPECT_FALSE(feed.resume({{0, 0, 1}}, kBoth, &why));
  EXPECT_EQ(why, Feed::NoResume::TooOld);
  EXPECT_EQ(feed.resume({{0, 0, 1}}, kOnlyAlerts)->from, 5U);
  EXPECT_EQ(feed.resume({{0, 0, 77}}, kOnlyAlerts)->from, 5U);
  EXPECT_EQ(feed.resume({{0, 0, 3}}, kBoth)->from, 3U);
}

TEST(Feed, AheadIsAnotherLog) {
  Feed feed({}, kFeedSlots);
  add(feed, 0, 0);
  Feed::NoResume why{};
  EXPECT_FALSE(feed.resume({{2, 0, 0}}, kBoth, &why));
  EXPECT_EQ(why, Feed::NoResume::Ahead);
}

TEST(Feed, WhatStoodBeforeTheFirstRecordReadMayBeGone) {
  Feed feed({}, kFeedSlots);
  add(feed, 0, 100);  // the log begins there: retention, compaction
  Feed::NoResume why{};
  EXPECT_FALSE(feed.resume({{99, 0, 0}}, kBoth, &why));
  EXPECT_EQ(why, Feed::NoResume::TooOld);
  EXPECT_EQ(feed.resume({{100, 0, 0}}, kBoth)->from, 0U);
  add(feed, 0, 200);  // gaps after it are no loss: what is compacted was told again later
  EXPECT_EQ(feed.resume({{150, 0, 0}}, kBoth)->from, 1U);
}

TEST(Feed, WakesWhoAskedForIt) {
  Feed feed({}, kFeedSlots);
  feed.wake();
  int woken = 0;
  feed.on_change([&] { ++woken; });
  add(feed, 0, 0);
  EXPECT_EQ(woken, 0);
  feed.wake();
  EXPECT_EQ(woken, 1);
}

TEST(FeedWindow, HasTheLatestAndKnowsWhoSeesThem) {
  Feed feed({100, 1 << 20}, kFeedSlots);
  FeedWindow window(feed, 8);
  Audience& south = window.join(std::make_shared<const View>(kOnlyAlerts, Sight{false, {"S"}}));
  Audience& all = window.join(std::make_shared<const View>(kBoth, Sight{true, {}}));
  EXPECT_EQ(&all, &window.join(std::make_shared<const View>(kBoth, Sight{true, {}})));
  const auto seen_since = [&](std::uint64_t from) {
    std::vector<const Audience*> who;
    window.each_audience(from, [&](Audience& audience, bool sees) {
      if (sees) who.push_back(&audience);
    });
    return who;
  };
  add(feed, 0, 0, "N");
  add(feed, 2, 0, "S");
  ASSERT_TRUE(window.take());
  EXPECT_EQ(seen_since(0), (std::vector<const Audience*>{&all}));
  add(feed, 0, 1, "S");
  ASSERT_TRUE(window.take());
  EXPECT_EQ(seen_since(2).size(), 2U);
  EXPECT_EQ(south.visible[window.place(0)], 0);
  EXPECT_EQ(south.visible[window.place(2)], 1);
  EXPECT_EQ(window.id(), "1.2.0.1");
  // More at once than it holds: whatever they were, all must look in the feed.
  for (int i = 2; i < 30; ++i) add(feed, 0, i, "N");
  const std::uint64_t from = window.end();
  ASSERT_TRUE(window.take());
  EXPECT_EQ(window.end() - window.first(), 8U);
  EXPECT_EQ(seen_since(from).size(), 2U);
  // More than the feed itself keeps.
  for (int i = 30; i < 300; ++i) add(feed, 0, i, "N");
  EXPECT_FALSE(window.take());
  EXPECT_EQ(window.first(), feed.end());
  EXPECT_EQ(window.id(), "");
}

TEST(Snapshots, AreSharedForAMomentAndSoManyAtATime) {
  Feed feed({1, 1 << 20}, kFeedSlots);
  int made = 0;
  const auto make = [&](const Subjects&, const Sight&) {
    ++made;
    return Snapshot{{}, feed.end(), text(feed.positions())};
  };
  Snapshots snapshots(feed, make, 2, std::chrono::milliseconds(1'000));
  const Snapshots::Time start{};
  const auto at = [&](int ms) { return start + std::chrono::milliseconds(ms); };
  const View all(kBoth, Sight{true, {}});
  const View alerts(kOnlyAlerts, Sight{true, {}});
  const auto first = snapshots.get(all, at(0));
  EXPECT_EQ(snapshots.get(all, at(999)), first);
  const auto second = snapshots.get(all, at(1'000));
  EXPECT_NE(second, first);
  EXPECT_EQ(snapshots.get(alerts, at(1'000)), nullptr);
  EXPECT_EQ(made, 2);
  // What comes after it is no longer in the feed: a new one, once there is room.
  add(feed, 0, 0);
  EXPECT_EQ(snapshots.get(all, at(1'001))->sequence, 0U);
  add(feed, 0, 1);
  EXPECT_EQ(snapshots.get(all, at(1'002)), nullptr);
}

TEST(Snapshots, RoomComesBackWithTheLastWhoSendsIt) {
  Feed feed({}, kFeedSlots);
  const auto make = [&](const Subjects&, const Sight&) { return Snapshot{{}, feed.end(), text(feed.positions())}; };
  Snapshots snapshots(feed, make, 1, std::chrono::milliseconds(1'000));
  const Snapshots::Time start{};
  auto one = snapshots.get(View(kBoth, Sight{true, {}}), start);
  const View other(kOnlyAlerts, Sight{true, {}});
  const auto later = start + std::chrono::milliseconds(2'000);
  EXPECT_EQ(snapshots.get(other, later), nullptr);
  one.reset();
  EXPECT_NE(snapshots.get(other, later), nullptr);
}

}  // namespace
}  // namespace qc::console
