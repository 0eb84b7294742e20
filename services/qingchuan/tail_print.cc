#include "qingchuan/tail_print.h"

#include <google/protobuf/util/json_util.h>

#include <functional>
#include <map>
#include <memory>

#include "core/time.h"
#include "platform/yaml_value.h"
#include "processor/records.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/config.pb.h"
#include "qingchuan/v1/event.pb.h"
#include "qingchuan/v1/identity.pb.h"
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/later.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/csv_output.h"
#include "wire/labels.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;
using MessagePtr = std::unique_ptr<google::protobuf::Message>;

// What a topic holds (architecture section 5).
MessagePtr message_of(std::string_view topic) {
  static const std::map<std::string_view, std::function<MessagePtr()>> messages = {
      {"readings", [] { return std::make_unique<v1::Input>(); }},
      {"tracks", [] { return std::make_unique<v1::Track>(); }},
      {"passes", [] { return std::make_unique<v1::Pass>(); }},
      {"events", [] { return std::make_unique<v1::Event>(); }},
      {"means", [] { return std::make_unique<v1::MeanRecord>(); }},
      {"region-means", [] { return std::make_unique<v1::MeanRecord>(); }},
      {"signals", [] { return std::make_unique<v1::SignalRecord>(); }},
      {"alerts", [] { return std::make_unique<v1::AlertRecord>(); }},
      {"tasks", [] { return std::make_unique<v1::Task>(); }},
      {"ledger", [] { return std::make_unique<v1::LedgerEntry>(); }},
      {"commands", [] { return std::make_unique<v1::Command>(); }},
      {"outcomes", [] { return std::make_unique<v1::CommandOutcome>(); }},
      {"rules", [] { return std::make_unique<v1::RuleSet>(); }},
      {"users", [] { return std::make_unique<v1::UserRecord>(); }},
      {"dead-letters", [] { return std::make_unique<v1::DeadLetter>(); }},
  };
  const auto it = messages.find(topic);
  return it == messages.end() ? nullptr : it->second();
}

std::string json_string(std::string_view text) {
  static const char* hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      out += "\\u00";
      out += hex[u >> 4];
      out += hex[u & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string hex_of(std::string_view bytes) {
  static const char* hex = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    out += hex[u >> 4];
    out += hex[u & 15];
  }
  return out;
}

// What is printed is passed on; a password can be guessed from its hash.
void hide_hashes(v1::UserRecord& user) {
  if (user.has_account() && user.account().has_password()) {
    user.mutable_account()->mutable_password()->clear_salt();
    user.mutable_account()->mutable_password()->clear_hash();
  }
  if (user.has_session()) user.mutable_session()->clear_secret_sha256();
  if (user.has_token()) user.mutable_token()->clear_secret_sha256();
}

std::string json_value(std::string_view topic, const stream::Record& record) {
  if (record.tombstone) return "null";
  MessagePtr message = message_of(topic);
  if (message != nullptr && message->ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    if (auto* user = dynamic_cast<v1::UserRecord*>(message.get())) hide_hashes(*user);
    std::string json;
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    if (google::protobuf::util::MessageToJsonString(*message, &json, options).ok()) return json;
  }
  return "{\"hex\":\"" + hex_of(record.value) + "\"}";
}

}  // namespace

std::string tail_header(std::string_view topic, TailFormat format) {
  if (format == TailFormat::Json) return {};
  const std::string_view header = processor::holds_means(topic) ? wire::mean_csv_header()
                                  : topic == "events"           ? wire::event_csv_header()
                                                                : wire::signal_csv_header();
  return std::string(header) + "\n";
}

Identity identity_of(std::string_view topic, const stream::Record& record) {
  const auto size = static_cast<int>(record.value.size());
  if (processor::holds_means(topic) && !record.tombstone) {
    v1::MeanRecord mean;
    if (mean.ParseFromArray(record.value.data(), size) && mean.has_mean())
      return {std::string(record.key), mean.mean().revision()};
  } else if (topic == "signals" && !record.tombstone) {
    v1::SignalRecord signal;
    if (signal.ParseFromArray(record.value.data(), size) && signal.has_signal())
      return {signal.signal().id(), signal.signal().revision()};
  }
  return {std::string(record.key), record.offset};
}

std::string print_record(std::string_view topic, const stream::Record& record, TailFormat format) {
  std::string text;
  const auto size = static_cast<int>(record.value.size());
  if (processor::holds_means(topic) && !record.tombstone) {
    v1::MeanRecord mean;
    if (mean.ParseFromArray(record.value.data(), size)) {
      if (!mean.has_mean()) return {};
      if (format == TailFormat::Csv) {
        wire::append_csv(mean.mean(), text);
        return text;
      }
    }
  } else if (topic == "signals" && !record.tombstone) {
    v1::SignalRecord signal;
    if (signal.ParseFromArray(record.value.data(), size)) {
      if (!signal.has_signal()) return {};
      if (format == TailFormat::Csv) {
        wire::append_csv(signal.signal(), text);
        return text;
      }
    }
  }
  if (format == TailFormat::Csv) {
    v1::Event event;
    if (topic == "events" && !record.tombstone && event.ParseFromArray(record.value.data(), size))
      wire::append_csv(event, text);
    return text;
  }
  return "{\"partition\":" + std::to_string(record.from->partition) + ",\"offset\":" + std::to_string(record.offset) +
         ",\"written\":\"" + core::to_iso(core::event_time(record.written_ms)) + "\",\"key\":" +
         (platform::is_valid_utf8(record.key) ? json_string(record.key) : json_string(hex_of(record.key))) +
         ",\"value\":" + json_value(topic, record) + "}\n";
}

}  // namespace qc::commands
