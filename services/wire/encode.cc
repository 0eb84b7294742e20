// Core values to the bytes of records. The messages have no maps, so protobuf's serialisation is deterministic: fields
// in the order of their numbers.
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"
#include "wire/signal_message.h"
#include "wire/wire_format.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

void set_tick(core::EventTime now, std::string_view upstream, int partition, v1::Tick& out) {
  out.set_now_ms(core::ms(now));
  out.set_upstream(upstream.data(), upstream.size());
  out.set_partition(partition);
}

}  // namespace

std::string encode_register(const core::Register& site) {
  v1::Input message;
  v1::Register& out = *message.mutable_register_();
  out.set_site(site.site);
  out.set_kind(static_cast<v1::SiteKind>(site.kind));
  out.set_area_class(static_cast<v1::AreaClass>(site.area_class));
  out.set_region(site.region);
  out.set_root(site.root);
  out.set_name(site.name);
  return message.SerializeAsString();
}

std::string encode_tick(core::EventTime now) {
  v1::Input message;
  message.mutable_tick()->set_now_ms(core::ms(now));
  return message.SerializeAsString();
}

std::string encode_rules_switch(const core::RulesSwitch& rules) {
  v1::Input message;
  v1::Rules& out = *message.mutable_rules();
  out.set_hash(rules.hash);
  out.set_timeline(static_cast<v1::Timeline>(rules.timeline));
  return message.SerializeAsString();
}

// By hand: in a busy hour most of what is written is means, and to build and serialise a message was three quarters of
// what one costs (wire_format_test: the bytes are protobuf's).
std::string encode_mean(const core::Mean& mean, const Provenance& from) {
  using M = v1::Mean;
  constexpr std::size_t kNumbers = 160;    // what they take at most but for rare ones
  constexpr std::size_t kLengthBytes = 2;  // of a mean: 128 to 16,383 bytes
  std::string bytes;
  bytes.reserve(kNumbers + mean.site.size() + mean.region.size() + mean.root.size() + mean.reason.size() +
                mean.clause.size() + from.rules.size());
  FieldWriter out(bytes);
  const std::size_t record = out.begin(v1::MeanRecord::kMeanFieldNumber, kLengthBytes);
  out.text(M::kSiteFieldNumber, mean.site);
  out.number(M::kFactorFieldNumber, static_cast<int>(mean.factor));
  out.number(M::kWindowFieldNumber, static_cast<int>(mean.window));
  out.number(M::kStartMsFieldNumber, core::ms(mean.interval.start));
  out.number(M::kEndMsFieldNumber, core::ms(mean.interval.end));
  out.zigzag(M::kValueFieldNumber, mean.value.pg);
  out.number(M::kValidFieldNumber, mean.valid ? 1 : 0);
  out.zigzag(M::kSumFieldNumber, mean.sum_pg);
  out.number(M::kCountFieldNumber, mean.count);
  out.number(M::kExpectedFieldNumber, mean.expected);
  out.zigzag(M::kMinFieldNumber, mean.min.pg);
  out.zigzag(M::kMaxFieldNumber, mean.max.pg);
  out.number(M::kStatusFieldNumber, static_cast<int>(mean.status));
  out.number(M::kRevisionFieldNumber, mean.revision);
  out.text(M::kReasonFieldNumber, mean.reason);
  out.number(M::kSourceFieldNumber, static_cast<int>(mean.source));
  out.number(M::kAuditedFieldNumber, mean.audited ? 1 : 0);
  out.text(M::kRegionFieldNumber, mean.region);
  if (!mean.primary.empty()) {
    const std::size_t primary = out.begin(M::kPrimaryFieldNumber);
    for (const core::Factor f : mean.primary) out.varint(static_cast<std::uint64_t>(f));
    out.end(primary);
  }
  for (const core::SubIndex& s : mean.sub_indices) {
    const std::size_t item = out.begin(M::kSubIndicesFieldNumber);
    out.number(v1::SubIndex::kFactorFieldNumber, static_cast<int>(s.factor));
    out.number(v1::SubIndex::kIaqiFieldNumber, s.iaqi);
    out.end(item);
  }
  out.text(M::kClauseFieldNumber, mean.clause);
  const std::size_t origin = out.begin(M::kOriginFieldNumber);
  out.text(v1::Origin::kRulesFieldNumber, from.rules);
  out.number(v1::Origin::kPartitionFieldNumber, from.partition);
  out.number(v1::Origin::kFirstOffsetFieldNumber, mean.origin.first_offset);
  out.number(v1::Origin::kOffsetFieldNumber, mean.origin.offset);
  out.end(origin);
  if (mean.limit) out.always_zigzag(M::kLimitFieldNumber, mean.limit->pg);
  out.number(M::kExceedsFieldNumber, mean.exceeds ? 1 : 0);
  out.number(M::kMultipleFieldNumber, mean.multiple);
  out.number(M::kPercentileFieldNumber, mean.percentile);
  out.zigzag(M::kPercentileValueFieldNumber, mean.percentile_value.pg);
  if (mean.marks.any()) {
    const std::size_t marks = out.begin(M::kMarksFieldNumber);
    for (std::size_t n = 1; n < core::kMarks; ++n) {
      if (mean.marks.has(static_cast<core::Mark>(n))) out.varint(n);
    }
    out.end(marks);
  }
  out.number(M::kSuspectFieldNumber, mean.suspect);
  out.text(M::kRootFieldNumber, mean.root);
  if (mean.remaining_pg) out.always_zigzag(M::kRemainingFieldNumber, *mean.remaining_pg);
  out.end(record, kLengthBytes);
  return bytes;
}

std::string encode_signal(const core::Signal& signal, const Provenance& from) {
  v1::SignalRecord message;
  set_signal(signal, from, *message.mutable_signal());
  return message.SerializeAsString();
}

std::string encode_mean_tick(core::EventTime now, std::string_view upstream, int partition) {
  v1::MeanRecord message;
  set_tick(now, upstream, partition, *message.mutable_tick());
  return message.SerializeAsString();
}

std::string encode_signal_tick(core::EventTime now, std::string_view upstream, int partition) {
  v1::SignalRecord message;
  set_tick(now, upstream, partition, *message.mutable_tick());
  return message.SerializeAsString();
}

std::string encode_dead_letter(const DeadLetter& letter, std::size_t value_bytes_max) {
  v1::DeadLetter message;
  message.set_source_topic(letter.source_topic.data(), letter.source_topic.size());
  message.set_source_partition(letter.source_partition);
  message.set_source_offset(letter.source_offset);
  const std::string_view reason = core::name(letter.reason);
  message.set_reason(reason.data(), reason.size());
  message.set_detail(letter.detail.data(), letter.detail.size());
  message.set_readings(letter.readings);
  message.set_key(letter.key.data(), letter.key.size());
  const std::string_view value = letter.value.substr(0, value_bytes_max);
  message.set_value(value.data(), value.size());
  message.set_stage(letter.stage.data(), letter.stage.size());
  return message.SerializeAsString();
}

std::string encode_taken(const Taken& taken) {
  v1::SignalRecord message;
  v1::Taken& out = *message.mutable_taken();
  out.set_upstream(std::string(taken.upstream));
  out.set_partition(taken.partition);
  out.set_offset(taken.offset);
  out.set_after_tick(taken.after_tick);
  out.set_refused(std::string(taken.refused));
  return message.SerializeAsString();
}

}  // namespace qc::wire
