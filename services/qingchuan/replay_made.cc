#include "qingchuan/replay_made.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "alerts/records.h"
#include "processor/readings_stage.h"
#include "processor/records.h"
#include "processor/regions_stage.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/labels.h"
#include "wire/wire_format.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;
using wire::FieldReader;

// The content of the first field of that number that has a length.
std::optional<std::string_view> content(std::string_view message, int number) {
  FieldReader in(message);
  while (in.next()) {
    if (in.number() == static_cast<std::uint32_t>(number) && in.is_content()) return in.content();
  }
  return std::nullopt;
}

// A field of numbers; 0 where it is not written.
std::optional<std::int64_t> number(std::string_view message, int field) {
  FieldReader in(message);
  while (in.next()) {
    if (in.number() == static_cast<std::uint32_t>(field) && in.is_number()) return in.value();
  }
  return in.at_end() ? std::optional<std::int64_t>(0) : std::nullopt;
}

std::optional<Made> made_of_letter(std::string_view value) {
  v1::DeadLetter letter;
  if (!letter.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  Made made;
  if (letter.stage() == processor::kRegionsService) {
    made.by.stage = ReplayStage::Regions;
  } else if (letter.stage() == alerts::kService) {
    made.by.stage = ReplayStage::Alerts;
  } else if (letter.stage() != processor::kService) {
    return std::nullopt;
  }
  made.by.partition = letter.source_partition();
  made.at = letter.source_offset();
  return made;
}

std::optional<Made> made_of_tick(std::string_view message) {
  constexpr int kTick = 2;  // of MeanRecord and of SignalRecord
  const auto tick = content(message, kTick);
  if (!tick) return std::nullopt;
  const auto upstream = content(*tick, v1::Tick::kUpstreamFieldNumber);
  const auto partition = number(*tick, v1::Tick::kPartitionFieldNumber);
  const auto now = number(*tick, v1::Tick::kNowMsFieldNumber);
  if (!upstream || !partition || !now) return std::nullopt;
  Made made;
  if (*upstream == processor::kRegionsService) {
    made.by.stage = ReplayStage::Regions;
  } else if (*upstream != processor::kService) {
    return std::nullopt;
  }
  made.by.partition = static_cast<int>(*partition);
  made.tick = true;
  made.now = core::event_time(*now);
  return made;
}

// Of SignalRecord.
std::optional<Made> made_of_taken(std::string_view message) {
  constexpr int kTaken = 3;
  const auto taken = content(message, kTaken);
  if (!taken) return std::nullopt;
  const auto upstream = content(*taken, v1::Taken::kUpstreamFieldNumber);
  const auto partition = number(*taken, v1::Taken::kPartitionFieldNumber);
  const auto event = number(*taken, v1::Taken::kOffsetFieldNumber);
  const auto after = number(*taken, v1::Taken::kAfterTickFieldNumber);
  if (!upstream || *upstream != processor::kRegionsService || !partition || !event || !after) return std::nullopt;
  Made made;
  made.by = {ReplayStage::Regions, static_cast<int>(*partition)};
  made.at = *after;
  made.event = *event;
  return made;
}

template <class Message>
std::unique_ptr<google::protobuf::Message> parsed(std::string_view bytes) {
  auto message = std::make_unique<Message>();
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return nullptr;
  return message;
}

std::unique_ptr<google::protobuf::Message> parse(std::string_view topic, std::string_view bytes) {
  if (processor::holds_means(topic)) return parsed<v1::MeanRecord>(bytes);
  if (topic == processor::kSignals) return parsed<v1::SignalRecord>(bytes);
  if (topic == alerts::kAlerts) return parsed<v1::AlertRecord>(bytes);
  if (topic == alerts::kOutcomes) return parsed<v1::CommandOutcome>(bytes);
  if (topic == alerts::kLedger) return parsed<v1::LedgerEntry>(bytes);
  return parsed<v1::DeadLetter>(bytes);
}

bool is_of_alerts(std::string_view topic) {
  return topic == alerts::kAlerts || topic == alerts::kOutcomes || topic == alerts::kLedger;
}

// Whatever a record of `alerts` holds, and each of the others itself, says it in a field of this name.
std::optional<Made> made_of_alerts(std::string_view topic, std::string_view value) {
  const auto message = parse(topic, value);
  const google::protobuf::Message* m = message.get();
  if (m != nullptr && topic == alerts::kAlerts) {
    const auto* held = m->GetReflection()->GetOneofFieldDescriptor(*m, m->GetDescriptor()->oneof_decl(0));
    m = held == nullptr ? nullptr : &m->GetReflection()->GetMessage(*m, held);
  }
  if (m == nullptr) return std::nullopt;
  const auto* field = m->GetDescriptor()->FindFieldByName("origin");
  if (field == nullptr || !m->GetReflection()->HasField(*m, field)) return std::nullopt;
  const auto& origin = static_cast<const v1::AlertOrigin&>(m->GetReflection()->GetMessage(*m, field));
  if (origin.signals() < 0 || origin.commands() < 0) return std::nullopt;
  Made made;
  made.by = {ReplayStage::Alerts, origin.partition()};
  made.at = origin.signals() - 1;
  return made;
}

// Nothing else of ours is erased by its writer than a row whose flood is over. It says nothing of where it was made.
Made made_of_ended_row(int partition) {
  Made made;
  made.by = {ReplayStage::Alerts, partition};
  made.at = std::numeric_limits<stream::Offset>::max();  // not before anything
  return made;
}

// The middle of "rule/subject/factor".
std::string subject_of(std::string_view alert) {
  const std::size_t first = alert.find('/');
  const std::size_t last = alert.rfind('/');
  return first == last ? std::string() : std::string(alert.substr(first + 1, last - first - 1));
}

std::optional<About> about_alerts(std::string_view topic, const google::protobuf::Message& message) {
  About a;
  if (topic == alerts::kOutcomes) {
    const auto& outcome = static_cast<const v1::CommandOutcome&>(message);
    a.id = outcome.command();
    a.revision = outcome.origin().commands();
    a.site = subject_of(outcome.alert());
    a.what = "outcome";
    return a;
  }
  if (topic == alerts::kLedger) {
    const auto& entry = static_cast<const v1::LedgerEntry&>(message);
    a.id = entry.id();
    a.site = subject_of(entry.subject());
    a.what = entry.what();
    a.end = core::event_time(entry.at_ms());
    return a;
  }
  const auto& record = static_cast<const v1::AlertRecord&>(message);
  if (record.has_alert()) {
    const v1::Alert& alert = record.alert();
    a.id = alert.key();
    a.revision = alert.revision();
    a.site = alert.subject();
    a.region = alert.signal().region();
    a.root = alert.signal().root();
    a.factor = wire::label(alert.signal().factor());
    a.what = alert.rule();
    a.end = core::event_time(alert.change().at_ms());
    return a;
  }
  if (!record.has_row()) return std::nullopt;
  const v1::FoldRow& row = record.row();
  a.id = row.id();
  a.revision = row.revision();
  a.region = row.region();
  a.root = row.root();
  a.factor = wire::label(row.factor());
  a.what = "flood";
  a.end = core::event_time(row.at_ms());
  return a;
}

}  // namespace

