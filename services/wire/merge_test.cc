#include "wire/merge.h"

#include <gtest/gtest.h>

namespace qc::wire {
namespace {

std::string row(int minute, const char* site) {
  return "2016-01-02T03:" + std::string(minute < 10 ? "0" : "") + std::to_string(minute) + ":00," + site +
         ",O3,5,ug/m3\n";
}

std::unique_ptr<FileReader> file(const std::string& rows) {
  auto opened = open_text("f", "time,site,factor,value,unit\n" + rows, {});
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

struct Merged {
  std::string order;  // "A0 B1 ...": site and minute
  std::optional<Error> error;
};

Merged read(Merge& merge) {
  Merged result;
  while (true) {
    auto item = merge.next();
    if (!item) {
      result.error = item.error();
      return result;
    }
    if (!*item) return result;
    const auto minute = core::ms((*item)->packet.interval.start) / 60'000 % 60;
    if (!result.order.empty()) result.order += ' ';
    result.order += (*item)->packet.site + std::to_string(minute);
  }
}

Merge merge_of(std::vector<std::string> texts) {
  std::vector<std::unique_ptr<FileReader>> files;
  for (const auto& text : texts) files.push_back(file(text));
  return Merge(std::move(files));
}

TEST(Merge, GivesTheFilesByTimeAndTiesInTheirOrder) {
  Merge merge = merge_of({row(1, "A") + row(2, "A") + row(5, "A"), row(0, "B") + row(2, "B"), "", row(2, "D")});
  EXPECT_EQ(read(merge).order, "B0 A1 A2 B2 D2 A5");
  EXPECT_EQ(merge.counts().readings(), 6);
  EXPECT_EQ(merge.counts().lines, 10);
  EXPECT_TRUE(merge.counts().balanced());
  for (std::size_t i = 0; i < merge.files(); ++i) EXPECT_EQ(merge.out_of_order(i), 0);
}

TEST(Merge, PassesOnInPlaceWhatIsOutOfOrderInItsFileAndCountsIt) {
  Merge merge =
      merge_of({row(3, "A") + row(1, "A") + row(2, "A") + row(3, "A") + row(9, "A"), row(2, "B") + row(4, "B")});
  EXPECT_EQ(read(merge).order, "B2 A3 A1 A2 A3 B4 A9");
  EXPECT_EQ(merge.out_of_order(0), 2);
  EXPECT_EQ(merge.out_of_order(1), 0);
}

// 2099 in the middle, twice in a row: those around it set the time.
TEST(Merge, APacketFarAheadOfThoseAfterItDoesNotMoveTheTime) {
  const std::string bad = "2099-01-01T00:00:00,X,O3,5,ug/m3\n2099-01-01T00:00:00,Y,O3,5,ug/m3\n";
  Merge merge = merge_of({row(1, "A") + bad + row(2, "A") + row(3, "A") + row(4, "A") + row(5, "A"), row(2, "B")});
  std::string turns;
  core::EventTime before = core::EventTime::min();
  for (auto item = merge.next(); item && *item; item = merge.next()) {
    EXPECT_GE((*item)->turn, before);
    before = (*item)->turn;
    turns += (*item)->packet.site + std::to_string(core::ms(before) / 60'000 % 60) + " ";
  }
  EXPECT_EQ(turns, "A2 X3 Y3 A3 B3 A4 A5 A6 ");  // a packet's turn is its minute's end
  EXPECT_EQ(merge.ahead(0), 2);
  EXPECT_EQ(merge.out_of_order(0), 0);
}

// A gap of a year is no bad clock.
TEST(Merge, AJumpThatTheRestOfTheFileFollowsIsBelieved) {
  Merge merge =
      merge_of({row(1, "A") + row(2, "A") + "2017-01-02T03:00:00,A,O3,5,ug/m3\n2017-01-02T03:01:00,A,O3,5,ug/m3\n"});
  EXPECT_EQ(read(merge).order, "A1 A2 A0 A1");
  EXPECT_EQ(merge.ahead(0), 0);
}

TEST(Merge, OfNothingIsEmpty) {
  Merge merge = merge_of({});
  EXPECT_EQ(read(merge).order, "");
}

TEST(Merge, AFileThatFailsEndsIt) {
  std::vector<std::unique_ptr<FileReader>> files;
  files.push_back(file(row(1, "A")));
  auto other = open_text("bad", "a,b\n", {});
  ASSERT_TRUE(other);
  files.push_back(std::move(*other));
  Merge merge(std::move(files));
  const auto result = read(merge);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code, Errc::file_malformed);
}

}  // namespace
}  // namespace qc::wire
