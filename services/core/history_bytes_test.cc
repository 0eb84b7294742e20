// What is written of a day and of a month is read again as it was; what is broken is refused, and nothing is read that
// could not be used.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/history.h"

namespace qc::core {
namespace {

std::string bytes(const Day& day) {
  std::string out;
  day.write(out);
  return out;
}
std::string bytes(const Month& month) {
  std::string out;
  month.write(out);
  return out;
}

Day some_day() {
  Day day;
  day.closed = true;
  day.first_offset = 1'234'567;
  day.index_revision = 3;
  Day::Column& first = day.column(0);
  first.mean[0] = 0;
  first.mean[23] = kConcentrationMax;
  first.published = 0x00800001;
  first.flat = 0x00800000;
  first.revision = 2;
  day.column(2).mda8_revision = std::numeric_limits<std::int32_t>::max();
  day.republished = {{0, 0, 23, 2}, {1, 2, 7, 5}, {3, 0, 0, 2}};
  return day;
}

Month some_month() {
  MonthValues values;
  values.columns.resize(3);
  values.columns[0].published = 0x40000003;  // days 1, 2 and 31
  values.columns[0].value[0] = 0;
  values.columns[0].value[30] = kConcentrationMax;
  values.columns[2].published = 1;
  values.columns[2].value[0] = ug(35).pg;
  Month month;
  month.close(values);
  return month;
}

template <class T>
void expect_refused(const std::string& broken, const char* why) {
  T read;
  EXPECT_FALSE(read.read(broken)) << why;
}

TEST(HistoryBytes, ADayIsReadAsItWasWritten) {
  const Day day = some_day();
  Day read;
  ASSERT_TRUE(read.read(bytes(day)));
  EXPECT_TRUE(read.closed);
  EXPECT_EQ(read.first_offset, 1'234'567);
  EXPECT_EQ(read.index_revision, 3);
  ASSERT_EQ(read.columns.size(), 3U);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(read.columns[c].mean, day.columns[c].mean);
    EXPECT_EQ(read.columns[c].published, day.columns[c].published);
    EXPECT_EQ(read.columns[c].flat, day.columns[c].flat);
    EXPECT_EQ(read.columns[c].revision, day.columns[c].revision);
    EXPECT_EQ(read.columns[c].mda8_revision, day.columns[c].mda8_revision);
  }
  ASSERT_EQ(read.republished.size(), 3U);
  EXPECT_EQ(read.republished[1].place(), std::tuple(1, 2, 7));
  EXPECT_EQ(read.republished[1].revision, 5);
  EXPECT_EQ(bytes(read), bytes(day));
}

TEST(HistoryBytes, AnEmptyDayIsReadAsOne) {
  Day read = some_day();
  ASSERT_TRUE(read.read(bytes(Day{})));
  EXPECT_FALSE(read.closed);
  EXPECT_EQ(read.first_offset, -1);
  EXPECT_TRUE(read.columns.empty());
  EXPECT_TRUE(read.republished.empty());
}

TEST(HistoryBytes, ADayCutShortOrWithMoreBehindItIsRefused) {
  const std::string whole = bytes(some_day());
  for (std::size_t n = 0; n < whole.size(); ++n) expect_refused<Day>(whole.substr(0, n), "cut short");
  expect_refused<Day>(whole + '\0', "a byte too many");
}

TEST(HistoryBytes, ADayThatCannotBeIsRefused) {
  std::string other_version = bytes(some_day());
  other_version[0] = 2;
  expect_refused<Day>(other_version, "version");
  const auto broken = [](auto change, const char* why) {
    Day day = some_day();
    change(day);
    expect_refused<Day>(bytes(day), why);
  };
  broken([](Day& d) { d.first_offset = -2; }, "offset");
  broken([](Day& d) { d.index_revision = -1; }, "revision of the index");
  broken([](Day& d) { d.column(0).mean[5] = kConcentrationMax + 1; }, "concentration");
  broken([](Day& d) { d.column(0).mean[5] = -2; }, "negative concentration");
  broken([](Day& d) { d.column(0).published = 1U << 24; }, "an hour 24 published");
  broken([](Day& d) { d.column(0).flat = 1U << 24; }, "an hour 24 flat");
  broken([](Day& d) { d.column(0).revision = -1; }, "revision of the day");
  broken([](Day& d) { d.column(0).mda8_revision = -1; }, "revision of the MDA8");
  broken([](Day& d) { d.columns.resize(kFactors + 1); }, "more columns than factors");
  broken([](Day& d) { d.republished[2].kind = 4; }, "kind");
  broken([](Day& d) { d.republished[2].column = kFactors; }, "column");
  broken([](Day& d) { d.republished[0].hour = 24; }, "hour");
  broken([](Day& d) { d.republished[2].revision = -1; }, "revision");
  broken([](Day& d) { std::swap(d.republished[0], d.republished[1]); }, "out of order");
  broken([](Day& d) { d.republished[1] = d.republished[0]; }, "twice");
}

TEST(HistoryBytes, AMonthIsReadAsItWasWritten) {
  const Month month = some_month();
  Month read;
  ASSERT_TRUE(read.read(bytes(month)));
  const MonthValues values = read.open();
  ASSERT_EQ(values.columns.size(), 3U);
  EXPECT_EQ(values.columns[0].published, 0x40000003U);
  EXPECT_EQ(values.columns[0].value[0], 0);
  EXPECT_EQ(values.columns[0].value[1], Day::kNone);  // published, and not valid
  EXPECT_EQ(values.columns[0].value[2], Day::kNone);
  EXPECT_EQ(values.columns[0].value[30], kConcentrationMax);
  EXPECT_EQ(values.columns[1].published, 0U);
  EXPECT_EQ(values.columns[2].value[0], ug(35).pg);
  EXPECT_EQ(bytes(read), bytes(month));
}

TEST(HistoryBytes, AMonthWithoutDaysIsReadAsOne) {
  Month read = some_month();
  ASSERT_TRUE(read.read(bytes(Month{})));
  EXPECT_TRUE(read.packed.empty());
  EXPECT_TRUE(read.open().columns.empty());
}

TEST(HistoryBytes, AClosedMonthIsToBeSaved) {
  Month month;
  month.dirty = false;
  month.close(some_month().open());
  EXPECT_TRUE(month.dirty);
  EXPECT_EQ(bytes(month), bytes(some_month()));
}

TEST(HistoryBytes, AMonthCutShortOrWithMoreBehindItIsRefused) {
  const std::string whole = bytes(some_month());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    if (n != 1) expect_refused<Month>(whole.substr(0, n), "cut short");  // the version alone: no days
  }
  expect_refused<Month>(whole + '\0', "a byte too many");
}

