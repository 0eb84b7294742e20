#include "qingchuan/replay_tally.h"

#include <algorithm>

#include "alerts/records.h"
#include "processor/records.h"

namespace qc::commands {
namespace {

constexpr std::size_t kShownBytesMax = 2000;  // of a record; a dead letter may hold a whole packet

std::string place(std::string_view partition, stream::Offset at) {
  return std::string(partition) + " at " + std::to_string(at);
}

}  // namespace

bool ReplayFilter::holds(const About& a) const {
  if (!sites.empty() && std::find(sites.begin(), sites.end(), a.site) == sites.end()) return false;
  if (!region.empty() && region != a.region && region != a.root) return false;
  return from < a.end && a.end <= until;
}

bool ReplayTally::wanted(std::string_view topic, std::string_view key, std::string_view value) const {
  if (filter_.all()) return true;
  const auto a = about(topic, key, value);
  return a && filter_.holds(*a);
}

void ReplayTally::equal(ReplayCount& in, std::string_view topic, std::string_view key, std::string_view value) {
  if (wanted(topic, key, value)) ++in.equal;
}

void ReplayTally::show(Difference difference) {
  ++differences_;
  for (std::string* text : {&difference.fields, &difference.was, &difference.is}) {
    if (text->size() <= kShownBytesMax) continue;
    text->resize(kShownBytesMax);
    *text += " ...";
  }
  if (shown_.size() < shown_max_) shown_.push_back(std::move(difference));
}

void ReplayTally::differs(ReplayCount& in, const Maker& by, const stream::Record& published,
                          const stream::NewRecord& recomputed, stream::Offset at) {
  const std::string& topic = published.from->topic;
  const std::string_view is = value_of(recomputed);
  // Damage may have moved it out of the filter, or in.
  if (!wanted(topic, published.key, published.value) && !wanted(topic, recomputed.key, is)) return;
  ++in.different;
  std::string fields = field_differences(topic, published.value, is);
  if (published.key != recomputed.key) fields = "the key";
  if (fields.empty()) fields = published.value == is ? "the headers" : "the bytes";
  show({DifferenceKind::Differs, to_string(by), place(stream::to_string(*published.from), published.offset),
        place(to_string(by), at), std::move(fields), describe_record(topic, published.key, published.value),
        describe_record(topic, recomputed.key, is)});
}

void ReplayTally::missing(ReplayCount& in, const Maker& by, const stream::NewRecord& recomputed, stream::Offset at) {
  const std::string& topic = recomputed.to.topic;
  if (!wanted(topic, recomputed.key, value_of(recomputed))) return;
  ++in.different;
  show({DifferenceKind::Missing,
        to_string(by),
        {},
        place(to_string(by), at),
        {},
        {},
        describe_record(topic, recomputed.key, value_of(recomputed))});
}

void ReplayTally::unexpected(ReplayCount& in, const Maker& by, const stream::Record& published) {
  const std::string& topic = published.from->topic;
  if (!wanted(topic, published.key, published.value)) return;
  ++in.different;
  show({DifferenceKind::Unexpected,
        to_string(by),
        place(stream::to_string(*published.from), published.offset),
        {},
        {},
        describe_record(topic, published.key, published.value),
        {}});
}

void ReplayTally::unreadable(const stream::Record& published) {
  // Nobody can say that the filter leaves it out.
  show({DifferenceKind::Unreadable,
        {},
        place(stream::to_string(*published.from), published.offset),
        {},
        {},
        describe_record(published.from->topic, published.key, published.value),
        {}});
}

void ReplayTally::not_recomputed(ReplayCount& in, NotRecomputed why, std::string_view topic, std::string_view key,
                                 std::string_view value, std::int64_t records) {
  const auto a = about(topic, key, value);
  if (!filter_.all() && !(a && filter_.holds(*a))) return;
  in.not_recomputed += records;
  UnseenSeries series;
  series.why = why;
  series.topic = topic;
  if (a) {
    series.site = a->site;
    series.factor = a->factor;
    series.what = a->what;
  } else {
    series.what = topic == processor::kDeadLetters ? "dead letter" : topic == alerts::kAlerts ? "row ended" : "tick";
  }
  Unseen& unseen = unseen_[std::move(series)];
  unseen.records += records;
  if (!a) return;
  unseen.first = std::min(unseen.first, a->end);
  unseen.last = std::max(unseen.last, a->end);
}

std::int64_t ReplayTally::equals() const {
  std::int64_t sum = 0;
  for (const auto& [of, count] : counts_) sum += count.equal;
  return sum;
}

std::int64_t ReplayTally::all_not_recomputed() const {
  std::int64_t sum = 0;
  for (const auto& [of, count] : counts_) sum += count.not_recomputed;
  return sum;
}

}  // namespace qc::commands
