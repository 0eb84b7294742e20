#include "stream/kafka_topics.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

namespace qc::stream::kafka {
namespace {

using std::chrono::steady_clock;
using Event = std::unique_ptr<rd_kafka_event_t, Destroy<rd_kafka_event_destroy>>;
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;
using Resource = std::unique_ptr<rd_kafka_ConfigResource_t, Destroy<rd_kafka_ConfigResource_destroy>>;
using FreshTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;

const char* policy(Cleanup cleanup) {
  switch (cleanup) {
    case Cleanup::Compact:
      return "compact";
    case Cleanup::CompactDelete:
      return "compact,delete";
    case Cleanup::Delete:
      break;
  }
  return "delete";
}

Cleanup cleanup_of(std::string_view policy) {
  const bool compacts = policy.find("compact") != std::string_view::npos;
  const bool deletes = policy.find("delete") != std::string_view::npos;
  return compacts ? (deletes ? Cleanup::CompactDelete : Cleanup::Compact) : Cleanup::Delete;
}

// Those that a TopicSpec says.
std::vector<Setting> settings_of(const TopicSpec& spec) {
  return {{"cleanup.policy", policy(spec.cleanup)},
          {"retention.ms", spec.retention.count() == 0 ? "-1" : std::to_string(spec.retention.count())},
          {"min.compaction.lag.ms", std::to_string(spec.compaction_lag.count())}};
}

// Those that a new topic gets beside them; later they are the cluster's owner's to change.
std::vector<Setting> first_settings_of(const TopicSpec& spec, std::size_t record_bytes_max) {
  std::vector<Setting> all = settings_of(spec);
  // A batch of one record of the greatest size, uncompressed.
  all.emplace_back("max.message.bytes", std::to_string(record_bytes_max + 65536));
  if (spec.retention.count() == 0) all.emplace_back("retention.bytes", "-1");
  if (spec.cleanup != Cleanup::Delete) {
    // What is still being written is never compacted: with segments of a gigabyte a restore would read it all.
    all.emplace_back("segment.bytes", "67108864");
    all.emplace_back("segment.ms", "3600000");
    all.emplace_back("min.cleanable.dirty.ratio", "0.3");
  }
  return all;
}

// Sends what `ask` sends and waits for its answer.
template <class Ask>
Result<Event> ask(Cluster& cluster, rd_kafka_admin_op_t op, const std::string& what, const Ask& send) {
  rd_kafka_t* rk = cluster.admin();
  const AdminOptions options(rd_kafka_AdminOptions_new(rk, op));
  char why[256] = "";
  rd_kafka_AdminOptions_set_request_timeout(options.get(), cluster.request_ms(), why, sizeof why);
  if (op == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), cluster.request_ms(), why, sizeof why);
  }
  const Queue queue(rd_kafka_queue_new(rk));
  send(rk, options.get(), queue.get());
  Event event(rd_kafka_queue_poll(queue.get(), cluster.request_ms() + 1000));
  if (!event) return fail(Errc::log_unavailable, what + ": no answer");
  if (const auto error = rd_kafka_event_error(event.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return tl::make_unexpected(error_of(error, what));
  }
  return event;
}

struct Described {
  TopicSpec spec;
  std::vector<Setting> dynamic;  // set on the topic itself
};

Result<std::vector<Described>> describe(Cluster& cluster, const std::map<std::string, int>& wanted) {
  std::vector<Described> all;
  if (wanted.empty()) return all;
  std::vector<Resource> resources;
  std::vector<rd_kafka_ConfigResource_t*> raw;
  for (const auto& [topic, partitions] : wanted) {
    resources.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, cluster.full(topic).c_str()));
    raw.push_back(resources.back().get());
  }
  auto event = ask(cluster, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "the settings of the topics",
                   [&](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConfigs(rk, raw.data(), raw.size(), options, queue);
                   });
  if (!event) return tl::make_unexpected(event.error());
  std::size_t count = 0;
  const auto* const* found =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string full = rd_kafka_ConfigResource_name(found[i]);
    const auto error = rd_kafka_ConfigResource_error(found[i]);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;  // gone in between
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, "the settings of " + full));
    Described topic;
    topic.spec.name = full.substr(cluster.options().prefix.size());
    topic.spec.partitions = wanted.at(topic.spec.name);
    std::size_t entries = 0;
    const auto* const* entry = rd_kafka_ConfigResource_configs(found[i], &entries);
    for (std::size_t k = 0; k < entries; ++k) {
      const char* value = rd_kafka_ConfigEntry_value(entry[k]);
      if (value == nullptr) continue;
      const std::string_view name = rd_kafka_ConfigEntry_name(entry[k]);
      const std::string_view text = value;
      const auto number = [&] {
        std::int64_t n = 0;
        std::from_chars(text.data(), text.data() + text.size(), n);
        return Milliseconds(std::max<std::int64_t>(n, 0));
      };
      if (name == "cleanup.policy") topic.spec.cleanup = cleanup_of(text);
      if (name == "retention.ms") topic.spec.retention = number();
      if (name == "min.compaction.lag.ms") topic.spec.compaction_lag = number();
      if (rd_kafka_ConfigEntry_source(entry[k]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) {
        topic.dynamic.emplace_back(name, text);
      }
    }
    all.push_back(std::move(topic));
  }
  return all;
}

