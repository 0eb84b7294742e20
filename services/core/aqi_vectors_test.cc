// Vectors of another implementation, checked one by one against the standard's table beforehand (column `agrees`).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/aqi.h"
#include "core/testing.h"

namespace qc::core {
namespace {

std::string vectors_path() {
  const char* shared = std::getenv("QINGCHUAN_SHARED");
  return (shared != nullptr ? std::string(shared) : std::string(QC_SOURCE_DIR) + "/../shared") +
         "/data/aqi_vectors_outside.csv";
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

// The file's lines end in CR LF.
bool read_line(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

const AqiItem* find_item(const AqiEdition& edition, Factor factor, Window window) {
  for (const AqiItem& i : edition.items) {
    if (i.factor == factor && i.window == window) return &i;
  }
  return nullptr;
}

TEST(AqiVectors, AgreeWithAnotherImplementation) {
  std::ifstream file(vectors_path());
  if (!file) GTEST_SKIP() << "skipped: no shared data";
  std::string line;
  ASSERT_TRUE(read_line(file, line));
  ASSERT_EQ(line, "edition,source,item,value,expected_by_source,value_by_standard_table,agrees");
  int compared = 0;
  while (read_line(file, line)) {
    const auto fields = split(line, ',');
    ASSERT_EQ(fields.size(), 7U) << line;
    if (fields[6] != "True") continue;
    ASSERT_TRUE(fields[0] == "HJ633-2012" || fields[0] == "HJ633-2026") << line;
    const AqiEdition edition = fixture::edition(fields[0] == "HJ633-2026");
    const auto parts = split(fields[2], '_');  // "PM25_24H"
    ASSERT_EQ(parts.size(), 2U) << line;
    const auto factor = parse_factor(parts[0]);
    ASSERT_TRUE(factor.has_value()) << line;
    Window window = parts[1] == "1H" ? Window::H1 : parts[1] == "8H" ? Window::H8 : Window::H24;
    // The 1 h mean of PM is read against the daily table.
    if ((*factor == Factor::PM25 || *factor == Factor::PM10) && window == Window::H1) window = Window::H24;
    const AqiItem* item = find_item(edition, *factor, window);
    ASSERT_NE(item, nullptr) << line;
    const auto value = parse_decimal(fields[3]);
    ASSERT_TRUE(value.has_value()) << line;
    const auto c = scaled(value->mantissa, value->decimals, publishing_unit(*factor));
    ASSERT_TRUE(c.has_value()) << line;
    const auto got = iaqi(edition, *item, *c);
    ASSERT_TRUE(got.has_value()) << line;
    EXPECT_EQ(std::to_string(*got), fields[4]) << line;
    ++compared;
  }
  EXPECT_EQ(compared, 205);
}

}  // namespace
}  // namespace qc::core
