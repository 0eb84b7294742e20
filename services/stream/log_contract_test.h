// The contract of log.h as tests, for every implementation: log_contract_test.cc has the tests, each implementation
// gives a harness and instantiates them:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, LogContract, testing::Values(&make_memory_harness));
//
// A harness is one empty log and the few things a test does to it from outside.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "stream/log.h"

namespace qc::stream {

class LogHarness {
 public:
  static constexpr std::size_t kRecordBytesMax = 4UL << 20;  // what the log must be made with
  static constexpr std::int64_t kStartMs = 1'700'000'000'000;
  static constexpr Milliseconds kTombstonesKept = std::chrono::hours(1);

  virtual ~LogHarness() = default;
  virtual Log& log() = 0;
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
  void SetUp() override { harness_ = GetParam()(); }
  LogHarness& harness() { return *harness_; }
  Log& log() { return harness_->log(); }

 private:
  std::unique_ptr<LogHarness> harness_;
};

}  // namespace qc::stream