Result<void> make(Cluster& cluster, const std::vector<TopicSpec>& specs) {
  if (specs.empty()) return {};
  std::vector<FreshTopic> topics;
  std::vector<rd_kafka_NewTopic_t*> raw;
  char why[256] = "";
  for (const TopicSpec& spec : specs) {
    topics.emplace_back(rd_kafka_NewTopic_new(cluster.full(spec.name).c_str(), spec.partitions,
                                              cluster.options().replication, why, sizeof why));
    if (!topics.back()) return fail(Errc::config_invalid, "topic " + spec.name + ": " + why);
    raw.push_back(topics.back().get());
    for (const auto& [name, value] : first_settings_of(spec, cluster.options().record_bytes_max)) {
      rd_kafka_NewTopic_set_config(raw.back(), name.c_str(), value.c_str());
    }
  }
  auto event = ask(cluster, RD_KAFKA_ADMIN_OP_CREATETOPICS, "making topics",
                   [&](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_CreateTopics(rk, raw.data(), raw.size(), options, queue);
                   });
  if (!event) return tl::make_unexpected(event.error());
  std::size_t count = 0;
  const auto* const* made =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(made[i]);
    // Another process was faster: as good.
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* text = rd_kafka_topic_result_error_string(made[i]);
    return fail(code_of(error), std::string("making topic ") + rd_kafka_topic_result_name(made[i]) + ": " +
                                    (text == nullptr ? rd_kafka_err2str(error) : text));
  }
  return {};
}

Result<void> change(Cluster& cluster, const Described& topic, const TopicSpec& to) {
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, cluster.full(to.name).c_str()));
  // The request replaces all that is set on the topic: what else is set there goes along.
  std::vector<Setting> all = settings_of(to);
  for (const Setting& set : topic.dynamic) {
    const bool ours = std::any_of(all.begin(), all.end(), [&](const Setting& s) { return s.first == set.first; });
    if (!ours) all.push_back(set);
  }
  for (const auto& [name, value] : all) {
    rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str());
  }
  rd_kafka_ConfigResource_t* raw = resource.get();
  const std::string what = "changing the settings of topic " + to.name;
  auto event = ask(cluster, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, what,
                   [&](rd_kafka_t* rk, rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConfigs(rk, &raw, 1, options, queue);
                   });
  if (!event) return tl::make_unexpected(event.error());
  std::size_t count = 0;
  const auto* const* done =
      rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_ConfigResource_error(done[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, what));
  }
  return {};
}

// A topic is made before its partitions have leaders, and its settings change a little after they were accepted.
template <class Done>
Result<void> wait_until(Cluster& cluster, const std::string& what, const Done& done) {
  const auto deadline = steady_clock::now() + cluster.options().request_timeout;
  for (;;) {
    const auto is = done();
    if (!is) return tl::make_unexpected(is.error());
    if (*is) return {};
    if (steady_clock::now() >= deadline) return fail(Errc::log_unavailable, what);
    std::this_thread::sleep_for(Milliseconds(20));
  }
}

}  // namespace

Result<std::vector<TopicSpec>> describe_topics(Cluster& cluster) {
  const auto names = cluster.list();
  if (!names) return tl::make_unexpected(names.error());
  auto described = describe(cluster, *names);
  if (!described) return tl::make_unexpected(described.error());
  std::vector<TopicSpec> specs;
  for (Described& topic : *described) specs.push_back(std::move(topic.spec));
  return specs;
}

Result<void> create_topics(Cluster& cluster, std::span<const TopicSpec> specs) {
  const auto there = cluster.list();
  if (!there) return tl::make_unexpected(there.error());
  std::vector<TopicSpec> missing;
  std::map<std::string, int> known;
  for (const TopicSpec& spec : specs) {
    const auto at = there->find(spec.name);
    if (at == there->end()) {
      missing.push_back(spec);
    } else if (at->second != spec.partitions) {
      return fail(Errc::partitions_changed, "topic " + spec.name + " has " + std::to_string(at->second) +
                                                " partitions, not " + std::to_string(spec.partitions));
    } else {
      known.insert(*at);
    }
  }
  if (auto made = make(cluster, missing); !made) return made;
  const auto described = describe(cluster, known);
  if (!described) return tl::make_unexpected(described.error());
  std::vector<TopicSpec> changed;
  for (const Described& topic : *described) {
    const auto to = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.name == topic.spec.name; });
    if (topic.spec == *to) continue;
    if (auto done = change(cluster, topic, *to); !done) return done;
    changed.push_back(*to);
  }
  if (!missing.empty()) {
    auto ready = wait_until(cluster, "new topics have no leaders yet", [&]() -> Result<bool> {
      for (const TopicSpec& spec : missing) {
        for (int p = 0; p < spec.partitions; ++p) {
          const auto range = cluster.range({spec.name, p});
          if (range) continue;
          if (range.error().code == Errc::log_unavailable || range.error().code == Errc::topic_unknown) return false;
          return tl::make_unexpected(range.error());
        }
      }
      return true;
    });
    if (!ready) return ready;
  }
  if (changed.empty()) return {};
  return wait_until(cluster, "changed settings of topics are not in force yet", [&]() -> Result<bool> {
    const auto now = describe_topics(cluster);
    if (!now) return tl::make_unexpected(now.error());
    return std::all_of(changed.begin(), changed.end(),
                       [&](const TopicSpec& to) { return std::find(now->begin(), now->end(), to) != now->end(); });
  });
}

}  // namespace qc::stream::kafka
