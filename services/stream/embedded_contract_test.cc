// The contract of log.h on the embedded log.
#include <atomic>
#include <stdexcept>

#include "stream/embedded_test_directory.h"
#include "stream/log_contract_test.h"

namespace qc::stream {
namespace {

class EmbeddedHarness final : public LogHarness {
 public:
  EmbeddedHarness() {
    EmbeddedOptions options;
    options.create = true;
    options.clock_ms = [this] { return clock_ms_.load(); };
    options.record_bytes_max = kRecordBytesMax;
    options.standby_interval = Milliseconds(10);
    options.compaction_dirty_ratio = 0;
    options.tombstones_kept = kTombstonesKept;
    options.maintenance_rows = 3;  // so that every pass takes several steps
    options.wal_bytes_target = 256UL << 10;
    auto log = open_embedded(directory_.path(), options);
    if (!log) throw std::runtime_error(describe(log.error()));
    log_ = std::move(*log);
  }
  ~EmbeddedHarness() override {
    const auto sound = log_->check_integrity();
    EXPECT_TRUE(sound.has_value()) << describe(sound.error());
  }
  Log& log() override { return *log_; }
  void advance(Milliseconds by) override { clock_ms_ += by.count(); }
  void maintain() override {
    const auto done = log_->maintain();
    ASSERT_TRUE(done.has_value()) << describe(done.error());
    EXPECT_TRUE(done->ran);
  }
  // What the system does to a process's locks when it dies; embedded_crash_test.cc does it with a real one.
  void die(std::unique_ptr<Member> member, const GroupSpec&) override { member.reset(); }
  void fence(const GroupSpec& spec) override {
    const auto holders = log_->holders(spec.group);
    ASSERT_TRUE(holders.has_value());
    for (const LeaseHolder& holder : *holders) {
      if (holder.member != spec.member) continue;
      ASSERT_TRUE(log_->fence(spec.group, holder.partition).has_value());
    }
  }

 private:
  TestDirectory directory_;
  std::atomic<std::int64_t> clock_ms_{kStartMs};
  std::unique_ptr<EmbeddedLog> log_;
};

std::unique_ptr<LogHarness> make_embedded_harness() {
  return std::make_unique<EmbeddedHarness>();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Embedded, LogContract, testing::Values(&make_embedded_harness));
INSTANTIATE_TEST_SUITE_P(Embedded, LogCleanupContract, testing::Values(&make_embedded_harness));

}  // namespace qc::stream