TEST(HistoryBytes, AMonthThatCannotBeIsRefused) {
  std::string other_version = bytes(some_month());
  other_version[0] = 2;
  expect_refused<Month>(other_version, "version");
  const auto broken = [](auto change, const char* why) {
    MonthValues values = some_month().open();
    change(values);
    Month month;
    month.close(values);
    expect_refused<Month>(bytes(month), why);
  };
  broken([](MonthValues& v) { v.columns[0].value[30] = kConcentrationMax + 1; }, "concentration");
  broken([](MonthValues& v) { v.columns[0].value[30] = -2; }, "negative concentration");
  broken([](MonthValues& v) { v.columns.resize(kFactors + 1); }, "more columns than factors");
  // A day 32: the bits and its 32 values, each none.
  std::string day_32 = {1, 1};
  ByteWriter(day_32).u64(0x80000000U);
  day_32.append(32, '\0');
  expect_refused<Month>(day_32, "a day 32");
}

TEST(HistoryBytes, WhateverIsAcceptedCanBeUsedAndWrittenAgain) {
  std::mt19937_64 random(1);
  int days = 0;
  int months = 0;
  for (int n = 0; n < 20'000; ++n) {
    std::string of_day = bytes(some_day());
    std::string of_month = bytes(some_month());
    for (std::string* b : {&of_day, &of_month}) {
      for (auto changes = random() % 3 + 1; changes > 0; --changes) {
        (*b)[random() % b->size()] = static_cast<char>(random());
      }
    }
    Day day;
    if (day.read(of_day)) {
      ++days;
      Day again;
      ASSERT_TRUE(again.read(bytes(day)));
      ASSERT_EQ(bytes(again), bytes(day));
    }
    Month month;
    if (month.read(of_month)) {
      ++months;
      Month again;
      again.close(month.open());
      ASSERT_EQ(again.open().columns.size(), month.open().columns.size());
    }
  }
  EXPECT_GT(days, 100);
  EXPECT_GT(months, 100);
}

TEST(History, ItsSizeCountsWhatItHolds) {
  History history;
  const std::size_t empty = history.bytes();
  history.days.push_back(some_day());
  const std::size_t with_day = history.bytes();
  EXPECT_GE(with_day, empty + sizeof(Day) + 3 * sizeof(Day::Column) + 3 * sizeof(Republished));
  history.months.push_back(some_month());
  EXPECT_GE(history.bytes(), with_day + sizeof(Month) + some_month().packed.size());
}

}  // namespace
}  // namespace qc::core
