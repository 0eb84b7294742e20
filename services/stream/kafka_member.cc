#include "stream/kafka_member.h"

#include <algorithm>
#include <utility>

namespace qc::stream::kafka {

KafkaMember::KafkaMember(Cluster& cluster, const GroupSpec& spec)
    : Client(cluster.options()), cluster_(cluster), spec_(spec), fill_(cluster), producer_(cluster) {}

Result<std::unique_ptr<Member>> KafkaMember::join(Cluster& cluster, const GroupSpec& spec) {
  int count = 0;
  for (const std::string& topic : spec.topics) {
    const auto n = cluster.partitions(topic);
    if (!n) return tl::make_unexpected(n.error());
    if (count != 0 && *n != count) {
      return fail(Errc::partitions_changed, "the topics of group " + spec.group + " have " + std::to_string(count) +
                                                " and " + std::to_string(*n) + " partitions: they must be equal");
    }
    count = *n;
  }
  std::unique_ptr<KafkaMember> member(new KafkaMember(cluster, spec));
  if (auto begun = member->start(Role::Consumer, {{"group.id", cluster.full(spec.group)}}); !begun) {
    return tl::make_unexpected(begun.error());
  }
  rd_kafka_poll_set_consumer(member->rk_);
  member->queue_.reset(rd_kafka_queue_get_consumer(member->rk_));
  const List topics(rd_kafka_topic_partition_list_new(static_cast<int>(spec.topics.size())));
  for (const std::string& topic : spec.topics) {
    rd_kafka_topic_partition_list_add(topics.get(), cluster.full(topic).c_str(), RD_KAFKA_PARTITION_UA);
  }
  if (const auto error = rd_kafka_subscribe(member->rk_, topics.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(error_of(error, "joining " + spec.group));
  }
  // While the group makes up its mind. It must have ended what a former life left open before offsets are asked for.
  const std::string id = cluster.full(spec.group) + "-" + cluster.options().instance + "-" + spec.member;
  if (auto opened = member->producer_.open(id); !opened) return tl::make_unexpected(opened.error());
  return member;
}

KafkaMember::~KafkaMember() {
  group_.reset();
  assigned_.reset();
  fill_.let_go();
  closing_ = true;
  if (rk_ != nullptr) rd_kafka_consumer_close(rk_);  // leaves the group at once
  queue_.reset();
}

void KafkaMember::die() {
  fill_.let_go();
  queue_.reset();
  vanish();
}

void KafkaMember::rebalanced(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions) {
  if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    // Taken up by poll(), where an offset that cannot be had is an error like any other.
    group_.reset(rd_kafka_consumer_group_metadata(rk_));
    assigned_.reset(rd_kafka_topic_partition_list_copy(partitions));
  } else if (owned_.empty() || closing_ || rd_kafka_assignment_lost(rk_) != 0) {
    give_up();
  } else {
    revoke_ = Revoke::Asked;  // until the next poll but one they are ours, and the group waits
  }
  rd_kafka_yield(rk_);  // poll() has something to tell
}

void KafkaMember::give_up() {
  for (const auto& [tp, next] : owned_) lost_.push_back(tp);
  owned_.clear();
  gone_.clear();
  failing_.clear();
  group_.reset();
  assigned_.reset();
  revoke_ = Revoke::None;
  rd_kafka_assign(rk_, nullptr);
}

Result<void> KafkaMember::take_up(Assignment& change) {
  if (!assigned_) return {};
  const int n = assigned_->cnt;
  if (n > 0) {
    const auto error = rd_kafka_committed(rk_, assigned_.get(), cluster_.request_ms());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return tl::make_unexpected(error_of(error, "the committed offsets of " + spec_.group));
    }
  }
  for (int i = 0; i < n; ++i) {
    auto& element = assigned_->elems[i];
    if (element.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return tl::make_unexpected(error_of(element.err, "the committed offsets of " + spec_.group));
    }
    // Where retention was faster it begins at the oldest kept; the restore says so to a person.
    const auto begin = kept(*cluster_.interned(element.topic, element.partition), std::max<Offset>(element.offset, 0));
    if (!begin) return tl::make_unexpected(begin.error());
    element.offset = *begin;
  }
  if (const auto error = rd_kafka_assign(rk_, assigned_.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(error_of(error, "taking up partitions of " + spec_.group));
  }
  for (int i = 0; i < n; ++i) {
    const auto& element = assigned_->elems[i];
    const TopicPartition& tp = *cluster_.interned(element.topic, element.partition);
    owned_[tp] = element.offset;
    change.gained.push_back(tp);
  }
  assigned_.reset();
  return {};
}

Result<void> KafkaMember::poll(Batch& out, Assignment& change, std::size_t max, Milliseconds wait) {
  change = {};
  producer_.serve();
  if (revoke_ == Revoke::Told) give_up();
  std::optional<Error> failed;
  fill_(
      queue_.get(), out, max, wait, [this](const TopicPartition& tp) { return owned_.contains(tp); },
      [this](const TopicPartition& tp, Offset end) {
        owned_[tp] = end;
        failing_.erase(tp);
      },
      [&](const rd_kafka_message_t& m, const TopicPartition* tp) {
        if (tp != nullptr && m.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
          if (owned_.contains(*tp)) gone_.insert(*tp);
        } else if (tp != nullptr && owned_.contains(*tp)) {
          failing_.insert_or_assign(*tp, error_of(m.err, "reading " + to_string(*tp)));
        } else if (m.err != RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) {  // the partitions are taken, which is told
          failed = error_of(m.err, "reading as " + spec_.group);
        }
      });
  if (revoke_ == Revoke::Asked) {
    // What came along is read again by the next owner: it would only lengthen the wait.
    revoke_ = Revoke::Told;
    out.clear();
    for (const auto& [tp, next] : owned_) change.leaving.push_back(tp);
    return {};
  }
  const TopicPartition* last = nullptr;
  Offset* next = nullptr;
  for (const Record& r : out.records) {
    if (r.from != std::exchange(last, r.from)) {
      next = &owned_[*r.from];
      failing_.erase(*r.from);
    }
    *next = std::max(*next, r.offset + 1);  // the end, behind a marker, may have been told in the same batch
  }
  change.lost = std::move(lost_);
  lost_.clear();
  if (!gone_.empty()) {
    // librdkafka stops such a partition for good; and what is lost is said by a restore.
    return fail(Errc::log_fenced, "retention took what was to be read next of " + to_string(*gone_.begin()));
  }
  if (auto taken = take_up(change); !taken) return taken;
  // What was fetched before does not say that a broker is there now: trouble stays until one has answered.
  if (!out.records.empty() || !change.empty()) {
    heard();
    return {};
  }
  if (!failing_.empty()) return tl::make_unexpected(failing_.begin()->second);
  if (failed) return tl::make_unexpected(std::move(*failed));
  return silent(cluster_);
}

Result<Offset> KafkaMember::kept(const TopicPartition& tp, Offset offset) {
  const auto range = cluster_.range(tp);
  if (!range) return tl::make_unexpected(range.error());
  if (offset > range->end) {
    return fail(Errc::log_corrupt, to_string(tp) + " ends at offset " + std::to_string(range->end) +
                                       ", the group has read up to " + std::to_string(offset) +
                                       ": the broker has lost records");
  }
  return std::max(offset, range->start);
}

std::optional<Offset> KafkaMember::position(const TopicPartition& tp) const {
  const auto at = owned_.find(tp);
  return at == owned_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<Offset> KafkaMember::known_end(const TopicPartition& tp) const {
  const auto at = owned_.find(tp);
  if (at == owned_.end()) return std::nullopt;
  Range range;
  const auto error =
      rd_kafka_get_watermark_offsets(rk_, cluster_.full(tp.topic).c_str(), tp.partition, &range.start, &range.end);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || range.end < 0) return std::nullopt;
  return std::max(range.end, at->second);
}

List KafkaMember::list_of(const TopicPartition& tp, Offset offset) const {
  List list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), cluster_.full(tp.topic).c_str(), tp.partition)->offset = offset;
  return list;
}

