// What all of the Kafka log shares: a librdkafka client with its settings and callbacks, names with the prefix, what
// the cluster's topics look like, and errors in our words. Inside of stream/kafka_log.h.
//
// Lifecycle: one Cluster a KafkaLog; clients are made from it and die before it. Threads: Cluster from any; callbacks
// of a client run on the thread that polls it, log lines on librdkafka's.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stream/kafka_log.h"

namespace qc::stream::kafka {

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* t) const {
    destroy(t);
  }
};
using List = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroy<rd_kafka_queue_destroy>>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Destroy<rd_kafka_topic_destroy>>;
using GroupMetadata =
    std::unique_ptr<rd_kafka_consumer_group_metadata_t, Destroy<rd_kafka_consumer_group_metadata_destroy>>;
using RdError = std::unique_ptr<rd_kafka_error_t, Destroy<rd_kafka_error_destroy>>;

// Each gets the settings of its own, kafka_settings.cc.
enum class Role { Admin, Reader, Appender, Consumer, Producer };
const char* name(Role role);  // "admin" ...; in client.id

Errc code_of(rd_kafka_resp_err_t error);
Error error_of(rd_kafka_resp_err_t error, const std::string& what);
Error error_of(const rd_kafka_error_t* error, const std::string& what);

using Setting = std::pair<std::string, std::string>;
// All settings of a role, ours over the user's; `extra`: of one client (group.id, transactional.id).
std::vector<Setting> settings_of(const KafkaOptions& options, Role role);

class Cluster;

// A client and what its callbacks say. Derived classes answer the callbacks that they asked for.
class Client {
 public:
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* get() const { return rk_; }
  // Every broker was gone when it last looked, or refuses us; cleared by whoever has heard from one since.
  bool troubled() const { return trouble_.load() != RD_KAFKA_RESP_ERR_NO_ERROR; }
  Error trouble() const;
  void clear_trouble() { trouble_ = RD_KAFKA_RESP_ERR_NO_ERROR; }
  // A poll brought something; a poll brought nothing. The second asks the cluster where there is trouble, and where
  // nothing was heard for long: brokers that take connections and don't answer are never reported as gone, and one who
  // has nothing to commit would look well without them. The error: nobody answers, for request_timeout at least.
  void heard();
  Result<void> silent(Cluster& cluster);

 protected:
  explicit Client(const KafkaOptions& options);
  Result<void> start(Role role, const std::vector<Setting>& extra);
  // Without leaving the group: as a process that was killed.
  void vanish();

  virtual void rebalanced(rd_kafka_resp_err_t /*what*/, rd_kafka_topic_partition_list_t* /*partitions*/) {}
  virtual void delivered(const rd_kafka_message_t& /*message*/) {}

  const KafkaOptions& options_;
  rd_kafka_t* rk_ = nullptr;

 private:
  static void on_error(rd_kafka_t* rk, int error, const char* reason, void* opaque);
  static void on_log(const rd_kafka_t* rk, int level, const char* facility, const char* text);
  static int on_statistics(rd_kafka_t* rk, char* json, std::size_t size, void* opaque);
  static void on_rebalance(rd_kafka_t* rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions,
                           void* opaque);
  static void on_delivery(rd_kafka_t* rk, const rd_kafka_message_t* message, void* opaque);

  std::int64_t heard_ms_;  // steady
  std::atomic<rd_kafka_resp_err_t> trouble_{RD_KAFKA_RESP_ERR_NO_ERROR};
  std::string trouble_text_;
  mutable std::mutex mutex_;  // trouble_text_, said_
  std::map<std::string, std::int64_t> said_;
};

