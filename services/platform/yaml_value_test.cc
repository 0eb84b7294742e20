#include "platform/yaml_value.h"

#include <gtest/gtest.h>

#include <optional>

namespace qc::platform {
namespace {

TEST(YamlValue, DurationsOfEveryUnitBecomeMilliseconds) {
  EXPECT_EQ(parse_duration("500ms"), 500);
  EXPECT_EQ(parse_duration("90s"), 90'000);
  EXPECT_EQ(parse_duration("10min"), 600'000);
  EXPECT_EQ(parse_duration("6h"), 21'600'000);
  EXPECT_EQ(parse_duration("4d"), 345'600'000);
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("999999999d"), 86'399'999'913'600'000);
}

TEST(YamlValue, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "5", "s", "1.5h", "-1s", "1 h", "1H", "1m", "1000000000s", "10min ", "0x1s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(YamlValue, DurationTextReadsBackAsTheSameDuration) {
  for (const std::int64_t ms : {0L, 1L, 999L, 1000L, 90'000L, 600'000L, 21'600'000L, 86'400'000L, 86'400'001L}) {
    EXPECT_EQ(parse_duration(duration_text(ms)), ms);
  }
  EXPECT_EQ(duration_text(90'000), "90s");
  EXPECT_EQ(duration_text(3'600'000), "1h");
}

TEST(YamlValue, ADateIsItsMidnightInBeijing) {
  EXPECT_EQ(parse_date("2026-03-01"), 1'772'294'400'000);  // 2026-02-28T16:00:00Z
  EXPECT_EQ(parse_date("1970-01-01"), -28'800'000);
  for (const char* day : {"2026-03-01", "1970-01-01", "2024-02-29", "1999-12-31"})
    EXPECT_EQ(date_text(*parse_date(day)), day);
  EXPECT_EQ(parse_date("2024-02-29"), 1'709'136'000'000);
}

TEST(YamlValue, WhatIsNoDateIsRefused) {
  for (const char* text : {"", "2026-3-1", "2026-02-29", "2026-13-01", "2026-00-10", "2026/03/01", "1899-12-31",
                           "3000-01-01", "2026-03-01T00:00", "20260301", "2O26-03-01"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

TEST(YamlValue, DecimalsAreExactMillionths) {
  EXPECT_EQ(parse_decimal("0.0025"), 2500);
  EXPECT_EQ(parse_decimal("0.000001"), 1);
  EXPECT_EQ(parse_decimal("-0.5"), -500'000);
  EXPECT_EQ(parse_decimal("35"), 35'000'000);
  EXPECT_EQ(parse_decimal("0.1000000000"), 100'000);  // zeros say nothing, so they are not finer
  EXPECT_EQ(parse_decimal("999999999999.999999"), 999'999'999'999'999'999);
  EXPECT_EQ(parse_decimal("0.1").value() + parse_decimal("0.2").value(), parse_decimal("0.3").value());
}

TEST(YamlValue, WhatIsNoDecimalOrTooFineIsRefused) {
  for (const char* text : {"", "-", ".5", "5.", "1e3", "1,5", "0.0000001", "1000000000000", "inf", "nan", "0x10"}) {
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
  }
  EXPECT_TRUE(is_too_fine_decimal("0.0000001"));
  EXPECT_FALSE(is_too_fine_decimal("0.000001"));
  EXPECT_FALSE(is_too_fine_decimal("x"));
}

TEST(YamlValue, DecimalTextReadsBackAsTheSameNumber) {
  for (const std::int64_t value : {0L, 1L, -1L, 2500L, -500'000L, 1'000'000L, 123'456'789L}) {
    EXPECT_EQ(parse_decimal(decimal_text(value)), value);
  }
  EXPECT_EQ(decimal_text(2500), "0.0025");
  EXPECT_EQ(decimal_text(-500'000), "-0.5");
}

TEST(YamlValue, TheNearestNameIsTheOneAPersonMeant) {
  const std::vector<std::string> names = {"name", "name_en", "region", "PM2.5", "PM10"};
  EXPECT_EQ(nearest_name("nmae", names), "name");
  EXPECT_EQ(nearest_name("regin", names), "region");
  EXPECT_EQ(nearest_name("pm2.5", names), "PM2.5");
  EXPECT_EQ(nearest_name("PM25", names), "PM2.5");
  EXPECT_EQ(nearest_name("temperature", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name("x", {"y"}), std::nullopt);
}

TEST(YamlValue, ShownTextIsPrintableAndShort) {
  EXPECT_EQ(shown("离石"), "`离石`");
  EXPECT_EQ(shown("a\nb"), "`a\\x0Ab`");
  EXPECT_EQ(shown("\xFF"), "`\\xFF`");
  EXPECT_EQ(shown(std::string(100, 'x')), "`" + std::string(40, 'x') + "...`");
}

TEST(YamlValue, Utf8IsCheckedByTheStandardsTable) {
  EXPECT_TRUE(is_valid_utf8("吕梁 é 𝄞"));
  for (const char* text : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE5\x90"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

}  // namespace
}  // namespace qc::platform