Result<std::optional<Offset>> KafkaMember::committed(const TopicPartition& tp) {
  const List list = list_of(tp, RD_KAFKA_OFFSET_INVALID);
  auto error = rd_kafka_committed(rk_, list.get(), cluster_.request_ms());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = list->elems[0].err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(error_of(error, "the committed offset of " + to_string(tp)));
  }
  const Offset offset = list->elems[0].offset;
  return offset < 0 ? std::nullopt : std::optional(offset);
}

Result<void> KafkaMember::seek(const TopicPartition& tp, Offset offset) {
  const auto at = owned_.find(tp);
  if (at == owned_.end()) return fail(Errc::log_fenced, to_string(tp) + " is not this member's");
  const auto to = kept(tp, offset);
  if (!to) return tl::make_unexpected(to.error());
  const List list = list_of(tp, *to);
  const RdError error(rd_kafka_seek_partitions(rk_, list.get(), cluster_.request_ms()));
  const auto code = error ? rd_kafka_error_code(error.get()) : list->elems[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(code, "seeking in " + to_string(tp)));
  at->second = *to;
  return {};
}

void KafkaMember::pause(const TopicPartition& tp) {
  const List list = list_of(tp, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_pause_partitions(rk_, list.get());
}

void KafkaMember::resume(const TopicPartition& tp) {
  const List list = list_of(tp, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_resume_partitions(rk_, list.get());
}

Result<void> KafkaMember::commit(const Transaction& transaction) {
  for (const auto& [tp, next] : transaction.next) {
    if (!group_ || !owned_.contains(tp)) return fail(Errc::log_fenced, to_string(tp) + " is not this member's");
  }
  for (const NewRecord& record : transaction.records) {
    if (auto checked = cluster_.check(record); !checked) return checked;
  }
  return producer_.commit(transaction, group_.get());
}

}  // namespace qc::stream::kafka
