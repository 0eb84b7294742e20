// One way out over the log in memory, with a real receiver that is good, bad or away.
#include "alerts/out_outlet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <map>
#include <thread>

#include "alerts/out.h"
#include "alerts/out_testing.h"
#include "platform/hmac.h"
#include "platform/http_peer_testing.h"
#include "qingchuan/v1/output.pb.h"
#include "stream/read_range.h"

namespace qc::alerts {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using fixture::append;
using fixture::record;
using fixture::told;
using platform::HttpPeer;
using platform::PeerConnection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kDeadline = 20s;

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Answers each request with the next of its answers (then 200), and keeps what it took with 200.
class Receiver {
 public:
  // "": hangs up without a word.
  explicit Receiver(std::deque<std::string> answers = {})
      : answers_(std::move(answers)), peer_([this](auto& c) {
          for (std::string request = c.read_request(); !request.empty(); request = c.read_request()) {
            if (!serve(c, request)) return;
          }
        }) {}

  std::string url() const { return peer_.url(); }
  // Of a body's items, in the order of their arrival.
  std::vector<std::string> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // As 400 to whatever names it.
  void refuse(const std::string& text) {
    const std::lock_guard lock(mutex_);
    refused_ = text;
  }

 private:
  bool serve(PeerConnection& c, const std::string& request) {
    std::string answer = "200 OK";
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (!refused_.empty() && request.find(refused_) != std::string::npos) {
        answer = "400 Bad Request";
      } else if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
      if (answer == "200 OK") take(request.substr(request.find("\r\n\r\n") + 4));
    }
    if (answer.empty()) return false;
    c.answer(answer.substr(0, answer.find('|')),
             answer.find('|') == std::string::npos ? R"({"errcode":0})" : answer.substr(answer.find('|') + 1));
    return true;
  }
  void take(const std::string& body) {
    json::error_code error;
    const json::value value = json::parse(body, error);
    const json::value* items = error || !value.is_object() ? nullptr : value.as_object().if_contains("items");
    if (items == nullptr) return;
    for (const json::value& item : items->as_array()) taken_.emplace_back(item.at("id").as_string());
  }

  mutable std::mutex mutex_;
  std::deque<std::string> answers_;
  std::string refused_;
  std::vector<std::string> taken_;
  std::vector<std::string> requests_;
  HttpPeer peer_;
};

class OutletTest : public testing::Test {
 protected:
  void SetUp() override { fixture::set_up(log_); }
  void TearDown() override { stop(); }

  OutletOptions options(const std::string& url) const {
    OutletOptions o;
    o.name = "hall";
    o.http.url = url;
    o.http.timeout = 5s;
    o.retry_min = 1ms;
    o.retry_max = 4ms;
    return o;
  }
  void start(OutletOptions o) {
    registry_ = std::make_unique<prometheus::Registry>();
    auto made = Outlet::create(log_, std::move(o), words_, rules_, *registry_);
    ASSERT_TRUE(made) << made.error().text;
    outlet_ = std::move(*made);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      const auto done = outlet_->run(stop);
      EXPECT_TRUE(done) << done.error().text;
    });
  }
  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
    outlet_.reset();
  }
  stream::Offset committed() const { return log_.committed("out-hall", {"alerts", 0}).value_or(0); }
  bool begun() const {  // a robot has its place
    return eventually([this] { return log_.committed("out-hall", {"alerts", 0}).has_value(); });
  }
  double counted(const std::string& name) const {
    for (const auto& family : registry_->Collect()) {
      if (family.name == name) return family.metric.at(0).counter.value + family.metric.at(0).gauge.value;
    }
    return -1;
  }
  std::vector<::qingchuan::v1::DeadLetter> letters() {
    std::vector<::qingchuan::v1::DeadLetter> all;
    const auto whole = stream::whole_topic(log_, "dead-letters");
    EXPECT_TRUE(stream::read_range(log_, *whole, [&](const stream::Record& r) {
      EXPECT_TRUE(all.emplace_back().ParseFromArray(r.value.data(), static_cast<int>(r.value.size())));
      return true;
    }));
    return all;
  }

  stream::MemoryLog log_;
  const wire::AlertWords words_{};
  const RulesOf rules_{};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Outlet> outlet_;
  std::jthread thread_;
};

