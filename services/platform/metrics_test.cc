#include "platform/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "platform/test_dir.h"

namespace qc::platform {
namespace {

using testing::HasSubstr;
using testing::Not;

double value_of(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
  }
  ADD_FAILURE() << name << " is not in the text";
  return -1;
}

TEST(Metrics, TheVersionIsALabelOfBuildInfo) {
  EXPECT_THAT(Metrics("1.2.3").text(), HasSubstr("\nqingchuan_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(Metrics, TheProcessMetricsAreThisProcesss) {
  const Metrics metrics("1");
  const std::string text = metrics.text();
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of(text, "process_virtual_memory_bytes"), value_of(text, "process_resident_memory_bytes"));
  EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of(text, "process_threads"), 1);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_GT(value_of(text, "process_start_time_seconds"), now - 86'400);
  EXPECT_LT(value_of(text, "process_start_time_seconds"), now + 60);
  EXPECT_GT(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
}

TEST(Metrics, AnOpenFileIsCounted) {
  const Metrics metrics("1");
  const double before = value_of(metrics.text(), "process_open_fds");
  const std::ifstream file("/dev/null");
  EXPECT_EQ(value_of(metrics.text(), "process_open_fds"), before + 1);
}

TEST(Metrics, WhatOthersRegisterIsShown) {
  Metrics metrics("1");
  auto& family = prometheus::BuildCounter().Name("qingchuan_test_total").Help("A test.").Register(metrics.registry());
  family.Add({{"outcome", "good"}}).Increment(3);
  EXPECT_THAT(metrics.text(), HasSubstr("# HELP qingchuan_test_total A test.\n"
                                        "# TYPE qingchuan_test_total counter\n"
                                        "qingchuan_test_total{outcome=\"good\"} 3\n"));
}

TEST(Metrics, PromtoolFindsNothingToSay) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool (prometheus) is missing";
  const TestDir dir;
  const std::string file = dir.write("metrics.txt", Metrics("1").text());
  const std::string command = "promtool check metrics < " + file + " > " + dir.path("out") + " 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream out(dir.path("out"));
  const std::string said((std::istreambuf_iterator<char>(out)), std::istreambuf_iterator<char>());
  EXPECT_EQ(status, 0);
  EXPECT_EQ(said, "");
}

class EndpointsTest : public testing::Test {
 protected:
  struct Page {
    int status = 0;
    std::string body;
    std::string content_type;
  };
  Page get(const std::string& path, const std::string& method = "GET") {
    Endpoints endpoints;
    endpoints.title = "qingchuan processor";
    endpoints.unready = [this] { return reasons_; };
    if (has_stations_) endpoints.stations = [] { return std::string("qingchuan_station_value 1\n"); };
    WebRequest request;
    request.method = method;
    request.path = path;
    const WebResponse answer = endpoint_answer(metrics_, endpoints, request);
    return {answer.status, answer.body == nullptr ? "" : *answer.body, answer.content_type};
  }

  const Metrics metrics_{"1"};
  std::vector<std::string> reasons_;
  bool has_stations_ = true;
};

TEST_F(EndpointsTest, MetricsAreTextExposition) {
  const Page response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("qingchuan_build_info"));
}

TEST_F(EndpointsTest, StationsAreWhatTheServiceGives) {
  EXPECT_EQ(get("/metrics/stations").body, "qingchuan_station_value 1\n");
  has_stations_ = false;
  EXPECT_EQ(get("/metrics/stations").status, 404);
  EXPECT_THAT(get("/").body, Not(HasSubstr("/metrics/stations")));
}

TEST_F(EndpointsTest, OnlyLookingIsAllowed) {
  EXPECT_EQ(get("/metrics", "HEAD").status, 200);
  EXPECT_EQ(get("/metrics", "POST").status, 405);
}

TEST_F(EndpointsTest, ReadinessTellsEveryReason) {
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/readyz").body, "ready\n");
  reasons_ = {"the clock departed", "partition 3 is being restored"};
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "the clock departed\npartition 3 is being restored\n");
  EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(EndpointsTest, TheIndexNamesEveryPageAndElsewhereIsNothing) {
  const std::string index = get("/").body;
  EXPECT_THAT(index, testing::StartsWith("qingchuan processor\n"));
  for (const char* page : {"/metrics", "/metrics/stations", "/livez", "/readyz"}) {
    EXPECT_THAT(index, HasSubstr(page));
    EXPECT_EQ(get(page).status, 200) << page;
  }
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/nothing").body, "there is nothing at /nothing; see /\n");
}

}  // namespace
}  // namespace qc::platform
