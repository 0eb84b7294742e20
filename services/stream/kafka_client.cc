#include "stream/kafka_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/assert.h"

namespace qc::stream::kafka {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kSaidAgainMs = 30'000;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<Milliseconds>(steady_clock::now().time_since_epoch()).count();
}

bool refuses(rd_kafka_resp_err_t error) {
  return code_of(error) == Errc::log_refused;
}

}  // namespace

Errc code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Errc::topic_unknown;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return Errc::record_too_large;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    // What the cluster's owner does not allow: no waiting mends it.
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return Errc::log_refused;
    // Dropped because its transaction failed for another reason.
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    // librdkafka 2.0 says so of a transaction behind one whose records were refused, whose numbers it skips.
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
      return Errc::log_abortable;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__FATAL:
      return Errc::log_fenced;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return Errc::queue_full;
    default:
      return Errc::log_unavailable;
  }
}

Error error_of(rd_kafka_resp_err_t error, const std::string& what) {
  return {code_of(error), what + ": " + rd_kafka_err2str(error)};
}

Error error_of(const rd_kafka_error_t* error, const std::string& what) {
  // A refusal is fatal to a client, too, but the next client would only hear it again.
  const Errc code = code_of(rd_kafka_error_code(error));
  return {rd_kafka_error_is_fatal(error) != 0 && code != Errc::log_refused ? Errc::log_fenced : code,
          what + ": " + rd_kafka_error_string(error)};
}

// ---- Client -------------------------------------------------------------------------------------------------------

Client::Client(const KafkaOptions& options) : options_(options), heard_ms_(steady_ms()) {}

Client::~Client() {
  if (rk_ != nullptr) rd_kafka_destroy(rk_);
}

void Client::vanish() {
  if (rk_ == nullptr) return;
  rd_kafka_destroy_flags(rk_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  rk_ = nullptr;
}

Result<void> Client::start(Role role, const std::vector<Setting>& extra) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512] = "";
  auto settings = settings_of(options_, role);
  settings.insert(settings.end(), extra.begin(), extra.end());
  for (const auto& [name, value] : settings) {
    const auto set = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why);
    if (set == RD_KAFKA_CONF_OK) continue;
    // Ours are written for newer versions, too; the user's were checked.
    if (set == RD_KAFKA_CONF_UNKNOWN) continue;
    rd_kafka_conf_destroy(conf);
    return fail(Errc::config_invalid, "kafka setting `" + name + "` cannot have this value");
  }
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_error_cb(conf, &Client::on_error);
  rd_kafka_conf_set_log_cb(conf, &Client::on_log);
  if (options_.statistics) rd_kafka_conf_set_stats_cb(conf, &Client::on_statistics);
  const bool consumes = role == Role::Consumer || role == Role::Reader || role == Role::Admin;
  if (role == Role::Consumer) rd_kafka_conf_set_rebalance_cb(conf, &Client::on_rebalance);
  if (!consumes) rd_kafka_conf_set_dr_msg_cb(conf, &Client::on_delivery);
  rk_ = rd_kafka_new(consumes ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, why, sizeof why);
  if (rk_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    return fail(Errc::config_invalid, std::string("no Kafka client can be made: ") + why);
  }
  return {};
}

void Client::heard() {
  heard_ms_ = steady_ms();
}

Result<void> Client::silent(Cluster& cluster) {
  const bool trouble = troubled();
  const std::int64_t since = steady_ms() - heard_ms_;
  if (!trouble && since < cluster.request_ms() / 2) return {};
  if (auto answered = cluster.answers(); !answered) {
    // One answer that is late on a busy machine is not news yet.
    return trouble || since >= cluster.request_ms() ? answered : Result<void>{};
  }
  clear_trouble();
  heard();
  return {};
}

Error Client::trouble() const {
  const std::lock_guard lock(mutex_);
  return {code_of(trouble_.load()), trouble_text_};
}

void Client::on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
  auto& self = *static_cast<Client*>(opaque);
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  // A single broker that is away is librdkafka's own business.
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !refuses(code)) return;
  const std::lock_guard lock(self.mutex_);
  // What refuses us says more than that nobody is left.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && self.troubled()) return;
  self.trouble_text_ = reason;
  self.trouble_ = code;
}

void Client::on_log(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  auto* self = static_cast<Client*>(rd_kafka_opaque(rk));
  if (self == nullptr || !self->options_.line) return;
  // That a setting is for another kind of client: they all get the user's.
  if (std::string_view(facility) == "CONFWARN") return;
  {
    const std::lock_guard lock(self->mutex_);
    auto [at, first] = self->said_.try_emplace(facility, 0);
    if (!first && steady_ms() - at->second < kSaidAgainMs) return;
    at->second = steady_ms();
  }
  self->options_.line(level <= 3 ? LineLevel::Error : LineLevel::Warning, std::string("kafka: ") + text);
}

int Client::on_statistics(rd_kafka_t*, char* json, std::size_t size, void* opaque) {
  static_cast<Client*>(opaque)->options_.statistics(std::string_view(json, size));
  return 0;  // librdkafka's to free
}

