#include "qingchuan/copy_records.h"

#include <gtest/gtest.h>

#include "processor/records.h"
#include "processor/regions_stage.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "stream/state_position.h"
#include "wire/codec.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::TopicPartition;

// readings-0 lost its first 100 records, signals-0 its first 10; readings-1 nothing; in means-0 every third record is
// still there.
std::map<TopicPartition, OffsetMap> maps() {
  std::map<TopicPartition, OffsetMap> all;
  for (Offset o = 100; o < 200; ++o) all[{"readings", 0}].add(o);
  all[{"readings", 0}].end(200);
  for (Offset o = 0; o < 50; ++o) all[{"readings", 1}].add(o);
  all[{"readings", 1}].end(50);
  for (Offset o = 0; o < 90; o += 3) all[{"means", 0}].add(o);
  all[{"means", 0}].end(90);
  for (Offset o = 10; o < 20; ++o) all[{"signals", 0}].add(o);
  all[{"signals", 0}].end(20);
  return all;
}

class CopyRecords : public ::testing::Test {
 protected:
  // What the record is in the copy.
  std::string in_copy(const std::string& topic, const std::string& value, const std::string& headers = {}) {
    const TopicPartition tp{topic, 0};
    stream::Record record;
    record.from = &tp;
    record.value = value;
    record.headers = stream::RecordHeaders(headers);
    return renumber.value(record).value_or(value);
  }
  static std::string mean(Offset first, Offset offset, int partition = 0) {
    core::Mean m;
    m.site = "S1";
    m.factor = core::Factor::PM25;
    m.window = core::Window::H1;
    m.limit = core::Concentration{75'000'000};
    m.marks.add(core::Mark::Stuck);
    m.primary = {core::Factor::PM25, core::Factor::O3};
    m.origin = {first, offset};
    return wire::encode_mean(m, {"0123456789abcdef", partition});
  }
  static std::string signal(Offset first, Offset offset) {
    core::Signal s;
    s.id = "a|b";
    s.root = "R";
    s.evidence = {{"S2", core::Concentration{1}}};
    s.origin = {first, offset};
    return wire::encode_signal(s, {"0123456789abcdef", 0});
  }
  static std::string headers(const char* source) { return processor::signal_record({}, {}, source, {}).headers; }

  const std::map<TopicPartition, OffsetMap> all = maps();
  const Renumber renumber{all, copy_groups()};
};

TEST_F(CopyRecords, AMeanNamesTheSameInputsAndNothingElseOfItChanges) {
  EXPECT_EQ(in_copy("means", mean(120, 150)), mean(20, 50));
  EXPECT_EQ(in_copy("means", mean(7, 9, 1)), mean(7, 9, 1)) << "of a partition that keeps its offsets";
  EXPECT_EQ(in_copy("means", mean(-1, 199)), mean(-1, 99)) << "of an hour without readings";
  const std::string tick = wire::encode_mean_tick(core::event_time(5), "processor", 0);
  EXPECT_EQ(in_copy("means", tick), tick);
  EXPECT_EQ(in_copy("means", "\xff no message"), "\xff no message");
}

TEST_F(CopyRecords, AWindowWhoseFirstInputWasTrimmedBeginsWithTheFirstThatIsThere) {
  EXPECT_EQ(in_copy("means", mean(40, 150)), mean(0, 50));
  EXPECT_EQ(in_copy("means", mean(40, 60)), mean(-1, -1)) << "all of them are gone";
}

TEST_F(CopyRecords, ASignalNamesReadingsOrMeansAsItsStageDoes) {
  EXPECT_EQ(in_copy("signals", signal(103, 106), headers("/qingchuan/processor")), signal(3, 6));
  EXPECT_EQ(in_copy("signals", signal(3, 6), headers(processor::kRegionsSource)), signal(1, 2));
  EXPECT_EQ(in_copy("signals", signal(4, 8), headers(processor::kRegionsSource)), signal(2, 2))
      << "from the first that is there, up to the last that is there";
}

TEST_F(CopyRecords, ADeadLetterNamesItsRecordOrNone) {
  const auto letter = [](Offset offset, const char* topic) {
    wire::DeadLetter d;
    d.source_topic = topic;
    d.source_offset = offset;
    d.value = "bytes";
    return wire::encode_dead_letter(d, 100);
  };
  EXPECT_EQ(in_copy("dead-letters", letter(130, "readings")), letter(30, "readings"));
  EXPECT_EQ(in_copy("dead-letters", letter(30, "readings")), letter(-1, "readings"));
  EXPECT_EQ(in_copy("dead-letters", letter(30, "means")), letter(10, "means"));
  EXPECT_EQ(in_copy("dead-letters", letter(31, "means")), letter(-1, "means"));
  EXPECT_EQ(in_copy("dead-letters", letter(30, "tracks")), letter(30, "tracks"));
}

TEST_F(CopyRecords, AnEntryOfTheLedgerThatNamesNoSignalGetsNone) {
  ::qingchuan::v1::LedgerEntry entry;
  entry.set_id("users/account/li/1");
  entry.set_subject("account/li");
  EXPECT_EQ(in_copy("ledger", entry.SerializeAsString()), entry.SerializeAsString());
  entry.mutable_origin()->set_signals(15);
  ::qingchuan::v1::LedgerEntry copied;
  ASSERT_TRUE(copied.ParseFromString(in_copy("ledger", entry.SerializeAsString())));
  EXPECT_EQ(copied.origin().signals(), 5);
}

TEST_F(CopyRecords, OnlyTheStateBesideAnInputWithGapsIsWrittenAnew) {
  EXPECT_TRUE(renumber.needed());
  EXPECT_TRUE(renumber.needs_state({"processor-state", 0}));
  EXPECT_FALSE(renumber.needs_state({"processor-state", 1}));
  EXPECT_TRUE(renumber.needs_state({"regions-state", 0}));
  EXPECT_FALSE(renumber.needs_state({"rules", 0}));
  const std::map<TopicPartition, OffsetMap> none;
  EXPECT_FALSE(Renumber(none, copy_groups()).needed());
}

TEST_F(CopyRecords, ThePositionInTheStateIsThatOfTheSameRecord) {
  const StateEntries entries = {{std::string(stream::kPositionKey), stream::encode_positions({{"readings", 160}})}};
  const auto now = renumber.state({"processor-state", 0}, entries);
  ASSERT_TRUE(now.has_value()) << describe(now.error());
  const auto positions = stream::decode_positions(now->at(std::string(stream::kPositionKey)));
  ASSERT_TRUE(positions.has_value());
  EXPECT_EQ(positions->at("readings"), 60);
}

TEST_F(CopyRecords, StateThatCannotBeReadIsNotGuessed) {
  const auto now = renumber.state({"processor-state", 0}, {{"Pnonsense", "\x7f"}});
  ASSERT_FALSE(now.has_value());
  EXPECT_EQ(now.error().code, Errc::state_version);
  EXPECT_NE(now.error().text.find("processor-state-0"), std::string::npos);
}

}  // namespace
}  // namespace qc::commands
