#include "stream/kafka_reader.h"

#include <algorithm>

namespace qc::stream::kafka {

Result<std::unique_ptr<Reader>> KafkaReader::open(Cluster& cluster,
                                                  std::span<const std::pair<TopicPartition, Offset>> from) {
  std::unique_ptr<KafkaReader> reader(new KafkaReader(cluster));
  for (const auto& [tp, offset] : from) {
    if (auto known = cluster.check(tp); !known) return tl::make_unexpected(known.error());
  }
  if (auto begun = reader->start(Role::Reader, {}); !begun) return tl::make_unexpected(begun.error());
  reader->queue_.reset(rd_kafka_queue_new(reader->rk_));
  // What is no topic's (statistics, errors) is told while it is polled, too.
  Queue main(rd_kafka_queue_get_main(reader->rk_));
  rd_kafka_queue_forward(main.get(), reader->queue_.get());
  for (const auto& [tp, offset] : from) {
    const auto begin = reader->kept(tp, offset);
    if (!begin) return tl::make_unexpected(begin.error());
    auto [at, first] = reader->parts_.try_emplace(tp);
    if (!first) return fail(Errc::usage, to_string(tp) + " is read twice by one reader");
    Part& part = at->second;
    part.topic.reset(rd_kafka_topic_new(reader->rk_, cluster.full(tp.topic).c_str(), nullptr));
    part.next = *begin;
    if (rd_kafka_consume_start_queue(part.topic.get(), tp.partition, *begin, reader->queue_.get()) != 0) {
      return tl::make_unexpected(error_of(rd_kafka_last_error(), "cannot read " + to_string(tp)));
    }
  }
  return reader;
}

KafkaReader::~KafkaReader() {
  for (const auto& [tp, part] : parts_) rd_kafka_consume_stop(part.topic.get(), tp.partition);
  parts_.clear();
  queue_.reset();
}

Result<Offset> KafkaReader::kept(const TopicPartition& tp, Offset offset) {
  const auto range = cluster_.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  // Behind the end there is nothing yet: it waits there.
  return std::clamp(offset, range->start, range->end);
}

Result<void> KafkaReader::poll(Batch& out, std::size_t max, Milliseconds wait) {
  std::optional<Error> failed;
  fill_(
      queue_.get(), out, max, wait, [](const TopicPartition&) { return true; },
      [this](const TopicPartition& tp, Offset end) {
        parts_.at(tp).next = end;
        failing_.erase(tp);
      },
      [&](const rd_kafka_message_t& m, const TopicPartition* tp) {
        if (tp == nullptr) {
          failed = error_of(m.err, "reading");
        } else if (m.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
          gone_.insert(*tp);
        } else {
          failing_.insert_or_assign(*tp, error_of(m.err, "reading " + to_string(*tp)));
        }
      });
  for (const Record& r : out.records) {
    Offset& next = parts_.at(*r.from).next;
    next = std::max(next, r.offset + 1);  // the end, behind a marker, may have been told in the same batch
    if (!failing_.empty()) failing_.erase(*r.from);
  }
  Result<void> sent_on;
  while (!gone_.empty() && sent_on) {  // retention was faster
    const TopicPartition tp = *gone_.begin();
    sent_on = start_again(tp);
    if (sent_on) gone_.erase(tp);
  }
  if (!out.records.empty()) {
    heard();
    return {};
  }
  if (!sent_on) return sent_on;
  if (!failing_.empty()) return tl::make_unexpected(failing_.begin()->second);
  if (failed) return tl::make_unexpected(std::move(*failed));
  return silent(cluster_);
}

// librdkafka has stopped it: a seek would be refused.
Result<void> KafkaReader::start_again(const TopicPartition& tp) {
  Part& part = parts_.at(tp);
  const auto begin = kept(tp, part.next);
  if (!begin) return tl::make_unexpected(begin.error());
  rd_kafka_consume_stop(part.topic.get(), tp.partition);
  if (rd_kafka_consume_start_queue(part.topic.get(), tp.partition, *begin, queue_.get()) != 0) {
    return tl::make_unexpected(error_of(rd_kafka_last_error(), "cannot read " + to_string(tp)));
  }
  part.next = *begin;
  return {};
}

Result<void> KafkaReader::seek(const TopicPartition& tp, Offset offset) {
  const auto at = parts_.find(tp);
  if (at == parts_.end()) return fail(Errc::topic_unknown, to_string(tp) + " is not one of this reader's");
  const auto begin = kept(tp, offset);
  if (!begin) return tl::make_unexpected(begin.error());
  const auto error = rd_kafka_seek(at->second.topic.get(), tp.partition, *begin, cluster_.request_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, "seeking in " + to_string(tp)));
  at->second.next = *begin;
  return {};
}

std::optional<Offset> KafkaReader::position(const TopicPartition& tp) const {
  const auto at = parts_.find(tp);
  return at == parts_.end() ? std::nullopt : std::optional(at->second.next);
}

}  // namespace qc::stream::kafka
