// Core values to the bytes of records. The messages have no maps, so protobuf's serialisation is deterministic: fields
// in the order of their numbers.
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/codec.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

void set_origin(const core::Origin& origin, const Provenance& from, v1::Origin& out) {
  out.set_rules(from.rules.data(), from.rules.size());
  out.set_partition(from.partition);
  out.set_first_offset(origin.first_offset);
  out.set_offset(origin.offset);
}

void set_tick(core::EventTime now, std::string_view upstream, int partition, v1::Tick& out) {
  out.set_now_ms(core::ms(now));
  out.set_upstream(upstream.data(), upstream.size());
  out.set_partition(partition);
}

void add_marks(core::Marks marks, google::protobuf::RepeatedField<int>& out) {
  for (std::size_t n = 1; n < core::kMarks; ++n) {
    if (marks.has(static_cast<core::Mark>(n))) out.Add(static_cast<int>(n));
  }
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

std::string encode_mean(const core::Mean& mean, const Provenance& from) {
  v1::MeanRecord message;
  v1::Mean& out = *message.mutable_mean();
  out.set_site(mean.site);
  out.set_factor(static_cast<v1::Factor>(mean.factor));
  out.set_window(static_cast<v1::Window>(mean.window));
  out.set_start_ms(core::ms(mean.interval.start));
  out.set_end_ms(core::ms(mean.interval.end));
  out.set_value(mean.value.pg);
  out.set_valid(mean.valid);
  out.set_sum(mean.sum_pg);
  out.set_count(mean.count);
  out.set_expected(mean.expected);
  out.set_min(mean.min.pg);
  out.set_max(mean.max.pg);
  out.set_status(static_cast<v1::Status>(mean.status));
  out.set_revision(mean.revision);
  out.set_reason(mean.reason);
  out.set_source(static_cast<v1::Source>(mean.source));
  out.set_audited(mean.audited);
  out.set_region(mean.region);
  for (const core::Factor f : mean.primary) out.add_primary(static_cast<v1::Factor>(f));
  for (const core::SubIndex& s : mean.sub_indices) {
    v1::SubIndex& item = *out.add_sub_indices();
    item.set_factor(static_cast<v1::Factor>(s.factor));
    item.set_iaqi(s.iaqi);
  }
  out.set_clause(mean.clause.data(), mean.clause.size());
  set_origin(mean.origin, from, *out.mutable_origin());
  if (mean.limit) out.set_limit(mean.limit->pg);
  out.set_exceeds(mean.exceeds);
  out.set_multiple(mean.multiple);
  out.set_percentile(mean.percentile);
  out.set_percentile_value(mean.percentile_value.pg);
  add_marks(mean.marks, *out.mutable_marks());
  out.set_suspect(mean.suspect);
  out.set_root(mean.root);
  return message.SerializeAsString();
}

std::string encode_signal(const core::Signal& signal, const Provenance& from) {
  v1::SignalRecord message;
  v1::Signal& out = *message.mutable_signal();
  out.set_id(signal.id);
  out.set_revision(signal.revision);
  out.set_rule(signal.rule);
  out.set_subject(signal.subject);
  out.set_factor(static_cast<v1::Factor>(signal.factor));
  out.set_window(static_cast<v1::Window>(signal.window));
  out.set_level(signal.level);
  out.set_state(static_cast<v1::SignalState>(signal.state));
  out.set_at_ms(core::ms(signal.at));
  out.set_began_ms(core::ms(signal.began));
  out.set_value(signal.value.pg);
  out.set_limit(signal.limit.pg);
  out.set_clause(signal.clause);
  out.set_reason(signal.reason);
  out.set_region(signal.region);
  out.set_root(signal.root);
  out.set_window_start_ms(core::ms(signal.interval.start));
  out.set_window_end_ms(core::ms(signal.interval.end));
  out.set_count(signal.count);
  out.set_expected(signal.expected);
  set_origin(signal.origin, from, *out.mutable_origin());
  out.set_unit(static_cast<v1::Unit>(signal.unit));
  add_marks(signal.marks, *out.mutable_marks());
  for (const core::Evidence& e : signal.evidence) {
    v1::Evidence& item = *out.add_evidence();
    item.set_subject(e.subject);
    item.set_value(e.value.pg);
  }
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

}  // namespace qc::wire
