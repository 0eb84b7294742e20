#include "stream/kafka_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace qc::stream {
namespace {

namespace json = boost::json;

// A client that has said nothing for so long (by librdkafka's own clock) is gone: statistics come every few seconds.
constexpr std::int64_t kGoneUs = 30'000'000;

enum Rising : std::size_t {
  kRequests,
  kRequestBytes,
  kResponses,
  kResponseBytes,
  kSent,
  kSentBytes,
  kReceived,
  kReceivedBytes,
  kSendErrors,
  kReceiveErrors,
  kRetries,
  kTimeouts,
  kConnects,
  kDisconnects,
  kRebalances,
  kRising
};
enum Standing : std::size_t {
  kQueued,
  kQueuedBytes,
  kFetched,
  kFetchedBytes,
  kUnread,
  kConnections,
  kAssigned,
  kTransactionErrors,
  kStanding
};
enum Windowed : std::size_t { kRoundTrips, kRoundTripSeconds, kThrottledSeconds, kWindowed };

struct Named {
  const char* name;
  const char* help;
};
constexpr std::array<Named, kRising> kRisingNames = {{
    {"qingchuan_kafka_requests_total", "Requests sent to brokers."},
    {"qingchuan_kafka_request_bytes_total", "Bytes sent to brokers."},
    {"qingchuan_kafka_responses_total", "Responses received from brokers."},
    {"qingchuan_kafka_response_bytes_total", "Bytes received from brokers."},
    {"qingchuan_kafka_sent_records_total", "Records produced."},
    {"qingchuan_kafka_sent_record_bytes_total", "Bytes of produced records, before compression."},
    {"qingchuan_kafka_received_records_total", "Records consumed."},
    {"qingchuan_kafka_received_record_bytes_total", "Bytes of consumed records, after decompression."},
    {"qingchuan_kafka_send_errors_total", "Requests that could not be sent."},
    {"qingchuan_kafka_receive_errors_total", "Responses that could not be read."},
    {"qingchuan_kafka_retries_total", "Requests sent again."},
    {"qingchuan_kafka_timeouts_total", "Requests that no broker answered in time."},
    {"qingchuan_kafka_connects_total", "Connections tried, also those that failed."},
    {"qingchuan_kafka_disconnects_total", "Connections that ended."},
    {"qingchuan_kafka_rebalances_total", "Times that a consumer group shared its partitions out again."},
}};
constexpr std::array<Named, kStanding> kStandingNames = {{
    {"qingchuan_kafka_queued_records", "Records that wait to be sent or acknowledged."},
    {"qingchuan_kafka_queued_bytes", "Bytes of records that wait to be sent or acknowledged."},
    {"qingchuan_kafka_fetched_records", "Records fetched and not yet taken."},
    {"qingchuan_kafka_fetched_bytes", "Bytes of records fetched and not yet taken."},
    {"qingchuan_kafka_unread_records", "Offsets between the last record taken and the last stable one."},
    {"qingchuan_kafka_connections", "Connections that are up."},
    {"qingchuan_kafka_assigned_partitions", "Partitions assigned in consumer groups."},
    {"qingchuan_kafka_transaction_errors", "Producers whose transaction has failed and is not yet ended."},
}};
constexpr std::array<Named, kWindowed> kWindowedNames = {{
    {"qingchuan_kafka_round_trips_total", "Requests whose answer's time was taken."},
    {"qingchuan_kafka_round_trip_seconds_total", "Time from a request to its answer, summed."},
    {"qingchuan_kafka_throttled_seconds_total", "Time that brokers told clients to wait."},
}};

// "qingchuan-consumer" is a consumer; whatever else comes shares one label.
std::string role_of(std::string_view client_id) {
  constexpr std::string_view kPrefix = "qingchuan-";
  if (client_id.starts_with(kPrefix)) client_id.remove_prefix(kPrefix.size());
  for (const std::string_view known : {"admin", "reader", "appender", "consumer", "producer"}) {
    if (client_id == known) return std::string(known);
  }
  return "other";
}

const json::object* object_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}
std::string_view text_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  const json::string* s = v == nullptr ? nullptr : v->if_string();
  return s == nullptr ? std::string_view() : std::string_view(s->data(), s->size());
}
// Absent, of another type: 0. Nothing that is summed here is ever negative; -1 and -1001 are "not known".
double number_at(const json::object& in, std::string_view key) {
  const json::value* v = in.if_contains(key);
  if (v == nullptr || !v->is_number()) return 0;
  return std::max(0.0, v->to_number<double>());
}

// What one client said at one time.
struct Said {
  std::string role;
  std::int64_t at_us = 0;
  std::array<double, kRising> rising{};      // since the client began
  std::array<double, kStanding> standing{};  // now
  std::array<double, kWindowed> windowed{};  // since it spoke last
};

void add_brokers(const json::object& brokers, Said& said) {
  for (const auto& [name, value] : brokers) {
    const json::object* broker = value.if_object();
    if (broker == nullptr) continue;
    said.rising[kSendErrors] += number_at(*broker, "txerrs");
    said.rising[kReceiveErrors] += number_at(*broker, "rxerrs");
    said.rising[kRetries] += number_at(*broker, "txretries");
    said.rising[kTimeouts] += number_at(*broker, "req_timeouts");
    said.rising[kConnects] += number_at(*broker, "connects");
    said.rising[kDisconnects] += number_at(*broker, "disconnects");
    if (text_at(*broker, "state") == "UP") ++said.standing[kConnections];
    if (const json::object* rtt = object_at(*broker, "rtt")) {
      said.windowed[kRoundTrips] += number_at(*rtt, "cnt");
      said.windowed[kRoundTripSeconds] += number_at(*rtt, "sum") / 1e6;
    }
    if (const json::object* throttle = object_at(*broker, "throttle")) {
      said.windowed[kThrottledSeconds] += number_at(*throttle, "sum") / 1e3;
    }
  }
}