std::string_view input_topic(ReplayStage stage) {
  switch (stage) {
    case ReplayStage::Readings:
      return processor::kReadings;
    case ReplayStage::Regions:
      return processor::kMeans;
    case ReplayStage::Alerts:
      return alerts::kSignals;
  }
  return {};
}

std::string to_string(const Maker& maker) {
  return std::string(input_topic(maker.stage)) + "-" + std::to_string(maker.partition);
}

bool is_letter_apart(std::string_view topic, std::string_view key) {
  constexpr std::array kOf = {processor::kEvents, alerts::kCommands, alerts::kAlerts};
  return topic == processor::kDeadLetters && std::any_of(kOf.begin(), kOf.end(), [key](std::string_view of) {
           return key.starts_with(of) && key.substr(of.size()).starts_with('-');
         });
}

bool is_entry_apart(const stream::Record& record) {
  if (record.tombstone || record.from->topic != alerts::kLedger) return false;
  const auto message = parsed<v1::LedgerEntry>(record.value);
  if (message == nullptr) return false;
  const auto& entry = static_cast<const v1::LedgerEntry&>(*message);
  return !entry.has_origin() && entry.id().starts_with("users/");
}

std::optional<Made> made_of(const stream::Record& record) {
  const std::string& topic = record.from->topic;
  if (record.tombstone && topic == alerts::kAlerts) return made_of_ended_row(record.from->partition);
  if (record.tombstone) return std::nullopt;
  if (is_letter_apart(topic, record.key)) return std::nullopt;
  if (is_of_alerts(topic)) return made_of_alerts(topic, record.value);
  if (topic == processor::kDeadLetters) return made_of_letter(record.value);
  const bool is_mean = processor::holds_means(topic);
  if (!is_mean && topic != processor::kSignals) return std::nullopt;
  if (record.key.starts_with("@tick|")) return made_of_tick(record.value);
  if (record.key.starts_with("@taken|")) return made_of_taken(record.value);
  const auto inner = content(
      record.value, is_mean ? int{v1::MeanRecord::kMeanFieldNumber} : int{v1::SignalRecord::kSignalFieldNumber});
  if (!inner) return std::nullopt;
  const auto origin =
      content(*inner, is_mean ? int{v1::Mean::kOriginFieldNumber} : int{v1::Signal::kOriginFieldNumber});
  if (!origin) return std::nullopt;
  const auto partition = number(*origin, v1::Origin::kPartitionFieldNumber);
  const auto at = number(*origin, v1::Origin::kOffsetFieldNumber);
  if (!partition || !at) return std::nullopt;
  Made made;
  made.by.partition = static_cast<int>(*partition);
  made.at = *at;
  if (is_mean ? topic == processor::kRegionMeans
              : stream::find_header(record.headers.bytes(), "ce_source") == processor::kRegionsSource) {
    made.by.stage = ReplayStage::Regions;
  }
  return made;
}