TEST_F(OutletTest, SendsEveryRevisionInOrderAndCommitsAfterwards) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1)), record(told("S2", 1)), record(told("S1", 2, 0))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 3; }));
  append(log_, {record(told("S2", 2, 0))});
  ASSERT_TRUE(eventually([&] { return committed() == 4; }));
  EXPECT_THAT(receiver.taken(),
              ElementsAre("aqi_level/S1/AQI#1", "aqi_level/S2/AQI#1", "aqi_level/S1/AQI#2", "aqi_level/S2/AQI#2"));
  EXPECT_EQ(counted("qingchuan_alerts_out_delivered_total"), 4);
  EXPECT_FALSE(outlet_->unready());
  // One that begins again goes on where the other stopped.
  stop();
  append(log_, {record(told("S3", 1))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 5; }));
  EXPECT_EQ(receiver.taken().size(), 5U);
}

TEST_F(OutletTest, TriesAgainWhateverWentWrongAndSkipsNothing) {
  const Receiver receiver({"500 No", "", "429 Slow", "503 Busy", "302 There", "404 Where", "401 Who", "408 Late",
                           "199 What", "200 OK", "", "500 No"});
  append(log_, {record(told("S1", 1))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  append(log_, {record(told("S1", 2)), record(told("S1", 3, 0))});
  ASSERT_TRUE(eventually([&] { return committed() == 3; }));
  EXPECT_THAT(receiver.taken(), ElementsAre("aqi_level/S1/AQI#1", "aqi_level/S1/AQI#2", "aqi_level/S1/AQI#3"));
  EXPECT_GE(counted("qingchuan_alerts_out_failed_posts_total"), 9);
  EXPECT_EQ(counted("qingchuan_alerts_out_refused_total"), 0);
  EXPECT_TRUE(letters().empty());
}

TEST_F(OutletTest, WhatIsRefusedForGoodIsFoundAmongOthersAndBecomesADeadLetter) {
  Receiver receiver;
  receiver.refuse("S2/AQI#1");
  append(log_, {record(told("S1", 1)), record(told("S2", 1)), record(told("S3", 1)), record(told("S2", 2, 0))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 4; }));
  EXPECT_THAT(receiver.taken(), ElementsAre("aqi_level/S1/AQI#1", "aqi_level/S3/AQI#1", "aqi_level/S2/AQI#2"));
  EXPECT_EQ(counted("qingchuan_alerts_out_refused_total"), 1);
  const auto letters = this->letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].source_topic(), "alerts");
  EXPECT_EQ(letters[0].source_offset(), 1);
  EXPECT_EQ(letters[0].stage(), "out-hall");
  EXPECT_EQ(letters[0].detail(), "HTTP status 400");
  EXPECT_EQ(letters[0].value(), wire::encode_alert(told("S2", 1), {}));
}

TEST_F(OutletTest, ARecordThatNobodyCanReadIsADeadLetterAndATombstoneIsNothing) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1)),
                {{"alerts", 0}, "k", "\xff garbage", {}},
                {{"alerts", 0}, "k", std::nullopt, {}},
                record(told("S1", 2, 0))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 4; }));
  EXPECT_THAT(receiver.taken(), ElementsAre("aqi_level/S1/AQI#1", "aqi_level/S1/AQI#2"));
  ASSERT_EQ(letters().size(), 1U);
  EXPECT_EQ(letters()[0].source_offset(), 1);
}

TEST_F(OutletTest, ABatchIsCutAtItsLimits) {
  const Receiver receiver;
  std::vector<stream::NewRecord> records;
  for (int i = 0; i < 25; ++i) records.push_back(record(told("S" + std::to_string(i), 1)));
  append(log_, records);
  OutletOptions o = options(receiver.url());
  o.batch_max = 10;
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 25; }));
  EXPECT_EQ(receiver.requests().size(), 3U);
  stop();
  append(log_, {record(told("T", 1)), record(told("T", 2))});
  o.body_bytes_max = 10;  // even so one goes
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 27; }));
  EXPECT_EQ(receiver.requests().size(), 5U);
}

