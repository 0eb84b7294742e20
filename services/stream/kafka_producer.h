// The two ways to write: appends (idempotent, no transaction) and the transactional producer of a member. Inside of
// stream/kafka_log.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "stream/kafka_client.h"

namespace qc::stream::kafka {

// A producer that waits for its deliveries. Threads: one.
class Deliverer : protected Client {
 protected:
  explicit Deliverer(Cluster& cluster) : Client(cluster.options()), cluster_(cluster) {}
  ~Deliverer() override;
  // Hands the records over; what becomes of them is answered().
  void hand_over(std::span<const NewRecord> records);
  // Serves deliveries until all are answered. The first error of any.
  Result<void> answered(Milliseconds longest);
  Result<void> error_so_far() const;
  // A new client in the place of one that cannot go on.
  Result<void> again(Role role);
  Cluster& cluster_;

 private:
  void delivered(const rd_kafka_message_t& message) override;
  rd_kafka_topic_t* topic(const std::string& name);
  rd_kafka_resp_err_t hand_over(const NewRecord& record, std::int64_t now_ms);

  std::map<std::string, Topic> topics_;
  std::uintptr_t round_ = 0;  // what is delivered later than its round counts no more
  std::size_t handed_ = 0;
  std::size_t waiting_ = 0;
  rd_kafka_resp_err_t first_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
};

class KafkaAppender final : public Appender, private Deliverer {
 public:
  static Result<std::unique_ptr<Appender>> open(Cluster& cluster);
  Result<void> append(std::span<const NewRecord> records) override;

 private:
  explicit KafkaAppender(Cluster& cluster) : Deliverer(cluster) {}
};

class TransactionalProducer final : private Deliverer {
 public:
  explicit TransactionalProducer(Cluster& cluster) : Deliverer(cluster) {}
  // Ends what a former life of the same id left open, and fences it.
  Result<void> open(const std::string& transactional_id);
  // After log_fenced it is of no further use. `group`: of the generation that the inputs were assigned in.
  Result<void> commit(const Transaction& transaction, const rd_kafka_consumer_group_metadata_t* group);
  // What the client has to tell between commits: statistics, trouble. Without it an idle one falls silent.
  void serve() { rd_kafka_poll(rk_, 0); }

 private:
  Result<void> send_offsets(const rd_kafka_topic_partition_list_t* offsets,
                            const rd_kafka_consumer_group_metadata_t* group);
  // Why records were dropped, which their deliveries do not say.
  Error reason(Error said, const rd_kafka_topic_partition_list_t* offsets,
               const rd_kafka_consumer_group_metadata_t* group);
  // What is left when a step failed: nothing (log_abortable and the like), or not known (log_fenced).
  Result<void> abort(Error why);
  int left_ms() const;

  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point committed_at_;
  bool fenced_ = false;
};

}  // namespace qc::stream::kafka