void add_partition(const json::object& partition, Said& said) {
  said.standing[kFetched] += number_at(partition, "fetchq_cnt");
  said.standing[kFetchedBytes] += number_at(partition, "fetchq_size");
  // Its own `consumer_lag` goes by committed offsets; ours go with the transactions, which it doesn't look into.
  const json::value* taken = partition.if_contains("app_offset");
  if (text_at(partition, "fetch_state") == "active" && taken != nullptr && taken->is_int64() &&
      taken->get_int64() >= 0) {
    said.standing[kUnread] +=
        std::max(0.0, number_at(partition, "ls_offset") - static_cast<double>(taken->get_int64()));
  }
}

void add_topics(const json::object& topics, Said& said) {
  for (const auto& [topic_name, topic_value] : topics) {
    const json::object* topic = topic_value.if_object();
    const json::object* partitions = topic == nullptr ? nullptr : object_at(*topic, "partitions");
    if (partitions == nullptr) continue;
    for (const auto& [name, value] : *partitions) {
      if (const json::object* partition = value.if_object()) add_partition(*partition, said);
    }
  }
}

Said read(const json::object& all) {
  Said said;
  said.role = role_of(text_at(all, "client_id"));
  said.at_us = static_cast<std::int64_t>(number_at(all, "ts"));
  constexpr std::array kKeys = {"tx", "tx_bytes", "rx", "rx_bytes", "txmsgs", "txmsg_bytes", "rxmsgs", "rxmsg_bytes"};
  for (std::size_t i = 0; i < kKeys.size(); ++i) said.rising[kRequests + i] = number_at(all, kKeys[i]);
  said.standing[kQueued] = number_at(all, "msg_cnt");
  said.standing[kQueuedBytes] = number_at(all, "msg_size");
  if (const json::object* brokers = object_at(all, "brokers")) add_brokers(*brokers, said);
  if (const json::object* topics = object_at(all, "topics")) add_topics(*topics, said);
  if (const json::object* group = object_at(all, "cgrp")) {
    said.rising[kRebalances] = number_at(*group, "rebalance_cnt");
    said.standing[kAssigned] = number_at(*group, "assignment_size");
  }
  if (const json::object* eos = object_at(all, "eos")) {
    const std::string_view state = text_at(*eos, "txn_state");
    said.standing[kTransactionErrors] = state == "AbortableError" || state == "FatalError" ? 1 : 0;
  }
  return said;
}

}  // namespace

struct KafkaMetrics::Impl {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;

  explicit Impl(prometheus::Registry& registry)
      : malformed(prometheus::BuildCounter()
                      .Name("qingchuan_kafka_statistics_malformed_total")
                      .Help("Statistics of librdkafka's that could not be read.")
                      .Register(registry)
                      .Add({})) {
    const auto counter = [&](const Named& of) {
      return &prometheus::BuildCounter().Name(of.name).Help(of.help).Register(registry);
    };
    for (std::size_t i = 0; i < kRising; ++i) rising[i] = counter(kRisingNames[i]);
    for (std::size_t i = 0; i < kWindowed; ++i) windowed[i] = counter(kWindowedNames[i]);
    for (std::size_t i = 0; i < kStanding; ++i) {
      standing[i] =
          &prometheus::BuildGauge().Name(kStandingNames[i].name).Help(kStandingNames[i].help).Register(registry);
    }
  }

  void take(std::string name, Said said) {
    const prometheus::Labels labels = {{"client", said.role}};
    const auto before = clients.find(name);
    for (std::size_t i = 0; i < kRising; ++i) {
      const double was = before == clients.end() ? 0 : before->second.rising[i];
      // A smaller one is of another client of that name: all of it is new.
      rising[i]->Add(labels).Increment(said.rising[i] < was ? said.rising[i] : said.rising[i] - was);
    }
    for (std::size_t i = 0; i < kWindowed; ++i) windowed[i]->Add(labels).Increment(said.windowed[i]);

    newest_us = std::max(newest_us, said.at_us);
    clients.insert_or_assign(std::move(name), std::move(said));
    std::map<std::string, std::array<double, kStanding>> sums;
    for (const auto& [of, client] : clients) {
      auto& sum = sums[client.role];  // of those that are gone, too: back to 0
      if (client.at_us + kGoneUs < newest_us) continue;
      for (std::size_t i = 0; i < kStanding; ++i) sum[i] += client.standing[i];
    }
    for (const auto& [role, sum] : sums) {
      for (std::size_t i = 0; i < kStanding; ++i) standing[i]->Add({{"client", role}}).Set(sum[i]);
    }
    std::erase_if(clients, [this](const auto& c) { return c.second.at_us + kGoneUs < newest_us; });
  }

  std::mutex mutex;
  std::map<std::string, Said> clients;  // by librdkafka's name of each, which no other of this process has
  std::int64_t newest_us = 0;
  prometheus::Counter& malformed;
  std::array<Counters*, kRising> rising{};
  std::array<Counters*, kWindowed> windowed{};
  std::array<Gauges*, kStanding> standing{};
};

KafkaMetrics::KafkaMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
KafkaMetrics::~KafkaMetrics() = default;

void KafkaMetrics::take(std::string_view text) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* all = error ? nullptr : parsed.if_object();
  const std::string_view name = all == nullptr ? std::string_view() : text_at(*all, "name");
  if (name.empty()) return impl_->malformed.Increment();
  Said said = read(*all);
  const std::lock_guard lock(impl_->mutex);
  impl_->take(std::string(name), std::move(said));
}

}  // namespace qc::stream
