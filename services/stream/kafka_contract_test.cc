// The contract of log.h on a real Kafka (QC_KAFKA: its address; without it these tests say "skipped").
// Retention and compaction are the broker's own and run when it likes: kafka_log_test.cc has what of them matters here.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "stream/kafka_member.h"
#include "stream/kafka_test.h"
#include "stream/log_contract_test.h"

namespace qc::stream {
namespace {

class KafkaHarness final : public LogHarness {
 public:
  KafkaHarness() {
    KafkaOptions options = kafka_test_options("contract");
    options.clock_ms = [this] { return clock_ms_.load(); };
    options.record_bytes_max = kRecordBytesMax;
    auto log = open_kafka(options);
    if (!log) throw std::runtime_error(describe(log.error()));
    log_ = std::move(*log);
  }
  Log& log() override { return *log_; }
  void advance(Milliseconds by) override { clock_ms_ += by.count(); }
  void maintain() override { FAIL() << "the broker's own"; }
  bool appends_are_atomic() const override { return false; }
  void die(std::unique_ptr<Member> member, const GroupSpec&) override {
    static_cast<kafka::KafkaMember&>(*member).die();
  }
  // It does not poll for longer than a member may, and another one comes and goes.
  void fence(const GroupSpec& spec) override {
    auto other = log_->join({spec.group, spec.topics, "other"});
    ASSERT_TRUE(other.has_value()) << describe(other.error());
    const auto watched = contract::poll_until(**other, contract::owns(1));
    ASSERT_EQ(watched.owned.size(), 1U);
  }

 private:
  std::atomic<std::int64_t> clock_ms_{kStartMs};
  std::unique_ptr<Log> log_;
};

std::unique_ptr<LogHarness> make_kafka_harness() {
  if (!has_test_kafka()) return nullptr;
  return std::make_unique<KafkaHarness>();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Kafka, LogContract, testing::Values(&make_kafka_harness));

}  // namespace qc::stream