TEST_F(OutletTest, APostSaysWhichItIsAndIsSigned) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1)), record(told("S1", 2, 0))});
  OutletOptions o = options(receiver.url());
  o.secret = platform::Secret("s3cret");
  o.authorization = platform::Secret("Bearer t0ken");
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 2; }));
  const std::string request = receiver.requests().at(0);
  const auto header = [&](const std::string& name) {
    const std::size_t at = request.find(name + ": ") + name.size() + 2;
    return request.substr(at, request.find("\r\n", at) - at);
  };
  EXPECT_EQ(header("X-Qingchuan-Id"), "hall/alerts-0/0-1");
  EXPECT_EQ(header("Authorization"), "Bearer t0ken");
  const std::string body = request.substr(request.find("\r\n\r\n") + 4);
  EXPECT_EQ(header("X-Qingchuan-Signature"),
            "sha256=" + platform::hex(platform::hmac_sha256("s3cret", header("X-Qingchuan-Timestamp") + "." + body)));
}

TEST_F(OutletTest, ARobotBeginsWithWhatComesAndGoesOnWhereItStopped) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1))});
  OutletOptions o = options(receiver.url());
  o.shape = OutShape::Wecom;
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  append(log_, {record(told("S2", 1))});
  ASSERT_TRUE(eventually([&] { return committed() == 2; }));
  stop();
  append(log_, {record(told("S3", 1))});
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 3; }));
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(requests[0], HasSubstr("▲ S2 AQI"));
  EXPECT_THAT(requests[1], HasSubstr("▲ S3 AQI"));
}

TEST_F(OutletTest, ADingtalkRobotGetsItsSignatureInTheAddressAndRefusalsAreHeeded) {
  const Receiver receiver({R"(200 OK|{"errcode":310000,"errmsg":"sign not match"})", "200 OK|<html>"});
  OutletOptions o = options(receiver.url() + "?access_token=t");
  o.shape = OutShape::Dingtalk;
  o.secret = platform::Secret("s3cret");
  start(o);
  ASSERT_TRUE(begun());
  append(log_, {record(told("S1", 1))});
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_THAT(requests[0], StartsWith("POST /hook?access_token=t&timestamp="));
  EXPECT_THAT(requests[0], HasSubstr("&sign="));
  EXPECT_THAT(requests[0], testing::Not(HasSubstr("s3cret")));
  EXPECT_THAT(requests[0], HasSubstr("晴川告警 1 条"));
  EXPECT_TRUE(letters().empty());
}

TEST_F(OutletTest, WhatARobotRefusesForLongIsGivenUp) {
  std::deque<std::string> refusals(1000, R"(200 OK|{"errcode":40058,"errmsg":"bad"})");
  const Receiver receiver(refusals);
  OutletOptions o = options(receiver.url());
  o.shape = OutShape::Wecom;
  o.robot_patience = 10ms;
  start(o);
  ASSERT_TRUE(begun());
  append(log_, {record(told("S1", 1))});
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  EXPECT_GE(receiver.requests().size(), 2U);
  ASSERT_EQ(letters().size(), 1U);
  EXPECT_EQ(letters()[0].detail(), "errcode 40058: bad");
}

TEST_F(OutletTest, WhatNeedsNoSayingIsPassedWithoutAPost) {
  const Receiver receiver;
  OutletOptions o = options(receiver.url());
  o.shape = OutShape::Wecom;
  start(o);
  ASSERT_TRUE(begun());
  append(log_, {record(told("S1", 2))});  // asks for no attention
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  EXPECT_TRUE(receiver.requests().empty());
}

TEST_F(OutletTest, ADeadReceiverHoldsUpNeitherTheStopNorReadiness) {
  std::string url;
  {
    url = HttpPeer([](PeerConnection&) {}).url();
  }
  append(log_, {record(told("S1", 1))});
  OutletOptions o = options(url);
  o.retry_min = o.retry_max = 60s;
  start(o);
  ASSERT_TRUE(eventually([&] { return counted("qingchuan_alerts_out_failed_posts_total") >= 1; }));
  EXPECT_FALSE(outlet_->unready());
  const auto before = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_EQ(committed(), 0);
}

