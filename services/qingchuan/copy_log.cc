#include "qingchuan/copy_log.h"

#include <algorithm>

#include "qingchuan/copy_target.h"

namespace qc::commands {
namespace {

using stream::TopicPartition;
using stream::TopicSpec;

class Copy {
 public:
  Copy(stream::Log& from, stream::Log& to, const CopyOptions& options, const std::stop_token& stop)
      : from_(from), target_(to, options, stop), options_(options), stop_(stop) {}

  Result<CopyReport> run() {
    auto source = CopySource::open(from_, options_, stop_);
    if (!source) return tl::make_unexpected(source.error());
    source_ = source->get();
    if (auto done = copy(); !done) return tl::make_unexpected(done.error());
    return std::move(report_);
  }

 private:
  Result<void> copy() {
    report_.renumbered = source_->renumbered();
    report_.unread_lost = source_->unread_lost();
    if (auto looked = target_.look(source_->topics()); !looked) return looked;
    // What was finished before is only compared: first, so that a target that is another log is left as it is.
    for (const TopicSpec& topic : source_->topics()) {
      if (!target_.finished(topic.name)) continue;
      if (auto done = copy(topic); !done) return done;
    }
    if (auto prepared = target_.prepare(); !prepared) return prepared;
    for (const TopicSpec& topic : source_->topics()) {
      if (target_.finished(topic.name)) continue;
      if (auto done = copy(topic); !done) return done;
    }
    for (const auto& [tp, done] : partitions_) {
      if (auto verified = target_.verify(tp, done, [this] { step(); }); !verified) return verified;
    }
    // The offsets are what makes it whole: not before the last record, and not for a log that has gone on.
    if (auto still = source_->unchanged(); !still) return still;
    for (const CopyGroup& group : options_.groups) {
      const auto* next = source_->next(group.name);
      if (next == nullptr) continue;
      if (auto committed = target_.commit(group, *next); !committed) return committed;
    }
    report_.nothing_to_do = !report_.topics.empty() &&
                            std::all_of(report_.topics.begin(), report_.topics.end(), [this](const CopiedTopic& t) {
                              return t.records == 0 || target_.finished(t.name);
                            });
    return target_.settle();
  }

  Result<void> copy(const TopicSpec& spec) {
    CopiedTopic topic;
    topic.name = spec.name;
    topic.partitions = spec.partitions;
    CopyHash hash;
    for (int p = 0; p < spec.partitions; ++p) {
      const TopicPartition tp{spec.name, p};
      auto done = target_.copy(*source_, tp, [this] { step(); });
      if (!done) return tl::make_unexpected(done.error());
      topic.records += done->records;
      topic.found += done->found;
      topic.changed += done->changed;
      topic.bytes += done->bytes;
      hash.add(done->hash);
      partitions_.emplace_back(tp, *done);
    }
    topic.hash = hash.value();
    if (options_.line && topic.records > 0) {
      options_.line(topic.name + ": " + std::to_string(topic.records) + " records" +
                    (topic.found > 0 ? ", " + std::to_string(topic.found) + " of them were there" : ""));
    }
    report_.topics.push_back(std::move(topic));
    return {};
  }

  // Of the copying and of the reading back.
  void step() {
    constexpr std::uint64_t kTellEvery = 4096;
    if (++steps_ % kTellEvery == 0 && options_.progress) options_.progress(steps_, 2 * source_->records());
  }

  stream::Log& from_;
  CopyTarget target_;
  const CopyOptions& options_;
  std::stop_token stop_;
  CopySource* source_ = nullptr;
  CopyReport report_;
  std::vector<std::pair<TopicPartition, CopyTarget::Done>> partitions_;
  std::uint64_t steps_ = 0;
};

}  // namespace

Result<CopyReport> copy_log(stream::Log& from, stream::Log& to, const CopyOptions& options, std::stop_token stop) {
  return Copy(from, to, options, stop).run();
}

}  // namespace qc::commands
