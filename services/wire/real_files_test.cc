// The readers on the real files, where they are at hand (QINGCHUAN_SHARED, or ../shared beside the source tree).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "wire/codec.h"
#include "wire/file_reader.h"

namespace qc::wire {
namespace {

namespace fs = std::filesystem;

fs::path shared_data() {
  const char* set = std::getenv("QINGCHUAN_SHARED");
  return (set != nullptr ? fs::path(set) : fs::path(QC_SOURCE_DIR) / ".." / "shared") / "data";
}

#define NEED_SHARED_DATA() \
  if (!fs::exists(shared_data())) GTEST_SKIP() << "skipped: no shared data"

std::vector<fs::path> files_in(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(shared_data() / folder)) {
    if (entry.path().string().ends_with(".csv.zst")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Reads a file to its end, sends every packet through the codec, and checks that nothing was lost on the way.
Counts read_through(const fs::path& path, Format format) {
  FileOptions options;
  options.format = format;
  auto file = open_file(path.string(), options);
  EXPECT_TRUE(file) << path;
  if (!file) return {};
  BatchBuilder builder;
  InputDecoder decoder;
  std::int64_t rows = 0;
  while (true) {
    auto packet = (*file)->next();
    EXPECT_TRUE(packet) << (packet ? "" : packet.error().text);
    if (!packet || !*packet) break;
    const Packet& p = **packet;
    rows += static_cast<std::int64_t>(p.rows.size());
    builder.begin(p.site, core::receive_time(core::ms(p.interval.end)), 0, p.source, p.interval.start, core::kHour);
    for (const Row& row : p.rows) builder.add(0, row.factor, row.unit, row.value, row.flag);
    const std::string bytes = builder.finish();
    const Decoded decoded = decoder.decode(bytes);
    const auto* const* batch = std::get_if<const core::ReadingBatch*>(&decoded);
    EXPECT_NE(batch, nullptr) << path;
    if (batch == nullptr) break;
    EXPECT_EQ((*batch)->values.size(), p.rows.size());
    for (std::size_t i = 0; i < p.rows.size() && i < (*batch)->values.size(); ++i) {
      const Row& row = p.rows[i];
      EXPECT_EQ((*batch)->values[i], core::scaled(row.value.mantissa, row.value.decimals, row.unit));
    }
  }
  const Counts& counts = (*file)->counts();
  EXPECT_TRUE(counts.balanced()) << path;
  EXPECT_EQ(rows, counts.readings()) << path;
  EXPECT_EQ(counts.bad(), 0) << path << ((*file)->messages().empty() ? "" : ": " + (*file)->messages().front());
  EXPECT_EQ((*file)->bytes_read(), fs::file_size(path));
  EXPECT_EQ((*file)->bytes_total(), fs::file_size(path));
  return counts;
}

TEST(RealFiles, EveryCellOfPrsaIsAccountedFor) {
  NEED_SHARED_DATA();
  const auto files = files_in("beijing_prsa");
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    const Counts counts = read_through(path, Format::Prsa);
    const std::int64_t rows = counts.lines - 1;
    EXPECT_GT(rows, 20'000);
    EXPECT_EQ(counts.fields, counts.lines * 18);
    EXPECT_EQ(counts.readings() + counts.of(Fate::Missing), rows * 6) << path;
    EXPECT_EQ(counts.of(Fate::Other), 18 + rows * 12) << path;
  }
}

TEST(RealFiles, EveryCellOfTheCitysPublicationIsAccountedFor) {
  NEED_SHARED_DATA();
  const auto files = files_in("beijing_official");
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    const Counts counts = read_through(path, Format::Beijing);
    const std::int64_t rows = counts.lines - 1;
    EXPECT_GT(rows, 1'000);
    EXPECT_EQ(counts.fields, counts.lines * 38);
    EXPECT_EQ(counts.readings() + counts.of(Fate::Missing) + counts.of(Fate::Published), rows * 35) << path;
    EXPECT_GT(counts.readings(), 0) << path;
  }
}

TEST(RealFiles, EveryCellOfTheNationalNetworkIsAccountedFor) {
  NEED_SHARED_DATA();
  const Counts counts = read_through(shared_data() / "golden_aqi_cnemc.csv.zst", Format::Cnemc);
  const std::int64_t rows = counts.lines - 1;
  EXPECT_EQ(rows, 20'599);
  EXPECT_EQ(counts.fields, counts.lines * 24);
  // 6 values, and aqi, quality, primary with 8 further columns that are published.
  EXPECT_EQ(counts.readings() + counts.of(Fate::Missing) + counts.of(Fate::Published), rows * (6 + 11));
}

}  // namespace
}  // namespace qc::wire