TEST_F(OutletTest, TroublesOfTheLogAreWaitedOutAndNothingIsLost) {
  const Receiver receiver;
  using Fault = stream::MemoryLog::CommitFault;
  log_.fail_commits(Fault::Abortable, 2);
  append(log_, {record(told("S1", 1))});
  start(options(receiver.url()));
  ASSERT_TRUE(eventually([&] { return committed() == 1; }));
  for (const Fault fault : {Fault::Full, Fault::Unavailable, Fault::Unknown}) {
    const auto before = committed();
    log_.fail_commits(fault, 1);
    append(log_, {record(told("S1", 2 + before))});
    ASSERT_TRUE(eventually([&] { return committed() == before + 1; }));
  }
  log_.fence("out-hall", "out-hall-0");
  append(log_, {record(told("S1", 9, 0))});
  ASSERT_TRUE(eventually([&] { return committed() == 5; }));
  // By id each is there, in order.
  std::vector<std::string> once;
  for (const std::string& id : receiver.taken()) {
    if (std::find(once.begin(), once.end(), id) == once.end()) once.push_back(id);
  }
  EXPECT_THAT(once, ElementsAre("aqi_level/S1/AQI#1", "aqi_level/S1/AQI#3", "aqi_level/S1/AQI#4", "aqi_level/S1/AQI#5",
                                "aqi_level/S1/AQI#9"));
}

TEST_F(OutletTest, AnAlertmanagerIsToldAtTheStartWhatStandsAlready) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1)), record(told("S2", 1)), record(told("S2", 2, 0))});
  OutletOptions o = options(receiver.url());
  o.shape = OutShape::Alertmanager;
  start(o);
  ASSERT_TRUE(eventually([&] { return committed() == 3; }));
  stop();
  const std::size_t before = receiver.requests().size();
  EXPECT_THAT(receiver.requests().at(0), StartsWith("POST /hook/api/v2/alerts HTTP/1.1"));
  start(o);
  ASSERT_TRUE(eventually([&] { return receiver.requests().size() > before; }));
  const std::string again = receiver.requests().at(before);
  EXPECT_THAT(again, HasSubstr("X-Qingchuan-Id: hall/again/0"));
  EXPECT_THAT(again, HasSubstr(R"("subject":"S1")"));
}

TEST_F(OutletTest, AnAlertmanagerIsToldAgainBeforeItWouldForget) {
  const Receiver receiver;
  append(log_, {record(told("S1", 1))});
  OutletOptions o = options(receiver.url());
  o.shape = OutShape::Alertmanager;
  o.resend = 20ms;
  start(o);
  ASSERT_TRUE(eventually([&] { return receiver.requests().size() >= 5; }));
}

TEST_F(OutletTest, AnAddressThatIsNoneIsAnErrorOfItsName) {
  prometheus::Registry registry;
  const auto made = Outlets::create(log_, {options("nonsense")}, {}, {}, registry);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text, HasSubstr("way out `hall`"));
}

TEST_F(OutletTest, OneThatHangsHoldsUpNoOther) {
  const HttpPeer hanging([](PeerConnection& c) { c.hang(); });
  const Receiver good;
  append(log_, {record(told("S1", 1)), record(told("S1", 2, 0))});
  OutletOptions first = options(hanging.url());
  first.name = "hung";
  prometheus::Registry registry;
  auto made = Outlets::create(log_, {first, options(good.url())}, {}, {}, registry);
  ASSERT_TRUE(made);
  std::jthread thread([&](const std::stop_token& stop) { EXPECT_TRUE((*made)->run(stop)); });
  EXPECT_TRUE(eventually([&] { return committed() == 2; }));
  EXPECT_TRUE(eventually([&] { return (*made)->unready().empty(); }));
}

}  // namespace
}  // namespace qc::alerts
