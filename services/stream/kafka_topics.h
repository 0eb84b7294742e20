// Topics of the cluster: made, described, their settings changed. Inside of stream/kafka_log.h.
#pragma once

#include "stream/kafka_client.h"

namespace qc::stream::kafka {

// As Log::create_topics and Log::topics.
Result<void> create_topics(Cluster& cluster, std::span<const TopicSpec> specs);
Result<std::vector<TopicSpec>> describe_topics(Cluster& cluster);

}  // namespace qc::stream::kafka
