#include "qingchuan/place.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "qingchuan/open_log.h"

namespace qc::commands {
namespace {

::qingchuan::v1::System with_brokers(const std::string& brokers) {
  ::qingchuan::v1::System system;
  system.mutable_kafka()->set_brokers(brokers);
  return system;
}

TEST(Place, TheCommandLineBeatsTheConfigurationAndThatTheDefault) {
  const auto configured = with_brokers("configured:1");
  EXPECT_EQ(address_of({.kafka = "here:2", .data_default = "d"}, configured)->brokers, "here:2");
  const auto directory = address_of({.data = "here", .data_default = "d"}, configured);
  EXPECT_EQ(directory->directory, "here");
  EXPECT_EQ(directory->brokers, "");
  EXPECT_EQ(address_of({.data_default = "d"}, configured)->brokers, "configured:1");
  EXPECT_EQ(address_of({.data_default = "d"}, {})->directory, "d");
}

TEST(Place, NowhereTwoPlacesAndWhatIsNoBrokerAreWrongOptions) {
  for (const Place& wrong :
       {Place{}, Place{.data = "d", .kafka = "k:1"}, Place{.kafka = "k"}, Place{.kafka = "k:1,"}}) {
    const auto address = address_of(wrong, {});
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, Errc::usage);
  }
}

TEST(Place, TheBlockBecomesTheLogsOptions) {
  platform::Loaded config;
  platform::apply_system_defaults(config.system);
  auto options = kafka_options(config, "k:1", false);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->brokers, "k:1");
  EXPECT_EQ(options->replication, -1);
  EXPECT_EQ(options->session_timeout.count(), 6000);
  EXPECT_EQ(options->record_bytes_max, 1U << 20);

  auto& kafka = *config.system.mutable_kafka();
  kafka.set_prefix("p.");
  kafka.set_instance("mine");
  kafka.set_replication(3);
  kafka.set_transaction_timeout(20'000);
  (*kafka.mutable_settings())["linger.ms"] = "7";
  options = kafka_options(config, "k:1", true);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->prefix, "p.");
  EXPECT_EQ(options->instance, "mine");
  EXPECT_EQ(options->replication, 3);
  EXPECT_EQ(options->transaction_timeout.count(), 20'000);
  EXPECT_EQ(options->settings, (std::vector<std::pair<std::string, std::string>>{{"linger.ms", "7"}}));
}

TEST(Place, WithoutAConfiguredInstanceEachProcessThatJoinsTakesOne) {
  platform::Loaded config;
  platform::apply_system_defaults(config.system);
  config.system.mutable_kafka()->set_prefix("place-test.");
  const auto one = kafka_options(config, "k:1", true);
  const auto other = kafka_options(config, "k:1", true);
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->instance, other->instance);
  EXPECT_NE(one->instance, "");
}

TEST(Place, WhatIsWrongWithSettingsIsToldWithItsPlaceAndWithoutItsValue) {
  platform::Loaded config;
  auto& settings = *config.system.mutable_kafka()->mutable_settings();
  int line = 10;
  for (const auto& [name, value] :
       {std::pair{"linger.mss", "1"}, std::pair{"linger.ms", "hunter2"}, std::pair{"group.id", "x"},
        std::pair{"sasl.password", "env:QC_TEST_NOT_THERE"}, std::pair{"client.rack", "fine"}}) {
    settings[name] = value;
    config.kafka_settings.emplace(name, platform::Place{"q.yaml", line++, 5});
  }
  const auto problems = kafka_problems(config);
  ASSERT_EQ(problems.size(), 4U);
  EXPECT_TRUE(problems[0].starts_with("q.yaml:12:5: ") && problems[0].find("`group.id`") != std::string::npos);
  EXPECT_TRUE(problems[1].starts_with("q.yaml:11:5: ") && problems[1].find("`linger.ms`") != std::string::npos);
  EXPECT_TRUE(problems[2].starts_with("q.yaml:10:5: ") && problems[2].find("`linger.mss`") != std::string::npos);
  EXPECT_TRUE(problems[3].starts_with("q.yaml:13:5: ") && problems[3].find("QC_TEST_NOT_THERE") != std::string::npos);
  for (const std::string& problem : problems) EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
}

TEST(Place, StateTopicsAreAmongTheTopicsAlsoWhereTheyAreNotConfigured) {
  ::qingchuan::v1::System system;
  auto* readings = system.add_topics();
  readings->set_name("readings");
  readings->set_partitions(6);
  readings->set_cleanup(::qingchuan::v1::DELETE);
  auto topics = topics_of(system);
  ASSERT_EQ(topics.size(), 2U);
  EXPECT_EQ(topics[1].name, "processor-state");
  EXPECT_EQ(topics[1].partitions, 6);
  EXPECT_EQ(topics[1].cleanup, stream::Cleanup::Compact);

  auto* state = system.add_topics();
  state->set_name("processor-state");
  state->set_partitions(6);
  state->set_cleanup(::qingchuan::v1::COMPACT);
  state->set_compaction_lag(5);
  topics = topics_of(system);
  ASSERT_EQ(topics.size(), 2U);
  EXPECT_EQ(topics[1].compaction_lag.count(), 5);
}

TEST(Place, EventsAreInAsManyPartitionsAsMeansWhereTheyAreNotConfigured) {
  ::qingchuan::v1::System system;
  auto* means = system.add_topics();
  means->set_name("means");
  means->set_partitions(3);
  const auto find = [](const std::vector<stream::TopicSpec>& in) {
    return std::find_if(in.begin(), in.end(), [](const stream::TopicSpec& t) { return t.name == "events"; });
  };
  auto topics = topics_of(system);
  auto events = find(topics);
  ASSERT_NE(events, topics.end());
  EXPECT_EQ(events->partitions, 3);
  EXPECT_EQ(events->cleanup, stream::Cleanup::Delete);

  auto* configured = system.add_topics();
  configured->set_name("events");
  configured->set_partitions(3);
  configured->set_retention(7);
  topics = topics_of(system);
  events = find(topics);
  ASSERT_NE(events, topics.end());
  EXPECT_EQ(events->retention.count(), 7);
}

}  // namespace
}  // namespace qc::commands
