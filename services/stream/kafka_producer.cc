#include "stream/kafka_producer.h"

#include <algorithm>

namespace qc::stream::kafka {
namespace {

using std::chrono::steady_clock;

constexpr Milliseconds kMarkersMs{30};  // by then the markers of a transaction are written, as a rule
constexpr int kServeMs = 20;            // a delivery wakes it at once; this only bounds a look at the clock

bool passes_by_itself(Errc code) {
  return code == Errc::log_unavailable || code == Errc::queue_full || code == Errc::record_too_large ||
         code == Errc::topic_unknown || code == Errc::log_refused;
}

}  // namespace

// ---- Deliverer ----------------------------------------------------------------------------------------------------

Deliverer::~Deliverer() {
  topics_.clear();
  // Nobody waits for what is left: it is dropped, not flushed, when the client goes.
  if (rk_ != nullptr) rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

Result<void> Deliverer::again(Role role) {
  topics_.clear();
  rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_destroy(rk_);
  rk_ = nullptr;
  return start(role, {});
}

rd_kafka_topic_t* Deliverer::topic(const std::string& name) {
  Topic& topic = topics_[name];
  if (!topic) topic.reset(rd_kafka_topic_new(rk_, cluster_.full(name).c_str(), nullptr));
  return topic.get();
}

// A refused topic stays refused in the client for a minute, until it looks at it again by itself: it is made to.
rd_kafka_resp_err_t Deliverer::hand_over(const NewRecord& record, std::int64_t now_ms) {
  constexpr int kLookMs = 1000;
  const auto put = [&] {
    return produce(rk_, topic(record.to.topic), record, now_ms, reinterpret_cast<void*>(round_));
  };
  const auto error = put();
  if (code_of(error) != Errc::log_refused) return error;
  const rd_kafka_metadata_t* found = nullptr;
  const auto looked = rd_kafka_metadata(rk_, 0, topic(record.to.topic), &found, kLookMs);
  if (found != nullptr) rd_kafka_metadata_destroy(found);
  return looked == RD_KAFKA_RESP_ERR_NO_ERROR ? put() : error;
}

void Deliverer::delivered(const rd_kafka_message_t& message) {
  if (reinterpret_cast<std::uintptr_t>(message._private) != round_) return;
  if (waiting_ > 0) --waiting_;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR && first_error_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
    first_error_ = message.err;
  }
}

void Deliverer::hand_over(std::span<const NewRecord> records) {
  ++round_;
  handed_ = records.size();
  waiting_ = 0;
  first_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  const std::int64_t now_ms = cluster_.now_ms();
  const auto hand = [&](const NewRecord& record) {
    auto error = hand_over(record, now_ms);
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && first_error_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_poll(rk_, kServeMs);
      error = hand_over(record, now_ms);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++waiting_;
    } else {
      first_error_ = error;
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR;
  };
  // Each partition's first record goes ahead: a transaction asks its coordinator about partitions as it meets them, a
  // way there and back each time, while librdkafka spins for the last part of a millisecond.
  std::vector<const NewRecord*> first;
  const NewRecord* last = nullptr;
  for (const NewRecord& record : records) {
    const auto same = [&](const NewRecord* f) { return f->to == record.to; };
    const bool as_last = last != nullptr && same(last);
    last = &record;
    if (as_last || std::any_of(first.begin(), first.end(), same)) continue;
    first.push_back(&record);
    if (!hand(record)) break;
  }
  auto ahead = first.begin();
  for (const NewRecord& record : records) {
    if (first_error_ != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (ahead != first.end() && *ahead == &record) {
      ++ahead;
    } else {
      hand(record);
    }
  }
}

Result<void> Deliverer::answered(Milliseconds longest) {
  const auto deadline = steady_clock::now() + longest;
  while (waiting_ > 0 && steady_clock::now() < deadline) rd_kafka_poll(rk_, kServeMs);
  if (first_error_ == RD_KAFKA_RESP_ERR_NO_ERROR && waiting_ > 0) first_error_ = RD_KAFKA_RESP_ERR__TIMED_OUT;
  return error_so_far();
}

Result<void> Deliverer::error_so_far() const {
  if (first_error_ == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return tl::make_unexpected(error_of(first_error_, "writing " + std::to_string(handed_) + " records"));
}

// ---- KafkaAppender ------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Appender>> KafkaAppender::open(Cluster& cluster) {
  std::unique_ptr<KafkaAppender> appender(new KafkaAppender(cluster));
  if (auto begun = appender->start(Role::Appender, {}); !begun) return tl::make_unexpected(begun.error());
  return appender;
}

Result<void> KafkaAppender::append(std::span<const NewRecord> records) {
  for (const NewRecord& record : records) {
    if (auto checked = cluster_.check(record); !checked) return checked;
  }
  // librdkafka gives every message up by itself after request_timeout; a little longer, so that it can say so.
  hand_over(records);
  auto done = answered(cluster_.options().request_timeout + Milliseconds(2000));
  if (done || (done.error().code != Errc::log_fenced && done.error().code != Errc::log_abortable)) return done;
  // An idempotent producer that lost its place cannot go on; a new one can, and a repeat is the caller's to decide.
  if (auto begun = again(Role::Appender); !begun) return begun;
  return fail(Errc::log_unavailable, done.error().text);
}

// ---- TransactionalProducer ----------------------------------------------------------------------------------------

int TransactionalProducer::left_ms() const {
  const auto left = std::chrono::ceil<Milliseconds>(deadline_ - steady_clock::now());
  return static_cast<int>(std::max<Milliseconds::rep>(left.count(), 1));
}

Result<void> TransactionalProducer::open(const std::string& transactional_id) {
  if (auto begun = start(Role::Producer, {{"transactional.id", transactional_id}}); !begun) return begun;
  deadline_ = steady_clock::now() + cluster_.options().request_timeout;
  for (;;) {
    const RdError error(rd_kafka_init_transactions(rk_, left_ms()));
    if (!error) return {};
    if (rd_kafka_error_is_retriable(error.get()) == 0 || steady_clock::now() >= deadline_) {
      return tl::make_unexpected(error_of(error.get(), "the transactions of " + transactional_id));
    }
  }
}

Result<void> TransactionalProducer::commit(const Transaction& transaction,
                                           const rd_kafka_consumer_group_metadata_t* group) {
  if (fenced_) return fail(Errc::log_fenced, "this producer was put out before");
  deadline_ = steady_clock::now() + cluster_.options().request_timeout;
  if (const RdError error(rd_kafka_begin_transaction(rk_)); error) {
    fenced_ = true;
    return fail(Errc::log_fenced, error_of(error.get(), "a transaction cannot begin").text);
  }
  const List offsets(rd_kafka_topic_partition_list_new(static_cast<int>(transaction.next.size())));
  for (const auto& [tp, next] : transaction.next) {
    rd_kafka_topic_partition_list_add(offsets.get(), cluster_.full(tp.topic).c_str(), tp.partition)->offset = next;
  }
  // The records and the offsets go their ways side by side. But right behind another transaction, whose markers may
  // still be in the writing, librdkafka's question about partitions is refused and asked again after 20 ms, the one
  // about offsets after retry.backoff.ms: then the offsets go first, and find out when the markers stand.
  const bool behind = steady_clock::now() - committed_at_ < kMarkersMs;
  if (!behind) hand_over(transaction.records);
  const auto sent = send_offsets(offsets.get(), group);
  if (sent && behind) hand_over(transaction.records);
  if (!sent) {
    Error why = sent.error();
    if (!behind && why.code != Errc::log_fenced) {
      rd_kafka_poll(rk_, 0);  // a record's own error says more, unless it was only dropped with the others
      if (auto refused = error_so_far(); !refused && refused.error().code != Errc::log_abortable) why = refused.error();
    }
    return abort(std::move(why));
  }
  // Deliveries are served before the commit asks for them: its own wait is coarse.
  if (auto written = answered(cluster_.options().request_timeout); !written) {
    return abort(reason(written.error(), offsets.get(), group));
  }
  for (;;) {
    const RdError error(rd_kafka_commit_transaction(rk_, left_ms()));
    if (!error) {
      committed_at_ = steady_clock::now();
      return {};
    }
    if (rd_kafka_error_is_retriable(error.get()) != 0 && steady_clock::now() < deadline_) continue;
    if (rd_kafka_error_txn_requires_abort(error.get()) != 0) return abort(error_of(error.get(), "a commit"));
    // Asked, not answered: it may have happened.
    fenced_ = true;
    return fail(Errc::log_fenced, error_of(error.get(), "whether a commit happened is not known").text);
  }
}

Result<void> TransactionalProducer::send_offsets(const rd_kafka_topic_partition_list_t* offsets,
                                                 const rd_kafka_consumer_group_metadata_t* group) {
  if (offsets->cnt == 0) return {};
  for (;;) {
    const RdError error(rd_kafka_send_offsets_to_transaction(rk_, offsets, group, left_ms()));
    if (!error) return {};
    if (rd_kafka_error_is_retriable(error.get()) != 0 && steady_clock::now() < deadline_) continue;
    return tl::make_unexpected(error_of(error.get(), "the offsets of a transaction"));
  }
}

Error TransactionalProducer::reason(Error said, const rd_kafka_topic_partition_list_t* offsets,
                                    const rd_kafka_consumer_group_metadata_t* group) {
  if (said.code != Errc::log_abortable || offsets->cnt == 0) return said;
  // A failed transaction answers whatever is asked of it with what it failed of. It is aborted in any case.
  const RdError error(rd_kafka_send_offsets_to_transaction(rk_, offsets, group, left_ms()));
  return error ? error_of(error.get(), "writing the records of a transaction") : said;
}

Result<void> TransactionalProducer::abort(Error why) {
  deadline_ = std::max(deadline_, steady_clock::now() + Milliseconds(1000));
  for (;;) {
    const RdError error(rd_kafka_abort_transaction(rk_, left_ms()));
    if (!error) break;
    if (rd_kafka_error_is_retriable(error.get()) != 0 && steady_clock::now() < deadline_) continue;
    fenced_ = true;
    return fail(Errc::log_fenced, why.text + "; nor could it be aborted: " + rd_kafka_error_string(error.get()));
  }
  if (why.code == Errc::log_fenced) fenced_ = true;
  // Aborted: nothing happened. What a broker that is away said of it passes; the rest may be tried at once.
  if (!passes_by_itself(why.code) && !fenced_) why.code = Errc::log_abortable;
  return tl::make_unexpected(std::move(why));
}

}  // namespace qc::stream::kafka
