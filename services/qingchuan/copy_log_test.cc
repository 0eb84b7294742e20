// The copying of a log as such: whatever is in it, whatever was taken from it, wherever it is broken off. What services
// make of the copy: tests/integration/test_topics_copy.py.
#include "qingchuan/copy_log.h"

#include <gtest/gtest.h>

#include <optional>

#include "stream/embedded_test_directory.h"
#include "stream/kafka_test.h"
#include "stream/memory_log.h"
#include "stream/read_range.h"
#include "stream/state_position.h"

namespace qc::commands {
namespace {

using stream::Cleanup;
using stream::MemoryLog;
using stream::Milliseconds;
using stream::NewRecord;
using stream::Offset;
using stream::TopicPartition;
using stream::TopicSpec;

constexpr std::int64_t kLongAgoMs = 1'600'000'000'000;
constexpr Milliseconds kDay{86'400'000};

// A service that has nothing in its state but its position.
const std::vector<CopyGroup> kGroups = {{"processor", {"readings"}}};

const std::vector<TopicSpec> kTopics = {{"readings", 2, Cleanup::Delete, 400 * kDay, {}},
                                        {"users", 1, Cleanup::Compact, {}, kDay},
                                        {"events", 1, Cleanup::CompactDelete, 10 * kDay, {}},
                                        {"processor-state", 2, Cleanup::Compact, {}, {}}};

std::unique_ptr<MemoryLog> memory(std::int64_t now_ms = kLongAgoMs) {
  stream::MemoryLogOptions options;
  options.now_ms = [now_ms] { return now_ms; };
  return std::make_unique<MemoryLog>(options);
}

NewRecord record(const char* topic, int partition, std::string key, std::optional<std::string> value,
                 std::int64_t written_ms = 0, std::string headers = {}) {
  return {{topic, partition}, std::move(key), std::move(value), std::move(headers), written_ms};
}

void append(stream::Log& log, const std::vector<NewRecord>& records) {
  auto appender = log.appender();
  ASSERT_TRUE(appender.has_value());
  const auto done = (*appender)->append(records);
  ASSERT_TRUE(done.has_value()) << describe(done.error());
}

// As a service does: reads all, and writes a state that says so.
void consume(stream::Log& log, const char* service = "processor") {
  auto member = log.join({service, {"readings"}, service});
  ASSERT_TRUE(member.has_value());
  stream::Batch batch;
  stream::Assignment change;
  ASSERT_TRUE((*member)->poll(batch, change, 1, Milliseconds(0)).has_value());
  ASSERT_EQ(change.gained.size(), 2U);
  stream::Transaction t;
  for (int p = 0; p < 2; ++p) {
    const Offset end = log.range({"readings", p})->end;
    t.next.emplace_back(TopicPartition{"readings", p}, end);
    for (const Offset at : {end / 2, end}) {
      t.records.push_back(record("processor-state", p, std::string(stream::kPositionKey),
                                 stream::encode_positions({{"readings", at}})));
    }
  }
  const auto done = (*member)->commit(t);
  ASSERT_TRUE(done.has_value()) << describe(done.error());
}

void fill(stream::Log& log) {
  ASSERT_TRUE(log.create_topics(kTopics).has_value());
  const std::vector<stream::Header> headers = {{"region", "510100"}, {"", std::string("\0\xff", 2)}};
  std::vector<NewRecord> records;
  for (int i = 0; i < 25; ++i) {
    records.push_back(record("readings", i % 2, "site" + std::to_string(i % 3), std::string(50, char('a' + i)),
                             kLongAgoMs + 1000 * i, i % 5 == 0 ? stream::encode_headers(headers) : ""));
  }
  records.push_back(record("readings", 0, "", "", kLongAgoMs + 90'000));
  records.push_back(record("users", 0, std::string("\0key", 4), std::string("\0", 1), kLongAgoMs));
  records.push_back(record("users", 0, "gone", std::nullopt, kLongAgoMs + 5));
  append(log, records);
  consume(log);
}

// "offset written key=value headers" of every record of a topic.
std::vector<std::string> all_of(stream::Log& log, const std::string& topic, bool with_offset = true) {
  std::vector<std::string> all;
  const auto whole = stream::whole_topic(log, topic);
  EXPECT_TRUE(whole.has_value()) << topic;
  if (!whole) return all;
  for (const stream::Stretch& s : *whole) {
    const std::vector one = {s};
    const auto read = stream::read_range(log, one, [&](const stream::Record& r) {
      all.push_back(to_string(*r.from) + (with_offset ? " " + std::to_string(r.offset) : "") + " " +
                    std::to_string(r.written_ms) + " " + std::string(r.key) +
                    (r.tombstone ? "!" : "=" + std::string(r.value)) + " " + std::string(r.headers.bytes()));
      return true;
    });
    EXPECT_TRUE(read.has_value()) << describe(read.error());
  }
  return all;
}

std::optional<Offset> committed(stream::Log& log, int partition) {
  auto member = log.join({"processor", {"readings"}, "asks"});
  EXPECT_TRUE(member.has_value());
  const auto at = (*member)->committed({"readings", partition});
  EXPECT_TRUE(at.has_value());
  return *at;
}

CopyOptions options() {
  CopyOptions o;
  o.topics = kTopics;
  o.groups = kGroups;
  o.batch_records_max = 4;
  o.source_wait = Milliseconds(0);
  o.target_wait = Milliseconds(0);
  return o;
}

void expect_same(stream::Log& from, stream::Log& to) {
  for (const TopicSpec& t : kTopics) EXPECT_EQ(all_of(to, t.name), all_of(from, t.name)) << t.name;
  for (int p = 0; p < 2; ++p) EXPECT_EQ(committed(to, p), committed(from, p));
  const auto topics = to.topics();
  ASSERT_TRUE(topics.has_value());
  for (const TopicSpec& t : kTopics) {
    EXPECT_NE(std::find(topics->begin(), topics->end(), t), topics->end()) << t.name << " has other settings";
  }
}

Error refusal(stream::Log& from, stream::Log& to, const CopyOptions& o = options()) {
  const auto copied = copy_log(from, to, o);
  EXPECT_FALSE(copied.has_value());
  return copied ? Error{Errc::stopped, ""} : copied.error();
}

TEST(CopyLog, EverythingComesOverByteForByteWithTheTimeOfWritingAndTheOffsets) {
  const auto from = memory();
  const auto to = memory(kLongAgoMs + 7'000'000);
  fill(*from);
  const auto report = copy_log(*from, *to, options());
  ASSERT_TRUE(report.has_value()) << describe(report.error());
  EXPECT_FALSE(report->renumbered);
  EXPECT_FALSE(report->nothing_to_do);
  expect_same(*from, *to);
  ASSERT_FALSE(report->topics.empty());
  EXPECT_EQ(report->topics.front().name, "processor-state") << "a service that starts too early must meet its state";
  std::int64_t records = 0;
  for (const CopiedTopic& t : report->topics) records += t.records;
  EXPECT_EQ(records, 25 + 1 + 2 + 4);
}

TEST(CopyLog, FromAndToTheEmbeddedLog) {
  const stream::TestDirectory a;
  const stream::TestDirectory b;
  stream::EmbeddedOptions make;
  make.create = true;
  auto from = stream::open_embedded(a.path(), make);
  auto to = stream::open_embedded(b.path(), make);
  ASSERT_TRUE(from.has_value() && to.has_value());
  fill(**from);
  const auto groups = (*from)->groups();
  ASSERT_TRUE(groups.has_value());
  EXPECT_EQ(*groups, std::vector<std::string>{"processor"});
  const auto report = copy_log(**from, **to, options());
  ASSERT_TRUE(report.has_value()) << describe(report.error());
  expect_same(**from, **to);
  EXPECT_TRUE((*to)->check_integrity().has_value());
}

TEST(CopyLog, ToARealKafka) {
  if (!stream::has_test_kafka()) GTEST_SKIP() << "QC_KAFKA names none";
  const auto from = memory();
  fill(*from);
  auto to = stream::open_kafka(stream::kafka_test_options("copy"));
  ASSERT_TRUE(to.has_value()) << describe(to.error());
  CopyOptions o = options();
  o.target_wait = Milliseconds(30'000);
  const auto report = copy_log(*from, **to, o);
  ASSERT_TRUE(report.has_value()) << describe(report.error());
  expect_same(*from, **to);
  const auto again = copy_log(*from, **to, o);
  ASSERT_TRUE(again.has_value()) << describe(again.error());
  EXPECT_TRUE(again->nothing_to_do);
  expect_same(*from, **to);
}

// A log in front of another: after so many calls that change something it is as a process that was killed, in the
// middle of an append if that is where it falls. What had arrived stays.
class Dying final : public stream::Log {
 public:
  Dying(stream::Log& log, int steps) : log_(log), left_(steps) {}
  bool dead() const { return left_ < 0; }
  Result<void> create_topics(std::span<const TopicSpec> specs) override {
    for (const TopicSpec& spec : specs) {
      if (--left_ < 0) return died();
      const std::vector one = {spec};
      if (auto done = log_.create_topics(one); !done) return done;
    }
    return {};
  }
  Result<std::vector<TopicSpec>> topics() override { return log_.topics(); }
  Result<stream::Range> range(const TopicPartition& tp) override { return log_.range(tp); }
  Result<std::unique_ptr<stream::Reader>> reader(std::span<const std::pair<TopicPartition, Offset>> from) override {
    return log_.reader(from);
  }
  Result<std::unique_ptr<stream::Appender>> appender() override {
    auto made = log_.appender();
    if (!made) return made;
    return std::make_unique<DyingAppender>(*this, std::move(*made));
  }
  Result<std::unique_ptr<stream::Member>> join(const stream::GroupSpec& spec) override {
    if (--left_ < 0) return died();
    return log_.join(spec);
  }

 private:
  class DyingAppender final : public stream::Appender {
   public:
    DyingAppender(Dying& log, std::unique_ptr<stream::Appender> to) : log_(log), to_(std::move(to)) {}
    Result<void> append(std::span<const NewRecord> records) override {
      for (const NewRecord& r : records) {
        if (--log_.left_ < 0) return died();
        const std::vector one = {r};
        if (auto done = to_->append(one); !done) return done;
      }
      return {};
    }

   private:
    Dying& log_;
    std::unique_ptr<stream::Appender> to_;
  };
  static tl::unexpected<Error> died() { return fail(Errc::log_fatal, "killed"); }
  stream::Log& log_;
  int left_;
};

TEST(CopyLog, BrokenOffAnywhereTheSameCallAgainMakesItWhole) {
  const auto from = memory();
  fill(*from);
  int steps = 0;
  for (bool whole = false; !whole; ++steps) {
    ASSERT_LT(steps, 200);
    SCOPED_TRACE(steps);
    const auto to = memory();
    Dying dying(*to, steps);
    const auto first = copy_log(*from, dying, options());
    whole = first.has_value();
    EXPECT_EQ(whole, !dying.dead());
    Dying again(*to, steps / 2);  // and once more, on the way
    (void)copy_log(*from, again, options());
    const auto second = copy_log(*from, *to, options());
    ASSERT_TRUE(second.has_value()) << describe(second.error());
    expect_same(*from, *to);
  }
  EXPECT_GT(steps, 40) << "it must have been broken off in the middle";
}

TEST(CopyLog, AnUnfinishedCopyKeepsEverythingAndAFinishedOneMayBeCleanedUp) {
  const auto from = memory();
  fill(*from);
  append(*from, {record("users", 0, "a", "1", kLongAgoMs), record("users", 0, "a", "2", kLongAgoMs)});
  const auto to = memory(kLongAgoMs + 4000LL * 86'400'000);  // all of it is older than any retention by now
  Dying dying(*to, 40);
  ASSERT_FALSE(copy_log(*from, dying, options()).has_value());
  to->compact_now();
  to->retain_now();
  const auto report = copy_log(*from, *to, options());
  ASSERT_TRUE(report.has_value()) << describe(report.error());
  expect_same(*from, *to);

  to->compact_now();
  to->retain_now();
  EXPECT_LT(all_of(*to, "users").size(), all_of(*from, "users").size());
  EXPECT_TRUE(all_of(*to, "readings").empty());
  const auto again = copy_log(*from, *to, options());
  ASSERT_TRUE(again.has_value()) << describe(again.error());
  EXPECT_TRUE(again->nothing_to_do);
  EXPECT_TRUE(all_of(*to, "readings").empty());
}

TEST(CopyLog, WhatHasGapsMovesTogetherAndWithItPositionsAndGroupOffsets) {
  const auto from = memory();
  fill(*from);
  const auto before = all_of(*from, "readings");
  append(*from, {record("readings", 0, "not read yet", "x", kLongAgoMs)});
  from->delete_before({"readings", 0}, 4);
  from->leave_gap({"readings", 1}, 10);
  append(*from, {record("readings", 1, "behind a gap", "y", kLongAgoMs)});
  const auto to = memory();
  const auto report = copy_log(*from, *to, options());
  ASSERT_TRUE(report.has_value()) << describe(report.error());
  EXPECT_TRUE(report->renumbered);
  EXPECT_EQ(all_of(*to, "readings", false), all_of(*from, "readings", false));
  EXPECT_EQ(to->range({"readings", 0})->start, 0);
  EXPECT_EQ(to->range({"readings", 1})->end, 13);
  EXPECT_EQ(from->committed("processor", {"readings", 0}), 14);
  EXPECT_EQ(to->committed("processor", {"readings", 0}), 10) << "one is left to be read";
  EXPECT_EQ(to->committed("processor", {"readings", 1}), 12) << "one is left to be read";
  EXPECT_EQ(before.size(), 26U);
}

TEST(CopyLog, StateThatNeedsWhatWasTrimmedIsRefused) {
  const auto from = memory();
  fill(*from);
  // Read further since the state was written, and what lies between was trimmed.
  append(*from, std::vector<NewRecord>(6, record("readings", 0, "k", "v", kLongAgoMs)));
  auto member = from->join({"processor", {"readings"}, "processor"});
  ASSERT_TRUE(member.has_value());
  stream::Batch batch;
  stream::Assignment change;
  ASSERT_TRUE((*member)->poll(batch, change, 1, Milliseconds(0)).has_value());
  stream::Transaction t;
  t.next.emplace_back(TopicPartition{"readings", 0}, 18);
  ASSERT_TRUE((*member)->commit(t).has_value());
  member->reset();
  from->delete_before({"readings", 0}, 16);
  const auto to = memory();
  const Error error = refusal(*from, *to);
  EXPECT_EQ(error.code, Errc::copy_refused);
  EXPECT_NE(error.text.find("readings-0 begins at offset 16"), std::string::npos) << error.text;
  EXPECT_TRUE(to->topics()->empty()) << "nothing was begun";
}

TEST(CopyLog, WhereOffsetsChangeATopicOfUnknownMeaningIsRefused) {
  const auto from = memory();
  fill(*from);
  ASSERT_TRUE(from->create_topics(std::vector<TopicSpec>{{"tasks", 1, Cleanup::Compact, {}, {}}}).has_value());
  append(*from, {record("tasks", 0, "t", "at readings-0 7")});
  ASSERT_TRUE(copy_log(*from, *memory(), options()).has_value()) << "nothing changes: it may say what it likes";
  from->delete_before({"readings", 0}, 1);
  const auto to = memory();
  EXPECT_EQ(refusal(*from, *to).code, Errc::copy_refused);
}

TEST(CopyLog, ALogThatIsAtWorkIsRefusedAndWhileItIsCopiedNobodyStarts) {
  const auto from = memory();
  fill(*from);
  auto working = from->join({"processor", {"readings"}, "a worker"});
  ASSERT_TRUE(working.has_value());
  stream::Batch batch;
  stream::Assignment change;
  ASSERT_TRUE((*working)->poll(batch, change, 1, Milliseconds(0)).has_value());
  const auto to = memory();
  const Error error = refusal(*from, *to);
  EXPECT_EQ(error.code, Errc::copy_refused);
  EXPECT_NE(error.text.find("`processor`"), std::string::npos) << error.text;
  EXPECT_TRUE(to->topics()->empty());
}

TEST(CopyLog, ASourceThatGrowsOnTheWayIsNotFinishedButTheNextCallGoesOn) {
  const auto from = memory();
  fill(*from);
  const auto to = memory();
  CopyOptions o = options();
  bool once = false;
  o.line = [&](const std::string&) {
    if (!std::exchange(once, true)) append(*from, {record("readings", 1, "late", "z", kLongAgoMs)});
  };
  const Error error = refusal(*from, *to, o);
  EXPECT_EQ(error.code, Errc::copy_refused);
  EXPECT_EQ(to->committed("processor", {"readings", 0}), std::nullopt) << "no service may start on it yet";
  ASSERT_TRUE(copy_log(*from, *to, o).has_value());
  expect_same(*from, *to);
}

TEST(CopyLog, ATargetThatHoldsAnythingElseOrHasGoneOnIsRefusedAndLeftAsItIs) {
  const auto from = memory();
  fill(*from);
  {
    const auto to = memory();  // another log
    ASSERT_TRUE(to->create_topics(kTopics).has_value());
    append(*to, {record("readings", 0, "mine", "1")});
    EXPECT_EQ(refusal(*from, *to).code, Errc::copy_refused);
    EXPECT_EQ(all_of(*to, "readings").size(), 1U);
    EXPECT_TRUE(all_of(*to, "users").empty());
  }
  {
    const auto to = memory();  // half of another copy
    Dying dying(*to, 30);
    const auto other = memory(kLongAgoMs + 1);
    fill(*other);
    ASSERT_FALSE(copy_log(*other, dying, options()).has_value());
    EXPECT_EQ(refusal(*from, *to).code, Errc::copy_refused);
  }
  {
    const auto to = memory();  // a copy that was worked with
    ASSERT_TRUE(copy_log(*from, *to, options()).has_value());
    append(*to, {record("readings", 0, "new", "1")});
    const auto before = all_of(*to, "readings");
    const Error error = refusal(*from, *to);
    EXPECT_EQ(error.code, Errc::copy_refused);
    EXPECT_NE(error.text.find("goes on behind offset"), std::string::npos) << error.text;
    EXPECT_EQ(all_of(*to, "readings"), before);
  }
  {
    const auto to = memory();  // other partition counts
    ASSERT_TRUE(to->create_topics(std::vector<TopicSpec>{{"readings", 3}}).has_value());
    EXPECT_EQ(refusal(*from, *to).code, Errc::partitions_changed);
  }
}

TEST(CopyLog, EmptyTopicsMadeBeforehandAreNoHindrance) {
  const auto from = memory();
  fill(*from);
  const auto to = memory();
  ASSERT_TRUE(to->create_topics(kTopics).has_value());
  ASSERT_TRUE(copy_log(*from, *to, options()).has_value());
  expect_same(*from, *to);
}

TEST(CopyLog, WhatWasNeverReadBeginsAtTheBeginningWhateverTheTargetRemembers) {
  const auto from = memory();
  ASSERT_TRUE(from->create_topics(kTopics).has_value());
  append(*from, {record("readings", 0, "a", "1", kLongAgoMs)});
  const auto to = memory();
  ASSERT_TRUE(copy_log(*from, *to, options()).has_value());
  EXPECT_EQ(to->committed("processor", {"readings", 0}), 0);
  EXPECT_EQ(to->committed("processor", {"readings", 1}), 0);
}

TEST(CopyLog, AStopIsHeeded) {
  const auto from = memory();
  fill(*from);
  std::stop_source stop;
  stop.request_stop();
  const auto copied = copy_log(*from, *memory(), options(), stop.get_token());
  ASSERT_FALSE(copied.has_value());
  EXPECT_EQ(copied.error().code, Errc::stopped);
}

}  // namespace
}  // namespace qc::commands
