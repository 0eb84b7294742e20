// For tests of the console: records in a line, and a log in memory that holds the topics it reads.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "console/model.h"
#include "core/alert.h"
#include "core/testing.h"
#include "core/told_testing.h"
#include "stream/memory_log.h"
#include "wire/alert_codec.h"
#include "wire/codec.h"
#include "wire/keys.h"

namespace qc::console::fixture {

inline constexpr core::EventTime kBegan = core::event_time(1'790'000'000'000 / 3'600'000 * 3'600'000);
inline constexpr const char* kHash = "00000000000000a1";

// The first revision of `subject`'s alert is 1; level 0: it is over. S1..S3 lie in region C of P (core/testing.h).
inline core::ToldAlert told(const std::string& subject, std::int64_t revision, int level = 1,
                            const std::string& region = "C") {
  return core::fixture::told_alert(subject, revision, level, region, kBegan);
}

inline stream::NewRecord alert_record(const core::ToldAlert& t, const std::string& rules = kHash) {
  wire::AlertOrigin origin;
  origin.rules = rules;
  return {{kAlerts, 0}, wire::alert_key(t.alert.key), wire::encode_alert(t, origin), {}};
}

// An hour mean in ug/m3.
inline stream::NewRecord mean_record(const std::string& site, core::EventTime end, std::int64_t ug,
                                     std::int32_t revision = 1, core::Factor factor = core::Factor::PM25,
                                     const char* topic = kMeans) {
  core::Mean m;
  m.site = site;
  m.region = "C";
  m.root = "P";
  m.factor = factor;
  m.window = core::Window::H1;
  m.interval = {end - core::kHour, end};
  m.value = core::ug(ug);
  m.valid = true;
  m.sum_pg = m.value.pg * 60;
  m.count = m.expected = 60;
  m.min = m.max = m.value;
  m.status = revision == 1 ? core::Status::Closed : core::Status::Amended;
  m.revision = revision;
  m.source = core::Source::Minute;
  m.origin = {0, 1};
  return {{topic, 0}, wire::mean_key(site, factor, m.window, end), wire::encode_mean(m, {kHash, 0}), {}};
}

inline void set_up(stream::Log& log) {
  std::vector<stream::TopicSpec> topics;
  for (const char* name : {kAlerts, kMeans, kRegionMeans, kLedger, kOutcomes, kCommands, "users"}) {
    topics.push_back({name, 1, stream::Cleanup::Delete});
  }
  ASSERT_TRUE(log.create_topics(topics));
}

inline void append(stream::Log& log, const std::vector<stream::NewRecord>& records) {
  auto appender = log.appender();
  ASSERT_TRUE(appender);
  ASSERT_TRUE((*appender)->append(records));
}

// Gives records to a model as a reader would, counting the offsets of each partition.
class Giver {
 public:
  explicit Giver(Model& model) : model_(model) {}
  void give(const stream::NewRecord& r) { give_at(r, next_[r.to]++); }
  void give_at(const stream::NewRecord& r, stream::Offset offset) {
    stream::Record record;
    record.from = &r.to;
    record.offset = offset;
    record.key = r.key;
    record.tombstone = !r.value;
    if (r.value) record.value = *r.value;
    model_.apply(record);
  }

 private:
  Model& model_;
  std::map<stream::TopicPartition, stream::Offset> next_;
};

inline Slots slots() {
  return {{kAlerts, 0}, {kMeans, 0}, {kRegionMeans, 0}};
}

// By core's test rules, whatever the hash; those of another hash call S1 "改名".
inline RulesOf test_rules_of() {
  return [](const std::string& hash) -> Result<std::shared_ptr<const core::RuleSet>> {
    auto rules = std::make_shared<core::RuleSet>(*core::test_rules());
    rules->hash = hash;
    if (hash != kHash) rules->sites.at("S1").name = "改名";
    return rules;
  };
}
inline WordsOf plain_words() {
  return [](const std::shared_ptr<const core::RuleSet>&) { return wire::AlertWords{}; };
}
inline std::unique_ptr<Model> model(ModelOptions options = {}) {
  auto made = std::make_unique<Model>(options, slots(), test_rules_of(), plain_words());
  EXPECT_TRUE(made->use_rules(kHash));
  return made;
}

}  // namespace qc::console::fixture
