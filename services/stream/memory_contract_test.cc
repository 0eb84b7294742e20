// The contract of log.h on the log in memory.
#include <atomic>

#include "stream/log_contract_test.h"
#include "stream/memory_log.h"

namespace qc::stream {
namespace {

class MemoryHarness final : public LogHarness {
 public:
  Log& log() override { return log_; }
  void advance(Milliseconds by) override { clock_ms_ += by.count(); }
  void maintain() override {
    log_.retain_now();
    log_.compact_now();
  }
  void die(std::unique_ptr<Member> member, const GroupSpec& spec) override {
    log_.kill(spec.group, spec.member);
    member.reset();
    log_.expire(spec.group, spec.member);
  }
  void fence(const GroupSpec& spec) override { log_.fence(spec.group, spec.member); }

 private:
  MemoryLogOptions options() {
    MemoryLogOptions options;
    options.now_ms = [this] { return clock_ms_.load(); };
    options.record_bytes_max = kRecordBytesMax;
    options.tombstone_kept = kTombstonesKept;
    return options;
  }
  std::atomic<std::int64_t> clock_ms_{kStartMs};
  MemoryLog log_{options()};
};

std::unique_ptr<LogHarness> make_memory_harness() {
  return std::make_unique<MemoryHarness>();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, LogContract, testing::Values(&make_memory_harness));
INSTANTIATE_TEST_SUITE_P(Memory, LogCleanupContract, testing::Values(&make_memory_harness));

}  // namespace qc::stream