class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> open(KafkaOptions options);

  const KafkaOptions& options() const { return options_; }
  rd_kafka_t* admin() const;
  std::string full(const std::string& topic) const { return options_.prefix + topic; }
  int request_ms() const { return static_cast<int>(options_.request_timeout.count()); }
  std::int64_t now_ms() const { return options_.clock_ms(); }

  // How many partitions a topic has; topic_unknown. Asked once: a count is for ever.
  Result<int> partitions(const std::string& topic);
  Result<void> check(const TopicPartition& tp);
  Result<void> check(const NewRecord& record);
  // The names, without prefix, and partition counts of what carries it.
  Result<std::map<std::string, int>> list();
  Result<Range> range(const TopicPartition& tp);
  // Whether a broker answers within a moment; the error says who we asked.
  Result<void> answers();
  // One that lives as long as the cluster does: Record::from.
  const TopicPartition* interned(std::string_view full_topic, int partition);

 private:
  class Admin;
  explicit Cluster(KafkaOptions options);
  KafkaOptions options_;
  std::unique_ptr<Admin> admin_;
  std::mutex mutex_;
  std::map<std::string, int> partitions_;
  std::set<TopicPartition> interned_;

 public:
  ~Cluster();
};

// Messages of librdkafka's as a Batch, without copying them.
class Fill {
 public:
  explicit Fill(Cluster& cluster) : cluster_(cluster) {}
  ~Fill() { let_go(); }
  Fill(const Fill&) = delete;
  Fill& operator=(const Fill&) = delete;
  // Gives the messages of all batches back: a client that is destroyed before its messages waits for them for ever.
  void let_go();
  // Takes what `queue` has: at most `max`, waiting for the first one. `wanted` says whether a message's partition is
  // still ours; `at_end` is told where a partition ends for now; `failed` gets every other event.
  template <class Wanted, class AtEnd, class Failed>
  void operator()(rd_kafka_queue_t* queue, Batch& out, std::size_t max, Milliseconds wait, const Wanted& wanted,
                  const AtEnd& at_end, const Failed& failed);

 private:
  struct Messages {
    std::vector<rd_kafka_message_t*> all;
    std::deque<std::string> headers;  // that were asked for
    void clear() {
      for (rd_kafka_message_t* m : all) rd_kafka_message_destroy(m);
      all.clear();
      headers.clear();
    }
    ~Messages() { clear(); }
  };
  Messages& messages_of(Batch& out);
  // Waits for the first, then takes what is there.
  static void take(rd_kafka_queue_t* queue, std::vector<rd_kafka_message_t*>& all, std::size_t max, Milliseconds wait);
  const TopicPartition* from(const rd_kafka_message_t& m);
  static std::string_view headers_of(void* messages, const void* message);

  Cluster& cluster_;
  std::vector<std::weak_ptr<Messages>> filled_;
  const rd_kafka_topic_t* last_topic_ = nullptr;
  int last_partition_ = -1;
  const TopicPartition* last_ = nullptr;
};

template <class Wanted, class AtEnd, class Failed>
void Fill::operator()(rd_kafka_queue_t* queue, Batch& out, std::size_t max, Milliseconds wait, const Wanted& wanted,
                      const AtEnd& at_end, const Failed& failed) {
  out.clear();
  Messages& messages = messages_of(out);
  take(queue, messages.all, max, wait);
  // Most follow one of the same partition: it is asked about once.
  const TopicPartition* asked = nullptr;
  bool is_wanted = false;
  for (const rd_kafka_message_t* m : messages.all) {
    if (m->rkt == nullptr || m->partition < 0) {
      failed(*m, nullptr);
      continue;
    }
    const TopicPartition* tp = from(*m);
    if (tp != std::exchange(asked, tp)) is_wanted = wanted(*tp);
    if (!is_wanted) continue;
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end(*tp, m->offset);
    } else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      failed(*m, tp);
    } else {
      Record& r = out.records.emplace_back();
      r.from = tp;
      r.offset = m->offset;
      r.written_ms = rd_kafka_message_timestamp(m, nullptr);
      r.key = {static_cast<const char*>(m->key), m->key_len};
      r.tombstone = m->payload == nullptr;
      if (!r.tombstone) r.value = {static_cast<const char*>(m->payload), m->len};
      r.headers = RecordHeaders(&headers_of, &messages, m);
    }
  }
}

// Puts a record into a producer's queue. `now_ms`: the time of writing where the record does not say it;
// `tag` comes back with its delivery.
rd_kafka_resp_err_t produce(rd_kafka_t* rk, rd_kafka_topic_t* topic, const NewRecord& record, std::int64_t now_ms,
                            void* tag);

}  // namespace qc::stream::kafka