std::optional<About> about(std::string_view topic, std::string_view key, std::string_view value) {
  const auto message = parse(topic, value);
  if (message == nullptr) return std::nullopt;
  if (is_of_alerts(topic)) return about_alerts(topic, *message);
  About a;
  if (processor::holds_means(topic)) {
    const auto& record = static_cast<const v1::MeanRecord&>(*message);
    if (!record.has_mean()) return std::nullopt;
    const v1::Mean& m = record.mean();
    a.id = key;
    a.revision = m.revision();
    a.site = m.site();
    a.region = m.region();
    a.root = m.root();
    a.factor = wire::label(m.factor());
    a.what = wire::label(m.window());
    a.end = core::event_time(m.end_ms());
    return a;
  }
  if (topic != processor::kSignals) return std::nullopt;
  const auto& record = static_cast<const v1::SignalRecord&>(*message);
  if (!record.has_signal()) return std::nullopt;
  const v1::Signal& s = record.signal();
  a.id = s.id();
  a.revision = s.revision();
  a.site = s.subject();
  a.region = s.region();
  a.root = s.root();
  a.factor = wire::label(s.factor());
  a.what = s.rule();
  a.end = core::event_time(s.at_ms());
  return a;
}

std::string describe_record(std::string_view topic, std::string_view key, std::string_view value) {
  const auto message = parse(topic, value);
  std::string text(key);
  text += ": ";
  return text + (message == nullptr ? std::to_string(value.size()) + " bytes that are no message"
                                    : message->ShortDebugString());
}

std::string field_differences(std::string_view topic, std::string_view published, std::string_view recomputed) {
  const auto was = parse(topic, published);
  const auto is = parse(topic, recomputed);
  if (was == nullptr || is == nullptr) return {};
  std::string text;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&text);
  differencer.Compare(*was, *is);
  for (char& c : text) {
    if (c == '\n') c = ';';
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace qc::commands
