// One worker's place in a group on Kafka: a consumer of the group and a transactional producer. Inside of
// stream/kafka_log.h.
//
// Before what is owned goes to others, poll() says so once and gives it up at the next call.
//
// What is assigned is told by poll(), with the offsets that the group has committed, read after the transactions that
// were pending have ended. The group metadata of an assignment is kept and goes with each commit of it: asked for at
// the commit, a member that was put out would say "no generation", and the broker would believe it.
#pragma once

#include <map>
#include <set>

#include "stream/kafka_client.h"
#include "stream/kafka_producer.h"

namespace qc::stream::kafka {

class KafkaMember final : public Member, private Client {
 public:
  static Result<std::unique_ptr<Member>> join(Cluster& cluster, const GroupSpec& spec);
  ~KafkaMember() override;

  Result<void> poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) override;
  std::optional<Offset> position(const TopicPartition& tp) const override;
  std::optional<Offset> known_end(const TopicPartition& tp) const override;
  Result<std::optional<Offset>> committed(const TopicPartition& tp) override;
  Result<void> seek(const TopicPartition& tp, Offset offset) override;
  void pause(const TopicPartition& tp) override;
  void resume(const TopicPartition& tp) override;
  Result<void> commit(const Transaction& transaction) override;

  // For tests: goes without a word, as a process that was killed.
  void die();

 private:
  KafkaMember(Cluster& cluster, const GroupSpec& spec);
  void rebalanced(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions) override;
  void give_up();
  // What was assigned begins: only when its committed offsets are known.
  Result<void> take_up(Assignment& change);
  List list_of(const TopicPartition& tp, Offset offset) const;
  // `offset`, or the oldest that is kept.
  Result<Offset> kept(const TopicPartition& tp, Offset offset);

  Cluster& cluster_;
  const GroupSpec spec_;
  Fill fill_;
  TransactionalProducer producer_;
  Queue queue_;
  GroupMetadata group_;                     // of the assignment; none: nothing is owned
  std::map<TopicPartition, Offset> owned_;  // the next offset to look at
  enum class Revoke { None, Asked, Told };
  Revoke revoke_ = Revoke::None;  // others wait until we have given up what we own
  bool closing_ = false;
  std::vector<TopicPartition> lost_;         // not told yet
  std::set<TopicPartition> gone_;            // stand where nothing is kept any more
  std::map<TopicPartition, Error> failing_;  // said once by librdkafka, true until they are heard of again
  List assigned_;                            // not taken up yet
};

}  // namespace qc::stream::kafka
