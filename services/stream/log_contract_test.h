// The contract of log.h as tests, for every implementation: log_contract*_test.cc have the tests (records and
// readers; groups and transactions; retention and compaction), each implementation gives a harness and instantiates
// them:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, LogContract, testing::Values(&make_memory_harness));
//
// A harness is one empty log and the few things a test does to it from outside.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stream/log.h"

namespace qc::stream {

class LogHarness {
 public:
  static constexpr std::size_t kRecordBytesMax = 4UL << 20;  // what the log must be made with
  static constexpr std::int64_t kStartMs = 1'700'000'000'000;
  static constexpr Milliseconds kTombstonesKept = std::chrono::hours(1);

  virtual ~LogHarness() = default;
  virtual Log& log() = 0;
  // Whether nothing comes between the records of one append, nor a part of them remains after an error.
  virtual bool appends_are_atomic() const { return true; }
  // The clock that gives records their time of writing stands at kStartMs until it is moved.
  virtual void advance(Milliseconds by) = 0;
  // Retention and compaction, now.
  virtual void maintain() = 0;
  // The member's process dies: it does nothing more, and its partitions are free as soon as the log can know.
  virtual void die(std::unique_ptr<Member> member, const GroupSpec& spec) = 0;
  // Its partitions (all of them) are taken from the member, who does not know it yet.
  virtual void fence(const GroupSpec& spec) = 0;
};

using HarnessFactory = std::unique_ptr<LogHarness> (*)();

class LogContract : public testing::TestWithParam<HarnessFactory> {
 protected:
  // A factory that cannot make one here (no broker) gives none.
  void SetUp() override {
    harness_ = GetParam()();
    if (harness_ == nullptr) GTEST_SKIP() << "nothing to run it on here";
  }
  LogHarness& harness() { return *harness_; }
  Log& log() { return harness_->log(); }

 private:
  std::unique_ptr<LogHarness> harness_;
};

// Retention and compaction, for the implementations that do them when told.
class LogCleanupContract : public LogContract {};

// What the tests are written with.
namespace contract {

inline constexpr Milliseconds kNow{0};
inline constexpr Milliseconds kSoon{5000};  // a deadline, not a delay

inline NewRecord record(const std::string& topic, int partition, std::string key, std::optional<std::string> value) {
  return NewRecord{{topic, partition}, std::move(key), std::move(value), ""};
}

#define ASSERT_OK(expression)                                          \
  do {                                                                 \
    const auto& ok_result = (expression);                              \
    ASSERT_TRUE(ok_result.has_value()) << describe(ok_result.error()); \
  } while (false)

inline Errc code_of(const Result<void>& result) {
  return result ? Errc{} : result.error().code;
}

// What a poll brings of what is there now: an empty one is the end only where the reader has got there.
inline Result<void> poll_there(Log& log, Reader& reader, const TopicPartition& tp, Batch& batch, std::size_t max) {
  const auto end = log.range(tp);
  if (!end) return tl::make_unexpected(end.error());
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  Milliseconds wait = kNow;
  for (;;) {
    if (auto polled = reader.poll(batch, max, wait); !polled) return polled;
    const auto position = reader.position(tp);
    if (!batch.records.empty() || !position || *position >= end->end) return {};
    if (std::chrono::steady_clock::now() >= deadline) return fail(Errc::log_unavailable, "no end in sight");
    wait = Milliseconds(20);
  }
}
// The `records` from `from` on in one batch, where a fetch may bring them in parts.
inline void poll_whole(Reader& reader, const TopicPartition& tp, Offset from, std::size_t records, Batch& batch) {
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  do {
    ASSERT_OK(reader.seek(tp, from));
    ASSERT_OK(reader.poll(batch, records, Milliseconds(200)));
  } while (batch.records.size() < records && std::chrono::steady_clock::now() < deadline);
}

// Everything from `from` to the end that stands now, as "offset key=value" ("offset key!" for a tombstone).
inline std::vector<std::string> read_all(Log& log, const TopicPartition& tp, Offset from = 0, std::size_t max = 7) {
  std::vector<std::string> all;
  const std::pair<TopicPartition, Offset> where[] = {{tp, from}};
  auto reader = log.reader(where);
  if (!reader) return {describe(reader.error())};
  Batch batch;
  for (;;) {
    if (auto polled = poll_there(log, **reader, tp, batch, max); !polled) return {describe(polled.error())};
    if (batch.records.empty()) return all;
    for (const Record& r : batch.records) {
      all.push_back(std::to_string(r.offset) + " " + std::string(r.key) +
                    (r.tombstone ? "!" : "=" + std::string(r.value)));
    }
  }
}

// Keys and values only, where offsets may differ between implementations.
inline std::vector<std::string> values_of(Log& log, const TopicPartition& tp) {
  std::vector<std::string> all = read_all(log, tp);
  for (std::string& line : all) line = line.substr(line.find(' ') + 1);
  return all;
}

inline std::map<std::string, std::string> fold(Log& log, const TopicPartition& tp) {
  std::map<std::string, std::string> state;
  const std::pair<TopicPartition, Offset> where[] = {{tp, 0}};
  auto reader = log.reader(where);
  EXPECT_TRUE(reader.has_value());
  Batch batch;
  do {
    EXPECT_TRUE(poll_there(log, **reader, tp, batch, 100).has_value());
    for (const Record& r : batch.records) {
      if (r.tombstone) {
        state.erase(std::string(r.key));
      } else {
        state[std::string(r.key)] = r.value;
      }
    }
  } while (!batch.records.empty());
  return state;
}

// Polls until the member owns `partitions` of them or the deadline has passed; records it meets are kept.
struct Watched {
  std::vector<TopicPartition> owned;
  std::vector<std::string> values;
};
inline Watched poll_until(Member& member, const std::function<bool(const Watched&)>& enough, Watched watched = {}) {
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  Batch batch;
  Assignment change;
  while (!enough(watched) && std::chrono::steady_clock::now() < deadline) {
    const auto polled = member.poll(batch, change, 10, Milliseconds(20));
    EXPECT_TRUE(polled.has_value()) << describe(polled.error());
    if (!polled) break;
    for (const auto& tp : change.lost) std::erase(watched.owned, tp);
    for (const auto& tp : change.gained) watched.owned.push_back(tp);
    EXPECT_TRUE(change.leaving.empty() || batch.records.empty());
    for (const Record& r : batch.records) watched.values.emplace_back(r.value);
  }
  return watched;
}
inline auto owns(std::size_t partitions) {
  return [=](const Watched& watched) { return watched.owned.size() >= partitions; };
}
inline auto has_read(std::size_t values) {
  return [=](const Watched& watched) { return watched.values.size() >= values; };
}

}  // namespace contract
}  // namespace qc::stream
