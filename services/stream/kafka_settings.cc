// Every setting of librdkafka's that matters here, in one place, each with its reason.
#include <algorithm>
#include <array>
#include <string_view>

#include "stream/kafka_client.h"

namespace qc::stream {
namespace {

using kafka::Setting;

// What the log's promises stand on, and what has a key of its own in the configuration.
constexpr std::array kOurs = {"bootstrap.servers",
                              "metadata.broker.list",
                              "client.id",
                              "group.id",
                              "group.instance.id",
                              "transactional.id",
                              "enable.auto.commit",
                              "enable.auto.offset.store",
                              "enable.idempotence",
                              "acks",
                              "request.required.acks",
                              "isolation.level",
                              "auto.offset.reset",
                              "partition.assignment.strategy",
                              "session.timeout.ms",
                              "max.poll.interval.ms",
                              "transaction.timeout.ms",
                              "message.timeout.ms",
                              "delivery.timeout.ms",
                              "enable.partition.eof",
                              "allow.auto.create.topics",
                              "statistics.interval.ms",
                              "log_level",
                              "partitioner",
                              "message.max.bytes",
                              "check.crcs",
                              "builtin.features",
                              "plugin.library.paths"};

std::string text(std::size_t n) {
  return std::to_string(n);
}
std::string text(Milliseconds t) {
  return std::to_string(t.count());
}

void reading(std::vector<Setting>& s, const KafkaOptions& o, const char* fetch_wait_ms) {
  s.insert(s.end(),
           {{"enable.auto.commit", "false"},        // offsets go with the transaction
            {"enable.auto.offset.store", "false"},  // the same
            {"isolation.level", "read_committed"},
            {"enable.partition.eof", "true"},  // tells where a partition ends behind markers and aborted records
            {"auto.offset.reset", "error"},    // what it means that an offset is not there is for us to say
            {"allow.auto.create.topics", "false"},
            {"check.crcs", "true"},
            // Where the local queue is full, the next fetch waits this long: the default of a second makes steps.
            {"fetch.queue.backoff.ms", "5"},
            {"fetch.wait.max.ms", fetch_wait_ms},
            {"fetch.min.bytes", "1"},  // a signal's way must not wait for company
            {"fetch.error.backoff.ms", "100"},
            // In a backlog librdkafka 2.0 looks only once a second whether a full queue has room again: the bytes are
            // the limit.
            {"queued.min.messages", "1000000"},
            {"queued.max.messages.kbytes", "65536"},
            {"fetch.message.max.bytes", text(std::max<std::size_t>(o.record_bytes_max + 65536, 4UL << 20))}});
}

void writing(std::vector<Setting>& s, const KafkaOptions& o) {
  s.insert(s.end(), {{"enable.idempotence", "true"},  // and with it acks=all
                     {"compression.codec", "lz4"},
                     {"message.max.bytes", text(o.record_bytes_max + 65536)},
                     // Longer than it takes to say that nobody answers: a delivery that times out is a repeat.
                     {"message.timeout.ms", text(std::min(o.request_timeout, o.transaction_timeout))}});
}

}  // namespace

namespace kafka {

const char* name(Role role) {
  static constexpr std::array kNames = {"admin", "reader", "appender", "consumer", "producer"};
  return kNames[static_cast<std::size_t>(role)];
}

std::vector<Setting> settings_of(const KafkaOptions& o, Role role) {
  std::vector<Setting> s = {
      {"bootstrap.servers", o.brokers},
      {"client.id", "qingchuan-" + std::string(name(role))},
      {"log_level", "4"},
      {"log.connection.close", "false"},  // an idle connection that is closed is no news
      {"socket.keepalive.enable", "true"},
      {"socket.nagle.disable", "true"},  // small requests wait for their answers
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},  // a cluster that is back is seen within a second
      {"topic.metadata.refresh.interval.ms", "60000"},
      {"statistics.interval.ms", o.statistics ? text(o.statistics_interval) : "0"},
  };
  switch (role) {
    case Role::Admin:
      s.insert(s.end(), {{"enable.auto.commit", "false"},
                         {"allow.auto.create.topics", "false"},
                         // Its ends are high watermarks: what a restore must have read, committed or not.
                         {"isolation.level", "read_uncommitted"}});
      break;
    case Role::Reader:
      // That nothing more is there is told when an empty fetch comes back: every restore of a partition waits for it.
      reading(s, o, "25");
      break;
    case Role::Consumer:
      reading(s, o, "500");
      s.insert(s.end(), {{"partition.assignment.strategy", "range"},  // the same numbers of all its topics
                         {"session.timeout.ms", text(o.session_timeout)},
                         // A member hears with its heartbeat that the group shares out anew: so long a takeover waits.
                         {"heartbeat.interval.ms",
                          text(std::clamp(o.session_timeout / 6, Milliseconds(100), Milliseconds(250)))},
                         {"max.poll.interval.ms", text(std::max(o.max_poll_interval, o.session_timeout))}});
      break;
    case Role::Appender:
      writing(s, o);
      s.insert(s.end(), {{"linger.ms", "1"}, {"queue.buffering.max.messages", "1000000"}});
      break;
    case Role::Producer:
      writing(s, o);
      s.insert(s.end(), {{"transaction.timeout.ms", text(o.transaction_timeout)},
                         {"linger.ms", "0"},  // they gather while their partitions are asked about
                         {"queue.buffering.max.messages", "10000000"},  // the worker's own limits hold long before
                         {"queue.buffering.max.kbytes", "1048576"},
                         // A transaction right behind another is refused while the broker still writes the markers of
                         // the last: the default of 100 ms would be the time of a commit.
                         {"retry.backoff.ms", "1"}});
      break;
  }
  // The user's last, but ours are refused in them by check_kafka_settings.
  for (const Setting& u : o.settings) {
    std::erase_if(s, [&](const Setting& ours) { return ours.first == u.first; });
    s.push_back(u);
  }
  return s;
}

}  // namespace kafka

Result<void> check_kafka_settings(const std::vector<Setting>& settings) {
  struct Conf {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    ~Conf() { rd_kafka_conf_destroy(conf); }
  } scratch;
  for (const auto& [name, value] : settings) {
    if (std::find(kOurs.begin(), kOurs.end(), std::string_view(name)) != kOurs.end()) {
      return fail(Errc::config_invalid, "kafka setting `" + name +
                                            "` is not to be set: the log's promises depend on it "
                                            "or it has a key of its own");
    }
    char why[512] = "";
    switch (rd_kafka_conf_set(scratch.conf, name.c_str(), value.c_str(), why, sizeof why)) {
      case RD_KAFKA_CONF_OK:
        break;
      case RD_KAFKA_CONF_UNKNOWN:
        return fail(Errc::config_invalid,
                    "kafka setting `" + name + "` is not one of librdkafka " + rd_kafka_version_str() + "'s");
      default:
        // Its own words repeat the value, which may be a secret.
        return fail(Errc::config_invalid, "kafka setting `" + name + "` cannot have this value");
    }
  }
  return {};
}

}  // namespace qc::stream
