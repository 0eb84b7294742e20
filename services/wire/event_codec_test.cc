// Events as bytes: what is written is what is read, and what cannot be acted upon is refused.
#include "wire/event_codec.h"

#include <gtest/gtest.h>

#include <functional>

#include "qingchuan/v1/event.pb.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

constexpr std::int64_t kStart = 1'449'532'800'000;  // 2015-12-08T08:00+08:00
constexpr std::int64_t kHourMs = 3'600'000;

core::EventTime hour(int n) {
  return core::event_time(kStart + n * kHourMs);
}

core::Event forecast() {
  core::Event e;
  e.id = "shanxi/lishi/2015-12-08T08:00";
  e.region = "lishi";
  e.root = "lvliang";
  e.source = "省环境监测中心";
  e.received = core::event_time(kStart + 61'000);
  core::ForecastIssue issue;
  issue.issued = hour(0);
  issue.hours = {{hour(1), {0, false, false}}, {hour(2), {205, true, false}}, {hour(48), {500, false, true}}};
  e.what = issue;
  return e;
}

core::Event order() {
  core::Event e = forecast();
  e.id = "晋环函 12";
  e.what = core::AreaOrder{2, {hour(12), hour(60)}};
  return e;
}

v1::Event message(const core::Event& event) {
  v1::Event out;
  EXPECT_TRUE(out.ParseFromString(encode_event(event)));
  return out;
}

Reason refused(std::string_view bytes, const DecodeLimits& limits = {}) {
  const auto decoded = decode_event(bytes, limits);
  const auto* rejected = std::get_if<core::Rejected>(&decoded);
  if (rejected == nullptr) return Reason::None;
  EXPECT_EQ(rejected->readings, 1);
  EXPECT_FALSE(rejected->detail.empty());
  return rejected->reason;
}

TEST(EventCodec, AForecastIsReadAsItWasWritten) {
  const std::string bytes = encode_event(forecast());
  const auto decoded = decode_event(bytes);
  const auto* read = std::get_if<core::Event>(&decoded);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->id, forecast().id);
  EXPECT_EQ(read->region, "lishi");
  EXPECT_EQ(read->root, "lvliang");
  EXPECT_EQ(read->source, forecast().source);
  EXPECT_EQ(read->received, forecast().received);
  const auto& issue = std::get<core::ForecastIssue>(read->what);
  EXPECT_EQ(issue.issued, hour(0));
  EXPECT_EQ(issue.hours, std::get<core::ForecastIssue>(forecast().what).hours);
  EXPECT_EQ(encode_event(*read), bytes);
}

TEST(EventCodec, AForecastWithoutHoursIsAWithdrawal) {
  core::Event e = forecast();
  std::get<core::ForecastIssue>(e.what).hours.clear();
  const auto decoded = decode_event(encode_event(e));
  const auto* read = std::get_if<core::Event>(&decoded);
  ASSERT_NE(read, nullptr);
  EXPECT_TRUE(std::get<core::ForecastIssue>(read->what).hours.empty());
}

TEST(EventCodec, AnOrderIsReadAsItWasWritten) {
  for (const core::EventTime end : {hour(60), core::EventTime::max()}) {
    for (int level = 0; level <= core::kWarningLevels; ++level) {
      core::Event e = order();
      e.what = core::AreaOrder{level, {hour(12), end}};
      const auto decoded = decode_event(encode_event(e));
      const auto* read = std::get_if<core::Event>(&decoded);
      ASSERT_NE(read, nullptr);
      const auto& area = std::get<core::AreaOrder>(read->what);
      EXPECT_EQ(area.level, level);
      EXPECT_EQ(area.interval.start, hour(12));
      EXPECT_EQ(area.interval.end, end);
      EXPECT_EQ(encode_event(*read), encode_event(e));
    }
  }
}

