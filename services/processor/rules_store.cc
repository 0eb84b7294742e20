#include "processor/rules_store.h"

#include <algorithm>
#include <array>
#include <vector>

#include "stream/read_range.h"
#include "wire/keys.h"
#include "wire/rules.h"

namespace qc::processor {
namespace {

constexpr const char* kTimelineKey = "@timeline";
constexpr const char* kPlayedKey = "@played";
const stream::TopicPartition kPartition{kRulesTopic, 0};

}  // namespace

Result<void> RulesStore::refresh() {
  const auto range = log_.range(kPartition);
  if (!range) return tl::make_unexpected(range.error());
  const std::array unread = {stream::Stretch{kPartition, read_to_, range->end}};
  Result<void> parsed;
  auto read = stream::read_range(log_, unread, [&](const stream::Record& r) {
    read_to_ = r.offset + 1;  // here, too: what is malformed is not read again
    if (r.tombstone) return true;
    if (r.key == kTimelineKey) {
      timeline_ = r.value == "wall" ? core::Timeline::Wall : core::Timeline::Fed;
      return true;
    }
    if (r.key == kPlayedKey) {
      played_ = r.value;
      return true;
    }
    auto rules = wire::parse_rules(r.value);
    if (!rules) {
      parsed = tl::make_unexpected(rules.error());
      return false;
    }
    std::string hash = rules->hash;
    known_[std::move(hash)] = std::make_shared<const core::RuleSet>(std::move(*rules));
    return true;
  });
  if (!read) return read;
  // Behind the last record there may be gaps, which need no reader the next time.
  if (parsed) read_to_ = std::max(read_to_, range->end);
  return parsed;
}

Result<std::shared_ptr<const core::RuleSet>> RulesStore::get(const std::string& hash) {
  const std::lock_guard lock(mutex_);
  auto it = known_.find(hash);
  if (it == known_.end()) {
    if (auto read = refresh(); !read) return tl::make_unexpected(read.error());
    it = known_.find(hash);
  }
  if (it == known_.end())
    return fail(Errc::rules_missing, "the log names the rule set " + hash + ", which it does not hold");
  return it->second;
}

Result<std::string> RulesStore::put(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  std::string hash = wire::rules_hash(bytes);
  if (auto read = refresh(); !read) return tl::make_unexpected(read.error());
  if (known_.contains(hash)) return hash;
  auto appender = log_.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  const std::array record = {stream::NewRecord{kPartition, wire::rules_key(hash), bytes, {}}};
  if (auto done = (*appender)->append(record); !done) return tl::make_unexpected(done.error());
  return hash;
}

Result<core::Timeline> RulesStore::timeline() {
  const std::lock_guard lock(mutex_);
  if (timeline_ == core::Timeline::None) {
    if (auto read = refresh(); !read) return tl::make_unexpected(read.error());
  }
  return timeline_;
}

Result<std::string> RulesStore::played() {
  const std::lock_guard lock(mutex_);
  if (auto read = refresh(); !read) return tl::make_unexpected(read.error());
  return played_;
}

Result<void> RulesStore::put_timeline(core::Timeline timeline, const std::string& played) {
  auto appender = log_.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  std::vector<stream::NewRecord> records;
  // First what is played: a log whose kind of time is known says that, too.
  if (!played.empty()) records.push_back({kPartition, kPlayedKey, played, {}});
  records.push_back({kPartition, kTimelineKey, std::string(core::name(timeline)), {}});
  return (*appender)->append(records);
}

}  // namespace qc::processor
