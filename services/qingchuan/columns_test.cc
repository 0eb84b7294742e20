#include "qingchuan/columns.h"

#include <gtest/gtest.h>

namespace qc::commands {
namespace {

TEST(Columns, ChineseIsTwoColumnsWideAndSignsAreOne) {
  EXPECT_EQ(display_width("PM2.5"), 5U);
  EXPECT_EQ(display_width("优良天数"), 8U);
  EXPECT_EQ(display_width("吕梁 A"), 6U);
  EXPECT_EQ(display_width("µg/m³ ×"), 7U);
  EXPECT_EQ(display_width("，（"), 4U);  // fullwidth punctuation
  EXPECT_EQ(display_width("𠮷"), 2U);
  EXPECT_EQ(display_width("Lüliang"), 7U);
}

TEST(Columns, BrokenBytesCountOneEach) {
  EXPECT_EQ(display_width("\xe5\x90"), 2U);  // a cut character
  EXPECT_EQ(display_width("\xe5 a"), 3U);    // one that another begins in
  EXPECT_EQ(display_width("\xff\xfe\x80"), 3U);
}

TEST(Columns, PaddingNeverLetsColumnsTouch) {
  EXPECT_EQ(pad_right("东四", 6), "东四  ");
  EXPECT_EQ(pad_right("东四", 4), "东四 ");
  EXPECT_EQ(pad_right("abcdef", 3), "abcdef ");
}

TEST(Columns, ATableIsAsWideAsItsWidestCells) {
  EXPECT_EQ(table({{"站点", "PM2.5", "AQI"}, {"东四", "8", "12"}, {"Dongsi 1", "163"}}, 1),
            "  站点      PM2.5  AQI\n"
            "  --------------------\n"
            "  东四          8   12\n"
            "  Dongsi 1    163\n");
  EXPECT_EQ(table({}, 1), "");
}

}  // namespace
}  // namespace qc::commands