void Client::on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions,
                          void* opaque) {
  static_cast<Client*>(opaque)->rebalanced(what, partitions);
}

void Client::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  static_cast<Client*>(opaque)->delivered(*message);
}

// ---- Cluster ------------------------------------------------------------------------------------------------------

class Cluster::Admin final : public Client {
 public:
  explicit Admin(const KafkaOptions& options) : Client(options) {}
  Result<void> begin() { return start(Role::Admin, {}); }
};

Cluster::Cluster(KafkaOptions options) : options_(std::move(options)) {}
Cluster::~Cluster() = default;

rd_kafka_t* Cluster::admin() const {
  return admin_->get();
}

Result<std::unique_ptr<Cluster>> Cluster::open(KafkaOptions options) {
  if (auto checked = check_kafka_settings(options.settings); !checked) return tl::make_unexpected(checked.error());
  if (!options.clock_ms) {
    options.clock_ms = [] {
      return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
  }
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(options)));
  cluster->admin_ = std::make_unique<Admin>(cluster->options_);
  if (auto begun = cluster->admin_->begin(); !begun) return tl::make_unexpected(begun.error());
  const auto deadline = steady_clock::now() + cluster->options_.request_timeout;
  for (;;) {
    auto answered = cluster->answers();
    if (answered) return cluster;
    if (answered.error().code != Errc::log_unavailable || steady_clock::now() >= deadline) {
      return tl::make_unexpected(answered.error());
    }
  }
}

Result<void> Cluster::answers() {
  constexpr int kMomentMs = 500;
  const rd_kafka_metadata_t* found = nullptr;
  // Of no topic: only the brokers.
  admin_->clear_trouble();
  Topic none(rd_kafka_topic_new(admin(), "qingchuan", nullptr));
  const auto error = rd_kafka_metadata(admin(), 0, none.get(), &found, kMomentMs);
  if (found != nullptr) rd_kafka_metadata_destroy(found);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  rd_kafka_poll(admin(), 0);
  const std::string whom = "no answer from Kafka at " + options_.brokers;
  if (admin_->troubled()) {
    Error trouble = admin_->trouble();
    return fail(trouble.code, whom + ": " + trouble.text);
  }
  return tl::make_unexpected(error_of(error, whom));
}

Result<int> Cluster::partitions(const std::string& topic) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = partitions_.find(topic); at != partitions_.end()) return at->second;
  }
  const rd_kafka_metadata_t* found = nullptr;
  Topic handle(rd_kafka_topic_new(admin(), full(topic).c_str(), nullptr));
  if (!handle) return fail(Errc::topic_unknown, "no topic can have the name `" + topic + "`");
  const auto error = rd_kafka_metadata(admin(), 0, handle.get(), &found, request_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, "topic " + full(topic)));
  int count = 0;
  auto answer = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (found->topic_cnt > 0) {
    count = found->topics[0].partition_cnt;
    answer = found->topics[0].err;
  }
  rd_kafka_metadata_destroy(found);
  if (answer != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(answer, "topic " + full(topic)));
  const std::lock_guard lock(mutex_);
  partitions_[topic] = count;
  return count;
}

Result<void> Cluster::check(const TopicPartition& tp) {
  const auto count = partitions(tp.topic);
  if (!count) return tl::make_unexpected(count.error());
  if (tp.partition < 0 || tp.partition >= *count) {
    return fail(Errc::topic_unknown, "there is no partition " + to_string(tp));
  }
  return {};
}

Result<void> Cluster::check(const NewRecord& record) {
  const std::size_t size = record.key.size() + (record.value ? record.value->size() : 0);
  if (size > options_.record_bytes_max) {
    return fail(Errc::record_too_large, "a record of " + std::to_string(size) + " bytes for " + to_string(record.to) +
                                            ", at most " + std::to_string(options_.record_bytes_max) + " are allowed");
  }
  return check(record.to);
}

Result<std::map<std::string, int>> Cluster::list() {
  const rd_kafka_metadata_t* found = nullptr;
  const auto error = rd_kafka_metadata(admin(), 1, nullptr, &found, request_ms());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, "the list of topics"));
  std::map<std::string, int> all;
  for (int i = 0; i < found->topic_cnt; ++i) {
    const auto& topic = found->topics[i];
    const std::string_view full_name = topic.topic;
    if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR && topic.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) continue;
    if (!full_name.starts_with(options_.prefix) || full_name.starts_with("__")) continue;
    all.emplace(full_name.substr(options_.prefix.size()), topic.partition_cnt);
  }
  rd_kafka_metadata_destroy(found);
  return all;
}

