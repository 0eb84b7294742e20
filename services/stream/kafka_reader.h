// Reader over Kafka: given partitions, outside any group, through librdkafka's simple consumer, which needs no group
// and so no right on one. Inside of stream/kafka_log.h.
#pragma once

#include <map>
#include <set>

#include "stream/kafka_client.h"

namespace qc::stream::kafka {

class KafkaReader final : public Reader, private Client {
 public:
  static Result<std::unique_ptr<Reader>> open(Cluster& cluster,
                                              std::span<const std::pair<TopicPartition, Offset>> from);
  ~KafkaReader() override;

  Result<void> poll(Batch& out, std::size_t max, Milliseconds wait) override;
  Result<void> seek(const TopicPartition& tp, Offset offset) override;
  std::optional<Offset> position(const TopicPartition& tp) const override;

 private:
  struct Part {
    Topic topic;
    Offset next = 0;
  };
  explicit KafkaReader(Cluster& cluster) : Client(cluster.options()), cluster_(cluster), fill_(cluster) {}
  // The offset to begin at where what was asked for is no longer kept.
  Result<Offset> kept(const TopicPartition& tp, Offset offset);
  Result<void> start_again(const TopicPartition& tp);

  Cluster& cluster_;
  Fill fill_;
  std::map<TopicPartition, Part> parts_;
  std::set<TopicPartition> gone_;            // stand where nothing is kept any more, until they are sent on
  std::map<TopicPartition, Error> failing_;  // said once by librdkafka, true until they are heard of again
  Queue queue_;
};

}  // namespace qc::stream::kafka
