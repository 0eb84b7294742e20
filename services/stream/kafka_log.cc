#include "stream/kafka_log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "stream/kafka_member.h"
#include "stream/kafka_producer.h"
#include "stream/kafka_reader.h"
#include "stream/kafka_topics.h"

namespace qc::stream {
namespace {

class KafkaLog final : public Log {
 public:
  explicit KafkaLog(std::unique_ptr<kafka::Cluster> cluster) : cluster_(std::move(cluster)) {}
  Result<void> create_topics(std::span<const TopicSpec> specs) override {
    return kafka::create_topics(*cluster_, specs);
  }
  Result<std::vector<TopicSpec>> topics() override { return kafka::describe_topics(*cluster_); }
  Result<Range> range(const TopicPartition& tp) override { return cluster_->range(tp); }
  Result<std::unique_ptr<Reader>> reader(std::span<const std::pair<TopicPartition, Offset>> from) override {
    return kafka::KafkaReader::open(*cluster_, from);
  }
  Result<std::unique_ptr<Appender>> appender() override { return kafka::KafkaAppender::open(*cluster_); }
  Result<std::unique_ptr<Member>> join(const GroupSpec& spec) override {
    return kafka::KafkaMember::join(*cluster_, spec);
  }

 private:
  std::unique_ptr<kafka::Cluster> cluster_;
};

// A name that nobody else on this host has: the system drops it with the process.
bool claim(const std::string& name) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Its first byte stays 0: no file.
  const std::size_t size = std::min(name.size(), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path + 1, name.data(), size);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return true;  // kept to the end
  close(fd);
  return false;
}

}  // namespace

Result<std::string> claim_kafka_instance(const std::string& brokers, const std::string& prefix) {
  constexpr int kProcessesMax = 256;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const auto cluster = std::to_string(std::hash<std::string>{}(brokers + "\n" + prefix));
  for (int i = 0; i < kProcessesMax; ++i) {
    if (claim("qingchuan/" + cluster + "/" + std::to_string(i))) return std::string(host) + "-" + std::to_string(i);
  }
  return fail(Errc::queue_full,
              "more than " + std::to_string(kProcessesMax) + " processes of this host on one cluster");
}

Result<std::unique_ptr<Log>> open_kafka(KafkaOptions options) {
  auto cluster = kafka::Cluster::open(std::move(options));
  if (!cluster) return tl::make_unexpected(cluster.error());
  return std::make_unique<KafkaLog>(std::move(*cluster));
}

}  // namespace qc::stream
