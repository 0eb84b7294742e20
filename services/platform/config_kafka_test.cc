#include "platform/config_kafka.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "platform/config.h"
#include "platform/test_dir.h"

namespace qc::platform {
namespace {

class ConfigKafkaTest : public testing::Test {
 protected:
  Loaded loaded(const std::string& kafka) const {
    dir_.write("rules.yaml", "");
    dir_.write("qingchuan.yaml",
               "rules: [rules.yaml]\ntopics: [{name: readings, partitions: 4, cleanup: delete}]\n" + kafka);
    auto done = load_config(dir_.path(""));
    EXPECT_TRUE(done);
    return std::move(*done);
  }
  // The problems, without their path.
  std::string problems(const std::string& kafka) const {
    std::string text;
    for (const Problem& p : loaded(kafka).problems) text += p.str().substr(dir_.path("").size()) + "\n";
    return text;
  }

  const TestDir dir_;
};

TEST_F(ConfigKafkaTest, WithoutTheBlockThereAreDefaultsAndNoBrokers) {
  const Loaded without = loaded("");
  EXPECT_TRUE(without.problems.empty()) << without.report();
  const auto& kafka = without.system.kafka();
  EXPECT_EQ(kafka.brokers(), "");
  EXPECT_EQ(kafka.replication(), 0);
  EXPECT_EQ(kafka.session_timeout(), 6'000);
  EXPECT_EQ(kafka.transaction_timeout(), 10'000);
  EXPECT_EQ(kafka.request_timeout(), 10'000);
  EXPECT_EQ(kafka.max_poll_interval(), 300'000);
  EXPECT_TRUE(kafka.settings().empty());
}

TEST_F(ConfigKafkaTest, SettingsAreAPlainMapAndKeepTheirPlace) {
  const Loaded with =
      loaded("kafka:\n  brokers: a:9092,[::1]:9093\n  settings:\n    linger.ms: 5\n    client.rack: b\n");
  ASSERT_TRUE(with.problems.empty()) << with.report();
  const auto& settings = with.system.kafka().settings();
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings.at("linger.ms"), "5");
  EXPECT_EQ(settings.at("client.rack"), "b");
  EXPECT_EQ(with.kafka_settings.at("linger.ms").line, 6);
  EXPECT_EQ(with.kafka_settings.at("client.rack").line, 7);
}

TEST_F(ConfigKafkaTest, AMapThatIsNoneIsTold) {
  EXPECT_EQ(problems("kafka: {settings: [a, b]}\n"),
            "qingchuan.yaml:3:19: `settings` must be a mapping (name: value), not a list\n");
  EXPECT_EQ(problems("kafka: {settings: a}\n"),
            "qingchuan.yaml:3:19: `settings` must be a mapping (name: value), not a single value\n");
  EXPECT_EQ(problems("kafka:\n  settings: {a: 1, a: 2}\n"),
            "qingchuan.yaml:4:20: `a` is already given at " + dir_.path("qingchuan.yaml") + ":4:14\n");
  EXPECT_EQ(problems("kafka:\n  settings: {a: , b: [1], c: {d: 1}}\n"),
            "qingchuan.yaml:4:14: `a` has no value\nqingchuan.yaml:4:19: `b` must be a single value\n"
            "qingchuan.yaml:4:27: `c` must be a single value\n");
}

TEST_F(ConfigKafkaTest, ASecretInTheClearIsRefusedAndNeverRepeated) {
  for (const char* name : {"sasl.password", "ssl.key.password", "SSL.KEYSTORE.PASSWORD",
                           "sasl.oauthbearer.client.secret", "ssl.key.pem", "sasl.oauthbearer.config"}) {
    const std::string found = problems("kafka:\n  settings:\n    " + std::string(name) + ": hunter2\n");
    EXPECT_EQ(found, "qingchuan.yaml:5:5: `" + std::string(name) +
                         "` is a secret and must not stand here; write `file:PATH` or `env:NAME`\n");
    // Nor where it is broken.
    const std::string broken = problems("kafka:\n  settings:\n    " + std::string(name) + ": [hunter2]\n");
    EXPECT_EQ(broken.find("hunter2"), std::string::npos) << broken;
  }
  EXPECT_EQ(problems("kafka:\n  settings: {sasl.password: 'env:X', ssl.key.password: 'file:/x', sasl.username: me}\n"),
            "");
}

TEST_F(ConfigKafkaTest, NamesAndBrokersAreThoseThatKafkaTakes) {
  EXPECT_EQ(problems("kafka: {prefix: qc.a_b-1., instance: host-0}\n"), "");
  EXPECT_EQ(problems("kafka: {prefix: 'a b'}\n"),
            "qingchuan.yaml:3:9: `prefix` is `a b`; expected at most 100 letters, "
            "digits, dots, dashes and underscores\n");
  EXPECT_FALSE(broker_list_problem("localhost:9092"));
  for (const char* wrong :
       {"", "localhost", "a:1,", ":9092", "a:0", "a:65536", "a:9o92", "a:1, b:2", "PLAINTEXT://a:1"}) {
    EXPECT_TRUE(broker_list_problem(wrong)) << wrong;
  }
  EXPECT_NE(problems("kafka: {brokers: localhost}\n").find("qingchuan.yaml:3:9: brokers are written as"),
            std::string::npos);
}

TEST_F(ConfigKafkaTest, TimesThatCannotGoTogetherAreTold) {
  EXPECT_EQ(problems("kafka: {request_timeout: 20s}\n"),
            "qingchuan.yaml:3:9: `request_timeout` is 20s; expected at most `transaction_timeout`, 10s\n");
  EXPECT_EQ(problems("kafka: {max_poll_interval: 5s}\n"),
            "qingchuan.yaml:3:9: `max_poll_interval` is 5s; expected at least `session_timeout`, 6s\n");
  EXPECT_EQ(problems("kafka: {request_timeout: 20s, transaction_timeout: 20s}\n"), "");
}

TEST_F(ConfigKafkaTest, SettingsComeFromFilesAndFromTheEnvironment) {
  dir_.write("secrets/password", "from a file\r\n\n");
  setenv("QC_TEST_SECRET", "from outside\n", 1);
  ::qingchuan::v1::Kafka kafka;
  (*kafka.mutable_settings())["b.relative"] = "file:secrets/password";
  (*kafka.mutable_settings())["c.absolute"] = "file:" + dir_.path("secrets/password");
  (*kafka.mutable_settings())["d.env"] = "env:QC_TEST_SECRET";
  (*kafka.mutable_settings())["a.plain"] = "files:x\n";
  const auto all = kafka_settings(kafka, dir_.path(""));
  ASSERT_TRUE(all) << describe(all.error());
  EXPECT_EQ(*all, (std::vector<std::pair<std::string, std::string>>{{"a.plain", "files:x\n"},
                                                                    {"b.relative", "from a file"},
                                                                    {"c.absolute", "from a file"},
                                                                    {"d.env", "from outside"}}));
}

TEST_F(ConfigKafkaTest, AFileOrVariableThatIsNotThereIsTold) {
  unsetenv("QC_TEST_NOTHING");
  const auto file = kafka_setting("sasl.password", "file:nothing", dir_.path(""));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::config_invalid);
  EXPECT_NE(file.error().text.find("`sasl.password`"), std::string::npos);
  EXPECT_NE(file.error().text.find("nothing"), std::string::npos);
  EXPECT_FALSE(kafka_setting("sasl.password", "file:" + dir_.path(""), ""));  // a directory
  const auto variable = kafka_setting("sasl.password", "env:QC_TEST_NOTHING", "");
  ASSERT_FALSE(variable);
  EXPECT_NE(variable.error().text.find("`QC_TEST_NOTHING`"), std::string::npos);
}

TEST_F(ConfigKafkaTest, AFileOfEndlessSizeIsRefused) {
  dir_.write("large", std::string((64U << 10) + 1, 'x'));
  dir_.write("largest", std::string(64U << 10, 'x'));
  EXPECT_FALSE(kafka_setting("ssl.ca.pem", "file:large", dir_.path("")));
  EXPECT_FALSE(kafka_setting("ssl.ca.pem", "file:/dev/zero", dir_.path("")));
  const auto fits = kafka_setting("ssl.ca.pem", "file:largest", dir_.path(""));
  ASSERT_TRUE(fits);
  EXPECT_EQ(fits->size(), 64U << 10);
}

}  // namespace
}  // namespace qc::platform
