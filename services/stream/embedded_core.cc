#include "stream/embedded_core.h"

namespace qc::stream::embedded {

Result<const Topic*> Resolver::topic(const std::string& name) {
  const auto known = topics_.find(name);
  if (known != topics_.end()) return known->second;
  const Topic* topic = core_.catalogue.find(name);
  if (topic == nullptr) {
    auto database = core_.connect(Database::Access::Read);
    if (!database) return tl::make_unexpected(database.error());
    if (auto fresh = core_.catalogue.refresh(*database); !fresh) return tl::make_unexpected(fresh.error());
    topic = core_.catalogue.find(name);
    if (topic == nullptr) return fail(Errc::topic_unknown, "the log " + core_.file + " has no topic `" + name + "`");
  }
  topics_.emplace(name, topic);
  return topic;
}

Result<const Partition*> Resolver::find(const TopicPartition& name) {
  if (last_ != nullptr && last_->name == name) return last_;
  const auto topic = this->topic(name.topic);
  if (!topic) return tl::make_unexpected(topic.error());
  const auto& partitions = (*topic)->partitions;
  if (name.partition < 0 || static_cast<std::size_t>(name.partition) >= partitions.size()) {
    return fail(Errc::topic_unknown, "the topic " + name.topic + " has " + std::to_string(partitions.size()) +
                                         " partitions, and no number " + std::to_string(name.partition));
  }
  last_ = partitions[static_cast<std::size_t>(name.partition)].get();
  return last_;
}

}  // namespace qc::stream::embedded
