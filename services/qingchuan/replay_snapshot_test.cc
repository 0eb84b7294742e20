#include "qingchuan/replay_snapshot.h"

#include <gtest/gtest.h>

#include <fstream>

#include "qingchuan/backtest.h"
#include "stream/embedded_test_directory.h"
#include "stream/memory_log.h"

namespace qc::commands {
namespace {

Snapshot some() {
  Snapshot snapshot;
  StageSnapshot& readings = snapshot.stages[{ReplayStage::Readings, 3}];
  readings.position = 4711;
  readings.fingerprint = 0xdeadbeef;
  readings.rules = "00000000000000a1";
  readings.entries = {{"s|one", std::string("\0\xff", 2)}, {"t", ""}};
  snapshot.stages[{ReplayStage::Regions, 0}].position = 0;
  return snapshot;
}

TEST(ReplaySnapshot, ComesBackAsItWas) {
  const auto back = decode_snapshot(encode_snapshot(some()));
  ASSERT_TRUE(back.has_value()) << describe(back.error());
  EXPECT_EQ(*back, some());
}

TEST(ReplaySnapshot, IsRefusedWhereverItIsDamagedOrCut) {
  const std::string bytes = encode_snapshot(some());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const auto read = decode_snapshot(damaged);
    ASSERT_FALSE(read.has_value()) << "byte " << i;
    EXPECT_EQ(read.error().code, Errc::snapshot_invalid);
    EXPECT_FALSE(decode_snapshot(std::string_view(bytes).substr(0, i)).has_value()) << "cut at " << i;
  }
}

TEST(ReplaySnapshot, OfAnotherVersionIsNamedAsThat) {
  std::string bytes = encode_snapshot(some());
  bytes[7] = '2';
  const auto read = decode_snapshot(bytes);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().text.find("another version"), std::string::npos) << read.error().text;
}

TEST(ReplaySnapshot, IsWrittenWholeAndReadAgain) {
  const stream::TestDirectory directory;
  const std::string at = directory.path() + "/kept/2026-11";
  ASSERT_TRUE(write_snapshot(at, some()).has_value());
  const auto back = read_snapshot(at);
  ASSERT_TRUE(back.has_value()) << describe(back.error());
  EXPECT_EQ(*back, some());
  EXPECT_EQ(read_snapshot(directory.path() + "/none").error().code, Errc::file_unreadable);
}

TEST(ReplaySnapshot, OfAnotherLogIsRefused) {
  stream::MemoryLog log;
  const stream::TopicSpec readings{"readings", 1, stream::Cleanup::Delete, {}, {}};
  ASSERT_TRUE(log.create_topics({&readings, 1}).has_value());
  auto appender = log.appender();
  const std::vector<stream::NewRecord> records = {{{"readings", 0}, "a", "1", {}}, {{"readings", 0}, "b", "2", {}}};
  ASSERT_TRUE((*appender)->append(records).has_value());
  StageSnapshot snapshot;
  snapshot.position = 2;
  snapshot.fingerprint = fingerprint(log, {"readings", 0}, 2)->value();
  EXPECT_TRUE(check_snapshot(log, {"readings", 0}, snapshot).has_value());
  snapshot.fingerprint ^= 1;
  EXPECT_FALSE(check_snapshot(log, {"readings", 0}, snapshot).has_value());
  snapshot.fingerprint ^= 1;
  snapshot.position = 3;
  EXPECT_FALSE(check_snapshot(log, {"readings", 0}, snapshot).has_value()) << "it goes on behind the log's end";
  log.delete_before({"readings", 0}, 2);
  snapshot.position = 2;
  EXPECT_TRUE(check_snapshot(log, {"readings", 0}, snapshot).has_value()) << "nobody can tell any more";
}

std::string signal(const char* id, int revision, int level, ::qingchuan::v1::SignalState state) {
  ::qingchuan::v1::SignalRecord record;
  auto& s = *record.mutable_signal();
  s.set_id(id);
  s.set_revision(revision);
  s.set_subject("S");
  s.set_level(level);
  s.set_state(state);
  s.set_began_ms(core::ms(core::beijing_midnight(2026, 3, 2)) - 1);
  return record.SerializeAsString();
}

TEST(AlarmCounter, CountsAnEpisodeOnceAtItsHighestLevelOnTheDayItBegan) {
  using namespace ::qingchuan::v1;
  AlarmCounter alarms{ReplayFilter{}};
  alarms.add(signal("a", 1, 1, ACTIVE));
  alarms.add(signal("a", 2, 3, ACTIVE));
  alarms.add(signal("a", 3, 1, CLEARED));
  alarms.add(signal("b", 1, 1, ACTIVE));
  alarms.add(signal("c", 1, 1, ACTIVE));
  alarms.add(signal("c", 2, 1, WITHDRAWN));
  alarms.add("no signal");
  const std::map<AlarmsOf, std::int64_t> expected = {{{"2026-03-01", "S", 1}, 1}, {{"2026-03-01", "S", 3}, 1}};
  EXPECT_EQ(alarms.counts(), expected);
}

}  // namespace
}  // namespace qc::commands
