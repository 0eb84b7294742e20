#include "platform/config_alerts.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "platform/config.h"
#include "platform/config_secrets.h"
#include "platform/test_dir.h"

namespace qc::platform {
namespace {

class ConfigAlertsTest : public testing::Test {
 protected:
  Loaded loaded(const std::string& outs) const {
    dir_.write("rules.yaml", "");
    dir_.write(
        "qingchuan.yaml",
        "rules: [rules.yaml]\ntopics: [{name: readings, partitions: 4, cleanup: delete}]\nalerts:\n  out:\n" + outs);
    auto done = load_config(dir_.path(""));
    EXPECT_TRUE(done);
    return std::move(*done);
  }
  // The problems, without their path.
  std::string problems(const std::string& outs) const {
    std::string text;
    for (const Problem& p : loaded(outs).problems) text += p.str().substr(dir_.path("").size()) + "\n";
    return text;
  }

  const TestDir dir_;
};

TEST_F(ConfigAlertsTest, DefaultsDependOnTheShape) {
  const Loaded with = loaded(
      "    - {name: hall, shape: qingchuan, url: 'https://h/hook'}\n"
      "    - {name: chat, shape: wecom, url: 'env:URL'}\n"
      "    - {name: am, shape: alertmanager, url: 'http://h:9093', resend: 10s, per_minute: 6}\n");
  ASSERT_TRUE(with.problems.empty()) << with.report();
  const auto& out = with.system.alerts().out();
  ASSERT_EQ(out.size(), 3);
  EXPECT_EQ(out[0].batch_max(), 100);
  EXPECT_EQ(out[0].timeout(), 10'000);
  EXPECT_EQ(out[0].retry_min(), 500);
  EXPECT_EQ(out[0].retry_max(), 60'000);
  EXPECT_EQ(out[0].resend(), 60'000);
  EXPECT_EQ(out[0].per_minute(), 0);
  EXPECT_EQ(out[1].per_minute(), 20);
  EXPECT_EQ(out[2].per_minute(), 6);
  EXPECT_EQ(out[2].resend(), 10'000);
}

TEST_F(ConfigAlertsTest, ASecretInTheClearIsRefusedAndNeverRepeated) {
  for (const char* field : {"secret", "authorization"}) {
    EXPECT_EQ(problems("    - {name: hall, shape: qingchuan, url: 'http://h/', " + std::string(field) + ": hunter2}\n"),
              "qingchuan.yaml:5:56: `" + std::string(field) +
                  "` is a secret and must not stand here; write `file:PATH` or `env:NAME`\n");
  }
  for (const char* shape : {"wecom", "dingtalk"}) {
    const std::string found =
        problems("    - {name: chat, shape: " + std::string(shape) + ", url: 'https://h/send?key=hunter2'}\n");
    EXPECT_NE(found.find("holds its key and must not stand here"), std::string::npos) << found;
    EXPECT_EQ(found.find("hunter2"), std::string::npos);
  }
  const std::string broken = problems("    - {name: hall, shape: qingchuan, url: 'hunter2 no address'}\n");
  EXPECT_NE(broken.find("`url` is no address"), std::string::npos) << broken;
  EXPECT_EQ(broken.find("hunter2"), std::string::npos);
}

TEST_F(ConfigAlertsTest, WhatCannotGoTogetherIsTold) {
  EXPECT_EQ(problems("    - {name: hall, shape: qingchuan, url: 'http://h/', retry_min: 10s, retry_max: 5s}\n"),
            "qingchuan.yaml:5:72: `retry_max` is 5s; expected at least `retry_min`, 10s\n");
  EXPECT_EQ(problems("    - {name: Hall 1, shape: qingchuan, url: 'http://h/'}\n"),
            "qingchuan.yaml:5:8: `name` is `Hall 1`; expected at most 50 small letters, digits and dashes\n");
  EXPECT_EQ(problems("    - {name: chat, shape: wecom, url: 'env:URL', secret: 'env:KEY'}\n"),
            "qingchuan.yaml:5:50: `secret` means nothing for wecom; its key is in its address\n");
  EXPECT_NE(problems("    - {name: a, shape: qingchuan, url: 'http://h/'}\n"
                     "    - {name: a, shape: wecom, url: 'env:URL'}\n")
                .find("`a`"),
            std::string::npos);
}

TEST_F(ConfigAlertsTest, AValueMayStandInAFileOrInTheEnvironment) {
  dir_.write("secret", "s3cret\n");
  setenv("QC_TEST_SECRET", "from outside", 1);
  unsetenv("QC_TEST_NOTHING");
  EXPECT_EQ(*meant_value("x", "file:secret", dir_.path("")), "s3cret");
  EXPECT_EQ(*meant_value("x", "env:QC_TEST_SECRET", ""), "from outside");
  EXPECT_EQ(*meant_value("x", "http://h/", ""), "http://h/");
  EXPECT_EQ(meant_value("`secret` of hall", "env:QC_TEST_NOTHING", "").error().text,
            "`secret` of hall: there is no variable `QC_TEST_NOTHING` in the environment");
}

}  // namespace
}  // namespace qc::platform