TEST(EventCodec, RefusesWhatCannotBeActedUpon) {
  struct Case {
    const char* name;
    Reason reason;
    std::function<void(v1::Event&)> change;
  };
  const std::string long_name(kNameBytesMax + 1, 'x');
  const std::vector<Case> of_both = {
      {"no id", Reason::BadShape, [](v1::Event& e) { e.clear_id(); }},
      {"a long id", Reason::BadShape, [&](v1::Event& e) { e.set_id(long_name); }},
      {"no region", Reason::BadShape, [](v1::Event& e) { e.clear_region(); }},
      {"a long region", Reason::BadShape, [&](v1::Event& e) { e.set_region(long_name); }},
      {"a line break", Reason::BadShape, [](v1::Event& e) { e.set_region("a\nb"); }},
      {"no root", Reason::BadShape, [](v1::Event& e) { e.clear_root(); }},
      {"no source", Reason::BadShape, [](v1::Event& e) { e.clear_source(); }},
      {"a long source", Reason::BadShape,
       [](v1::Event& e) { e.set_source(std::string(kDisplayNameBytesMax + 1, 'x')); }},
      {"issued before there was any", Reason::BadShape, [](v1::Event& e) { e.set_at_ms(5); }},
      {"received before there was any", Reason::BadShape, [](v1::Event& e) { e.set_received_ms(kTimeMaxMs); }},
      {"nothing that we know", Reason::NotSupported, [](v1::Event& e) { e.clear_what(); }},
  };
  const std::vector<Case> of_forecasts = {
      {"half an hour", Reason::BadShape,
       [](v1::Event& e) { e.mutable_forecast()->mutable_hours(1)->set_end_ms(kStart + 3 * kHourMs / 2); }},
      {"an hour of no time", Reason::BadShape,
       [](v1::Event& e) { e.mutable_forecast()->mutable_hours(0)->set_end_ms(0); }},
      {"an hour twice", Reason::BadShape,
       [](v1::Event& e) { e.mutable_forecast()->mutable_hours(1)->set_end_ms(kStart + kHourMs); }},
      {"backwards", Reason::BadShape, [](v1::Event& e) { e.mutable_forecast()->mutable_hours()->SwapElements(0, 1); }},
      {"below 0", Reason::OutOfRange, [](v1::Event& e) { e.mutable_forecast()->mutable_hours(0)->set_index(-1); }},
      {"above 500", Reason::OutOfRange, [](v1::Event& e) { e.mutable_forecast()->mutable_hours(0)->set_index(501); }},
      {"more hours than the limit", Reason::BadShape,
       [](v1::Event& e) {
         e.mutable_forecast()->clear_hours();
         for (int i = 0; i <= kForecastHoursMax; ++i)
           e.mutable_forecast()->add_hours()->set_end_ms(kStart + i * kHourMs);
       }},
  };
  const std::vector<Case> of_orders = {
      {"below none", Reason::OutOfRange, [](v1::Event& e) { e.mutable_order()->set_level(-1); }},
      {"above red", Reason::OutOfRange, [](v1::Event& e) { e.mutable_order()->set_level(4); }},
      {"no beginning", Reason::BadShape, [](v1::Event& e) { e.mutable_order()->clear_start_ms(); }},
      {"a beginning within an hour", Reason::BadShape,
       [](v1::Event& e) { e.mutable_order()->set_start_ms(kStart + 1); }},
      {"an end within an hour", Reason::BadShape,
       [](v1::Event& e) { e.mutable_order()->set_end_ms(kStart + 60 * kHourMs + 1); }},
      {"an end of no time", Reason::BadShape, [](v1::Event& e) { e.mutable_order()->set_end_ms(0); }},
      {"no hour long", Reason::BadShape, [](v1::Event& e) { e.mutable_order()->set_end_ms(kStart + 12 * kHourMs); }},
  };
  const auto check = [](const core::Event& good, const std::vector<Case>& cases) {
    ASSERT_EQ(refused(encode_event(good)), Reason::None);
    for (const Case& c : cases) {
      v1::Event m = message(good);
      c.change(m);
      EXPECT_EQ(refused(m.SerializeAsString()), c.reason) << c.name;
    }
  };
  check(forecast(), of_both);
  check(order(), of_both);
  check(forecast(), of_forecasts);
  check(order(), of_orders);
}

TEST(EventCodec, TheLongestForecastIsLetThrough) {
  core::Event e = forecast();
  auto& hours = std::get<core::ForecastIssue>(e.what).hours;
  hours.clear();
  for (int i = 0; i < kForecastHoursMax; ++i) hours[hour(i)] = {i % 501, i % 2 == 0, false};
  EXPECT_EQ(event_error(e), "");
  const auto decoded = decode_event(encode_event(e));
  ASSERT_TRUE(std::holds_alternative<core::Event>(decoded));
  EXPECT_EQ(std::get<core::ForecastIssue>(std::get<core::Event>(decoded).what).hours, hours);
  hours[hour(kForecastHoursMax)] = {1, false, false};
  EXPECT_NE(event_error(e).find("960"), std::string::npos) << event_error(e);
}

TEST(EventCodec, RefusesBytesThatAreNoEvent) {
  const std::string bytes = encode_event(forecast());
  EXPECT_EQ(refused(""), Reason::Garbage);
  EXPECT_EQ(refused("\x0b\xff\xff nothing of ours"), Reason::Garbage);
  EXPECT_EQ(refused(std::string_view(bytes).substr(0, 20)), Reason::Truncated);
  EXPECT_EQ(refused(bytes, {bytes.size() - 1, 1}), Reason::Oversized);
  EXPECT_EQ(refused(bytes, {bytes.size(), 1}), Reason::None);
}

}  // namespace
}  // namespace qc::wire