Result<Range> Cluster::range(const TopicPartition& tp) {
  if (auto known = check(tp); !known) return tl::make_unexpected(known.error());
  Range range;
  const auto deadline = steady_clock::now() + options_.request_timeout;
  auto error = RD_KAFKA_RESP_ERR_NO_ERROR;
  do {
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) std::this_thread::sleep_for(Milliseconds(100));
    error = rd_kafka_query_watermark_offsets(admin(), full(tp.topic).c_str(), tp.partition, &range.start, &range.end,
                                             request_ms());
    // A leader that moves is not a reason to give up: a start right then would end.
  } while (error != RD_KAFKA_RESP_ERR_NO_ERROR && code_of(error) == Errc::log_unavailable &&
           steady_clock::now() < deadline);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::make_unexpected(error_of(error, "the end of " + to_string(tp)));
  return range;
}

const TopicPartition* Cluster::interned(std::string_view full_topic, int partition) {
  QC_ASSERT(full_topic.starts_with(options_.prefix));
  const std::lock_guard lock(mutex_);
  return &*interned_.insert(TopicPartition{std::string(full_topic.substr(options_.prefix.size())), partition}).first;
}

// ---- records ------------------------------------------------------------------------------------------------------

Fill::Messages& Fill::messages_of(Batch& out) {
  if (!out.owner || out.owner.use_count() != 1) out.owner = std::make_shared<Messages>();
  const auto messages = std::static_pointer_cast<Messages>(out.owner);
  messages->clear();
  std::erase_if(filled_, [](const auto& filled) { return filled.expired(); });
  // A batch may have been another client's before.
  if (std::none_of(filled_.begin(), filled_.end(), [&](const auto& filled) { return filled.lock() == messages; })) {
    filled_.push_back(messages);
  }
  return *messages;
}

void Fill::let_go() {
  for (const auto& filled : filled_) {
    if (const auto messages = filled.lock()) messages->clear();
  }
  filled_.clear();
}

void Fill::take(rd_kafka_queue_t* queue, std::vector<rd_kafka_message_t*>& all, std::size_t max, Milliseconds wait) {
  // A batch call waits until it is full or its time is over; so the first one is waited for alone.
  all.resize(max);
  std::size_t n = 0;
  if (wait.count() > 0) {
    all[0] = rd_kafka_consume_queue(queue, static_cast<int>(wait.count()));
    n = all[0] == nullptr ? 0 : 1;
  }
  if (n == 1 || wait.count() == 0) {
    const auto more = rd_kafka_consume_batch_queue(queue, 0, all.data() + n, max - n);
    if (more > 0) n += static_cast<std::size_t>(more);
  }
  all.resize(n);
}

const TopicPartition* Fill::from(const rd_kafka_message_t& m) {
  if (m.rkt != last_topic_ || m.partition != last_partition_) {
    last_ = cluster_.interned(rd_kafka_topic_name(m.rkt), m.partition);
    last_topic_ = m.rkt;
    last_partition_ = m.partition;
  }
  return last_;
}

std::string_view Fill::headers_of(void* messages, const void* message) {
  rd_kafka_headers_t* found = nullptr;
  const auto* m = static_cast<const rd_kafka_message_t*>(message);
  if (rd_kafka_message_headers(m, &found) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  std::vector<Header> all;
  const char* key = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(found, i, &key, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    all.push_back({key, std::string(static_cast<const char*>(value), value == nullptr ? 0 : size)});
  }
  return static_cast<Messages*>(messages)->headers.emplace_back(encode_headers(all));
}

rd_kafka_resp_err_t produce(rd_kafka_t* rk, rd_kafka_topic_t* topic, const NewRecord& record, std::int64_t now_ms,
                            void* tag) {
  static char nothing = 0;  // an empty value is a value; none is a tombstone
  std::array<rd_kafka_vu_t, 8> v{};
  std::size_t n = 0;
  v[n].vtype = RD_KAFKA_VTYPE_RKT;
  v[n++].u.rkt = topic;
  v[n].vtype = RD_KAFKA_VTYPE_PARTITION;
  v[n++].u.i32 = record.to.partition;
  v[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  v[n++].u.i64 = record.written_ms > 0 ? record.written_ms : now_ms;
  v[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
  v[n++].u.ptr = tag;
  v[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  // A copy: requests in flight outlive a commit that failed, and with it the caller's buffers.
  v[n++].u.i = RD_KAFKA_MSG_F_COPY;
  v[n].vtype = RD_KAFKA_VTYPE_KEY;
  v[n].u.mem.ptr = record.key.empty() ? &nothing : const_cast<char*>(record.key.data());
  v[n++].u.mem.size = record.key.size();
  if (record.value) {
    v[n].vtype = RD_KAFKA_VTYPE_VALUE;
    v[n].u.mem.ptr = record.value->empty() ? &nothing : const_cast<char*>(record.value->data());
    v[n++].u.mem.size = record.value->size();
  }
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = rd_kafka_headers_new(4);
    each_header(record.headers, [&](std::string_view key, std::string_view value) {
      rd_kafka_header_add(headers, key.data(), static_cast<ssize_t>(key.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    });
    v[n].vtype = RD_KAFKA_VTYPE_HEADERS;
    v[n++].u.headers = headers;
  }
  rd_kafka_error_t* error = rd_kafka_produceva(rk, v.data(), n);
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  const auto code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

}  // namespace qc::stream::kafka
