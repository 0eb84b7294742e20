// What only the embedded log has: its files, its limits, its errors. The contract is in embedded_contract_test.cc,
// other processes in embedded_crash_test.cc.
#include "stream/embedded_log.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "stream/embedded_lease.h"
#include "stream/embedded_test_directory.h"

namespace qc::stream {
namespace {

using Clock = std::chrono::steady_clock;

#define ASSERT_OK(expression)                                          \
  do {                                                                 \
    const auto& ok_result = (expression);                              \
    ASSERT_TRUE(ok_result.has_value()) << describe(ok_result.error()); \
  } while (false)

template <class T>
Errc code_of(const Result<T>& result) {
  return result ? Errc{} : result.error().code;
}

NewRecord record(const std::string& topic, int partition, std::string key, std::optional<std::string> value) {
  return NewRecord{{topic, partition}, std::move(key), std::move(value), ""};
}

EmbeddedOptions creating() {
  EmbeddedOptions options;
  options.create = true;
  options.standby_interval = Milliseconds(5);
  return options;
}

std::size_t count(Log& log, const TopicPartition& tp) {
  const std::pair<TopicPartition, Offset> from[] = {{tp, 0}};
  auto reader = log.reader(from);
  EXPECT_TRUE(reader.has_value());
  std::size_t records = 0;
  Batch batch;
  do {
    EXPECT_TRUE((*reader)->poll(batch, 1000, Milliseconds(0)).has_value());
    records += batch.records.size();
  } while (!batch.records.empty());
  return records;
}

// Changes a closed log behind its back.
void tamper(const std::string& directory, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((directory + "/log.sqlite").c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
}

class EmbeddedLogTest : public testing::Test {
 protected:
  void open(const EmbeddedOptions& options = creating()) {
    log_.reset();
    auto log = open_embedded(directory_.path(), options);
    ASSERT_OK(log);
    log_ = std::move(*log);
    ASSERT_OK(log_->create_topics(std::vector<TopicSpec>{{"in", 2}, {"out", 1}}));
  }
  const std::string& path() const { return directory_.path(); }
  EmbeddedLog& log() { return *log_; }
  void close() { log_.reset(); }

 private:
  TestDirectory directory_;
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(EmbeddedLogTest, AMissingLogIsMadeOnlyWhenAsked) {
  EmbeddedOptions options;
  const auto missing = open_embedded(path() + "/below", options);
  EXPECT_EQ(code_of(missing), Errc::log_unavailable);
  EXPECT_FALSE(std::filesystem::exists(path() + "/below"));
  EXPECT_NE(missing.error().text.find(path() + "/below"), std::string::npos);
  options.create = true;
  ASSERT_OK(open_embedded(path() + "/below/and/deeper", options));
  options.create = false;
  ASSERT_OK(open_embedded(path() + "/below/and/deeper", options));
}

TEST_F(EmbeddedLogTest, ReopenedItHasEverything) {
  open();
  ASSERT_OK((*log().appender())->append(std::vector{record("in", 0, "a", "1"), record("in", 1, "b", "2")}));
  auto member = log().join({"group", {"in"}, "m"});
  Batch batch;
  Assignment change;
  ASSERT_OK((*member)->poll(batch, change, 1, Milliseconds(0)));
  Transaction step;
  step.next = {{{"in", 0}, 1}};
  ASSERT_OK((*member)->commit(step));
  member->reset();
  open();
  EXPECT_EQ(count(log(), {"in", 0}), 1U);
  EXPECT_EQ(count(log(), {"in", 1}), 1U);
  EXPECT_EQ(log().range({"in", 0})->end, 1);
  EXPECT_EQ(*(*log().join({"group", {"in"}, "m"}))->committed({"in", 0}), 1);
}

TEST_F(EmbeddedLogTest, AnotherFormatVersionIsRefusedInOneLineThatSaysWhich) {
  open();
  close();
  tamper(path(), "UPDATE meta SET value = 2 WHERE key = 'format'");
  const auto newer = open_embedded(path(), creating());
  ASSERT_EQ(code_of(newer), Errc::log_version);
  EXPECT_NE(newer.error().text.find("has format 2"), std::string::npos) << newer.error().text;
  EXPECT_NE(newer.error().text.find("knows format 1"), std::string::npos) << newer.error().text;
  EXPECT_EQ(newer.error().text.find('\n'), std::string::npos);
}

TEST_F(EmbeddedLogTest, AFileThatIsNotALogIsRefusedAndLeftAsItIs) {
  const std::string text(10'000, 'x');
  std::ofstream(path() + "/log.sqlite") << text;
  EXPECT_EQ(code_of(open_embedded(path(), creating())), Errc::log_corrupt);
  std::ifstream file(path() + "/log.sqlite");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
  file.close();
  std::filesystem::remove(path() + "/log.sqlite");
  tamper(path(), "CREATE TABLE somebody_elses(x)");
  EXPECT_EQ(code_of(open_embedded(path(), creating())), Errc::log_corrupt);
}

TEST_F(EmbeddedLogTest, TheIntegrityCheckFindsDamageInPages) {
  open();
  std::vector<NewRecord> records;
  for (int i = 0; i < 2000; ++i) records.push_back(record("in", 0, "key", std::string(200, 'v')));
  ASSERT_OK((*log().appender())->append(records));
  ASSERT_OK(log().check_integrity());
  close();  // everything is in log.sqlite now
  {
    std::fstream file(path() + "/log.sqlite", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path() + "/log.sqlite") / 2 / 8192 * 8192));
    file << std::string(64, '\x7F');
  }
  auto damaged = open_embedded(path(), creating());
  ASSERT_OK(damaged);
  EXPECT_EQ(code_of((*damaged)->check_integrity()), Errc::log_corrupt);
}

TEST_F(EmbeddedLogTest, TheIntegrityCheckFindsOffsetsOutOfTheirRange) {
  open();
  ASSERT_OK((*log().appender())->append(std::vector{record("in", 0, "a", "1"), record("in", 0, "b", "2")}));
  close();
  tamper(path(), "UPDATE partitions SET next = 1 WHERE id = 1");
  open();
  EXPECT_EQ(code_of(log().check_integrity()), Errc::log_corrupt);
  close();
  tamper(path(), "UPDATE partitions SET next = 2 WHERE id = 1; INSERT INTO group_offsets VALUES(1, 1, 3)");
  open();
  const auto offsets = log().check_integrity();
  EXPECT_EQ(code_of(offsets), Errc::log_corrupt);
  EXPECT_NE(offsets.error().text.find("group offsets"), std::string::npos);
}

TEST_F(EmbeddedLogTest, TwoHandlesOnOneDirectoryAreOneLog) {
  open();
  auto other = open_embedded(path(), EmbeddedOptions{});
  ASSERT_OK(other);
  ASSERT_OK((*other)->create_topics(std::vector<TopicSpec>{{"late", 1}}));
  const std::pair<TopicPartition, Offset> from[] = {{{"late", 0}, 0}};
  auto reader = log().reader(from);  // a topic that this handle has not seen made
  ASSERT_OK(reader);
  Batch batch;
  ASSERT_OK((*reader)->poll(batch, 1, Milliseconds(0)));
  std::atomic<bool> waiting{false};
  std::thread door([&] {
    while (!waiting) std::this_thread::yield();
    EXPECT_TRUE((*(*other)->appender())->append(std::vector{record("late", 0, "a", "1")}).has_value());
  });
  const auto started = Clock::now();
  waiting = true;
  ASSERT_OK((*reader)->poll(batch, 1, std::chrono::seconds(60)));
  door.join();
  ASSERT_EQ(batch.records.size(), 1U);
  EXPECT_LT(Clock::now() - started, std::chrono::seconds(30));
  ASSERT_OK((*log().appender())->append(std::vector{record("late", 0, "b", "2")}));
  EXPECT_EQ((*other)->range({"late", 0})->end, 2);
  EXPECT_EQ(code_of((*other)->create_topics(std::vector<TopicSpec>{{"in", 3}})), Errc::partitions_changed);

  auto owner = log().join({"group", {"in"}, "here"});
  auto standby = (*other)->join({"group", {"in"}, "there"});
  Assignment change;
  ASSERT_OK((*owner)->poll(batch, change, 1, Milliseconds(0)));
  EXPECT_EQ(change.gained.size(), 2U);
  ASSERT_OK((*standby)->poll(batch, change, 1, Milliseconds(20)));
  EXPECT_TRUE(change.gained.empty());
  owner->reset();
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (change.gained.empty() && Clock::now() < deadline) {
    ASSERT_OK((*standby)->poll(batch, change, 1, Milliseconds(20)));
  }
  EXPECT_EQ(change.gained.size(), 2U);
}

TEST_F(EmbeddedLogTest, AFencedMemberLearnsItAtItsNextPollsAndMayComeBack) {
  open();
  auto member = log().join({"group", {"in"}, "m"});
  ASSERT_OK(member);
  Batch batch;
  Assignment change;
  ASSERT_OK((*member)->poll(batch, change, 1, Milliseconds(0)));
  ASSERT_EQ(change.gained.size(), 2U);
  ASSERT_OK(log().fence("group", 1));
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  std::vector<TopicPartition> lost, regained;
  while ((lost.empty() || regained.empty()) && Clock::now() < deadline) {
    ASSERT_OK((*member)->poll(batch, change, 1, Milliseconds(10)));
    if (!change.lost.empty()) lost = change.lost;
    if (!change.gained.empty()) regained = change.gained;
  }
  EXPECT_EQ(lost, (std::vector<TopicPartition>{{"in", 1}}));  // only what was taken
  EXPECT_EQ(regained, lost);
  EXPECT_EQ((*log().holders("group"))[1].epoch, 3);  // taken, fenced, taken again
}

TEST_F(EmbeddedLogTest, AnOffsetBeyondTheEndIsNeverCommitted) {
  open();
  ASSERT_OK((*log().appender())->append(std::vector{record("in", 0, "a", "1")}));
  auto member = log().join({"group", {"in"}, "m"});
  Batch batch;
  Assignment change;
  ASSERT_OK((*member)->poll(batch, change, 1, Milliseconds(0)));
  Transaction step;
  step.records = {record("out", 0, "a", "1")};
  step.next = {{{"in", 0}, 2}};
  EXPECT_EQ(code_of((*member)->commit(step)), Errc::log_fatal);
  EXPECT_EQ(count(log(), {"out", 0}), 0U);
  step.next = {{{"in", 0}, 1}};
  ASSERT_OK((*member)->commit(step));
}

TEST_F(EmbeddedLogTest, APollStopsAtItsLimitOfBytes) {
  EmbeddedOptions options = creating();
  options.poll_bytes_max = 100'000;
  open(options);
  std::vector<NewRecord> records;
  for (int i = 0; i < 40; ++i) records.push_back(record("in", i % 2, "k", std::string(20'000, 'v')));
  records.push_back(record("in", 0, "k", std::string(500'000, 'v')));  // greater than the limit: alone, but it comes
  ASSERT_OK((*log().appender())->append(records));
  const std::pair<TopicPartition, Offset> from[] = {{{"in", 0}, 0}, {{"in", 1}, 0}};
  auto reader = log().reader(from);
  Batch batch;
  std::size_t total = 0;
  std::size_t polls = 0;
  for (;; ++polls) {
    ASSERT_OK((*reader)->poll(batch, 1000, Milliseconds(0)));
    if (batch.records.empty()) break;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i + 1 < batch.records.size(); ++i) bytes += batch.records[i].value.size();
    EXPECT_LT(bytes, options.poll_bytes_max);  // what came before the last record was below it
    total += batch.records.size();
  }
  EXPECT_EQ(total, 41U);
  EXPECT_GE(polls, 8U);
}

TEST_F(EmbeddedLogTest, AProducerBlocksAtTheQueuesLimitAndLosesNothing) {
  EmbeddedOptions options = creating();
  options.append_queue_max_records = 10;
  open(options);
  std::atomic<std::size_t> appended{0};
  std::vector<std::thread> doors;
  for (int door = 0; door < 8; ++door) {
    doors.emplace_back([&] {
      auto appender = log().appender();
      const std::vector<NewRecord> records(4, record("in", 0, "k", "v"));
      const auto deadline = Clock::now() + std::chrono::seconds(30);
      for (int i = 0; i < 20 || (log().stats().queue_waits == 0 && Clock::now() < deadline); ++i) {
        ASSERT_OK((*appender)->append(records));
        appended += records.size();
        EXPECT_LE(log().stats().queued_records, options.append_queue_max_records);
      }
    });
  }
  for (std::thread& door : doors) door.join();
  EXPECT_GT(log().stats().queue_waits, 0U);
  EXPECT_EQ(count(log(), {"in", 0}), appended);
  ASSERT_OK((*log().appender())->append(std::vector(25, record("in", 1, "k", "v"))));  // above the limit: goes alone
  EXPECT_EQ(count(log(), {"in", 1}), 25U);
  EXPECT_EQ(log().stats().queued_records, 0U);
}

TEST_F(EmbeddedLogTest, CommitsThatArriveTogetherShareAFsync) {
  EmbeddedOptions options = creating();
  options.commit_linger = Milliseconds(5);
  open(options);
  std::vector<std::thread> doors;
  for (int door = 0; door < 8; ++door) {
    doors.emplace_back([&] {
      auto appender = log().appender();
      for (int i = 0; i < 25; ++i) ASSERT_OK((*appender)->append(std::vector{record("in", 0, "k", "v")}));
    });
  }
  for (std::thread& door : doors) door.join();
  const EmbeddedStats stats = log().stats();
  EXPECT_EQ(stats.commits, 200U);
  EXPECT_EQ(stats.appended_records, 200U);
  EXPECT_EQ(stats.appended_bytes, 400U);
  EXPECT_LT(stats.commit_groups, 150U);
}

TEST_F(EmbeddedLogTest, TheWalStaysBoundedUnderAReader) {
  EmbeddedOptions options = creating();
  options.wal_bytes_target = 256UL << 10;
  open(options);
  std::atomic<bool> done{false};
  std::thread follower([&] {
    const std::pair<TopicPartition, Offset> from[] = {{{"in", 0}, 0}};
    auto reader = log().reader(from);
    Batch batch;
    while (!done) EXPECT_TRUE((*reader)->poll(batch, 50, Milliseconds(1)).has_value());
  });
  auto appender = log().appender();
  std::uintmax_t largest = 0;
  for (int i = 0; i < 150; ++i) {
    EXPECT_TRUE((*appender)->append(std::vector(100, record("in", 0, "k", std::string(1000, 'v')))).has_value());
    largest = std::max(largest, std::filesystem::file_size(path() + "/log.sqlite-wal"));
  }
  done = true;
  follower.join();
  EXPECT_GT(log().stats().checkpoints, 5U);
  EXPECT_LT(largest, 8 * options.wal_bytes_target);  // 15 MB went through it
}

TEST_F(EmbeddedLogTest, OnlyOneProcessMaintainsAtATime) {
  open();
  {
    auto lease = embedded::LeaseFile::open(path() + "/leases", false);
    ASSERT_OK(lease);
    ASSERT_TRUE(lease->try_lock(embedded::kMaintenanceLock));
    const auto busy = log().maintain();
    ASSERT_OK(busy);
    EXPECT_FALSE(busy->ran);
  }
  const auto free = log().maintain();
  ASSERT_OK(free);
  EXPECT_TRUE(free->ran);
}

TEST_F(EmbeddedLogTest, CompactionGoesOnWhereItsMemoryEnded) {
  EmbeddedOptions options = creating();
  options.compaction_dirty_ratio = 0;
  options.compaction_bytes_max = 1000;  // a dozen keys
  open(options);
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"state", 1, Cleanup::Compact}}));
  std::vector<NewRecord> records;
  for (int i = 0; i < 300; ++i) records.push_back(record("state", 0, std::to_string(i % 100), std::to_string(i)));
  ASSERT_OK((*log().appender())->append(records));
  for (int pass = 0; pass < 60 && count(log(), {"state", 0}) > 100; ++pass) ASSERT_OK(log().maintain());
  EXPECT_EQ(count(log(), {"state", 0}), 100U);
  EXPECT_EQ(log().stats().deleted_by_compaction, 200U);
}

TEST_F(EmbeddedLogTest, CompactionWaitsUntilEnoughIsNew) {
  EmbeddedOptions options = creating();
  options.compaction_dirty_ratio = 0.5;
  open(options);
  ASSERT_OK(log().create_topics(std::vector<TopicSpec>{{"state", 1, Cleanup::Compact}}));
  const auto append = [&](int keys) {
    std::vector<NewRecord> records;
    for (int i = 0; i < keys; ++i) records.push_back(record("state", 0, std::to_string(i), "v"));
    ASSERT_OK((*log().appender())->append(records));
    ASSERT_OK(log().maintain());
  };
  append(100);
  append(60);
  EXPECT_EQ(count(log(), {"state", 0}), 160U);  // 60 of 160
  append(45);
  EXPECT_EQ(count(log(), {"state", 0}), 100U);  // 105 of 205
}

// What holds on a full log, whatever filled it; `make_room` ends it.
void expect_full_then_well(EmbeddedLog& log, const std::function<void()>& make_room) {
  auto appender = log.appender();
  ASSERT_OK((*appender)->append(std::vector{record("in", 1, "first", "1")}));
  auto member = log.join({"group", {"in"}, "m"});
  Batch batch;
  Assignment change;
  ASSERT_OK((*member)->poll(batch, change, 10, Milliseconds(0)));
  const std::vector<NewRecord> many(20, record("in", 0, "k", std::string(10'000, 'v')));
  std::size_t kept = 0;
  Result<void> last;
  for (int i = 0; i < 1000 && last; ++i) {
    last = (*appender)->append(many);
    if (last) kept += many.size();
  }
  ASSERT_EQ(code_of(last), Errc::log_full) << describe(last.error());
  EXPECT_GT(kept, 0U);
  EXPECT_EQ(count(log, {"in", 0}), kept);  // nothing of the one that failed
  EXPECT_EQ(log.range({"in", 0})->end, static_cast<Offset>(kept));
  Transaction step;
  step.records = many;
  step.next = {{{"in", 1}, 1}};
  EXPECT_EQ(code_of((*member)->commit(step)), Errc::log_full);
  EXPECT_EQ(*(*member)->committed({"in", 1}), std::nullopt);
  make_room();
  ASSERT_OK((*member)->commit(step));  // the same again, and the member is still the owner
  EXPECT_EQ(*(*member)->committed({"in", 1}), 1);
  EXPECT_EQ(count(log, {"in", 0}), kept + many.size());
  ASSERT_OK(log.check_integrity());
}

TEST(EmbeddedFull, AFullDiskGivesLogFullAndGoesOnWhenThereIsRoom) {
  TestDirectory directory;
  if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=6m") != 0) {
    GTEST_SKIP() << "mounting a small file system needs root; EmbeddedFull.TheSizeLimit... shows the same";
  }
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } const unmount{directory.path()};
  const std::string ballast = directory.path() + "/ballast";
  std::ofstream(ballast) << std::string(3UL << 20, 'b');
  auto log = open_embedded(directory.path(), creating());
  ASSERT_OK(log);
  ASSERT_OK((*log)->create_topics(std::vector<TopicSpec>{{"in", 2}}));
  expect_full_then_well(**log, [&] { std::filesystem::remove(ballast); });
  log->reset();  // before the file system goes
}

TEST(EmbeddedFull, TheSizeLimitGivesLogFullUntilRetentionHasMadeRoom) {
  TestDirectory directory;
  EmbeddedOptions options = creating();
  std::atomic<std::int64_t> clock_ms{1'700'000'000'000};
  options.clock_ms = [&] { return clock_ms.load(); };
  options.log_bytes_max = 3UL << 20;
  options.maintenance_rows = 10;
  auto log = open_embedded(directory.path(), options);
  ASSERT_OK(log);
  const std::vector<TopicSpec> topics = {{"in", 2}, {"ballast", 1, Cleanup::Delete, std::chrono::hours(1)}};
  ASSERT_OK((*log)->create_topics(topics));
  ASSERT_OK((*(*log)->appender())->append(std::vector(100, record("ballast", 0, "k", std::string(10'000, 'b')))));
  expect_full_then_well(**log, [&] {
    clock_ms += 2 * 3600 * 1000;
    const auto done = (*log)->maintain();
    ASSERT_OK(done);
    EXPECT_EQ(done->deleted_by_retention, 100U);
  });
}

TEST(EmbeddedFull, AJobThatDoesNotFitHindersNoOther) {
  TestDirectory directory;
  EmbeddedOptions options = creating();
  options.log_bytes_max = 2UL << 20;
  options.commit_linger = Milliseconds(20);  // so that they meet in one group
  auto log = open_embedded(directory.path(), options);
  ASSERT_OK(log);
  ASSERT_OK((*log)->create_topics(std::vector<TopicSpec>{{"in", 1}}));
  std::atomic<bool> done{false};
  std::thread small([&] {
    auto appender = (*log)->appender();
    while (!done) EXPECT_TRUE((*appender)->append(std::vector{record("in", 0, "small", "v")}).has_value());
  });
  auto appender = (*log)->appender();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(code_of((*appender)->append(std::vector(100, record("in", 0, "k", std::string(30'000, 'v'))))),
              Errc::log_full);
  }
  done = true;
  small.join();
  EXPECT_EQ((*log)->stats().failed_commits, 10U);
  EXPECT_EQ(count(**log, {"in", 0}), (*log)->stats().appended_records);
}

}  // namespace
}  // namespace qc::stream
