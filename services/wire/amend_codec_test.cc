// Corrections of hours behind the horizon as bytes: what is written is what is read, and what cannot be acted upon is
// refused. Plain corrections: input_decoder_test.cc.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "qingchuan/v1/input.pb.h"
#include "wire/codec.h"
#include "wire/signal_decoder.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

constexpr std::int64_t kStart = 1'449'532'800'000;  // 2015-12-08 08:00 in Beijing
constexpr std::int64_t kHourMs = 3'600'000;

core::Signal signal() {
  core::Signal s;
  s.id = "hour_limit/S1/NO2/7";
  s.revision = 2;
  s.rule = "hour_limit";
  s.subject = "S1";
  s.factor = core::Factor::NO2;
  s.window = core::Window::H1;
  s.level = 1;
  s.state = core::SignalState::Cleared;
  s.at = core::event_time(kStart + 2 * kHourMs);
  s.began = core::event_time(kStart + kHourMs);
  s.unit = core::Unit::UgM3;
  s.value = core::ug(90);
  s.limit = core::ug(200);
  s.clause = "GB 3095-2012 table 1";
  s.interval = {core::event_time(kStart + kHourMs), core::event_time(kStart + 2 * kHourMs)};
  s.count = 58;
  s.expected = 60;
  s.marks.add(core::Mark::Stuck);
  return s;
}

core::PastAmend past() {
  core::PastAmend p;
  p.site = "S1";
  p.as_of = core::event_time(kStart + 1000 * kHourMs);
  const core::Interval hour{core::event_time(kStart), core::event_time(kStart + kHourMs)};
  p.amends = {{"a1", "S1", core::Factor::NO2, hour, core::Amend::Action::Restore, {}, "why", "li", true}};
  core::Mean m;
  m.factor = core::Factor::NO2;
  m.window = core::Window::H1;
  m.interval = hour;
  m.revision = 3;
  m.value = core::ug(250);
  m.valid = true;
  m.sum_pg = 58 * 250 * core::kMillion;
  m.count = 58;
  m.expected = 60;
  m.min = core::ug(240);
  m.max = core::ug(260);
  m.source = core::Source::Minute;
  m.suspect = 2;
  m.marks.add(core::Mark::Range);
  p.means.push_back(m);
  p.measured.push_back(m);
  p.measured[0].revision = 0;
  m.factor = core::Factor::AQI;
  m.primary = {core::Factor::NO2};
  m.sub_indices = {{core::Factor::NO2, 101}, {core::Factor::CO, 12}};
  p.means.push_back(m);
  m = {};
  m.factor = core::Factor::O3;
  m.window = core::Window::Year;
  m.interval = {core::beijing_midnight(2014, 1, 1), core::beijing_midnight(2015, 1, 1)};
  m.revision = 1;
  m.count = 300;
  p.means.push_back(m);
  p.signals.push_back(signal());
  return p;
}

TEST(PastAmendCodec, WhatIsWrittenIsWhatIsRead) {
  const core::PastAmend p = past();
  const std::string bytes = encode_past_amend(p);
  InputDecoder decoder;
  const Decoded decoded = decoder.decode(bytes);
  const auto* read = std::get_if<core::PastAmend>(&decoded);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(encode_past_amend(*read), bytes);
  EXPECT_EQ(read->as_of, p.as_of);
  ASSERT_EQ(read->means.size(), 3U);
  EXPECT_EQ(read->means[0].interval, p.means[0].interval);
  EXPECT_EQ(read->means[0].sum_pg, p.means[0].sum_pg);
  EXPECT_TRUE(read->means[0].marks.has(core::Mark::Range));
  EXPECT_EQ(read->means[1].sub_indices[1].iaqi, 12);
  EXPECT_EQ(read->means[2].interval, p.means[2].interval) << "the year's start follows from its end";
  ASSERT_EQ(read->signals.size(), 1U);
  EXPECT_EQ(read->signals[0].subject, "S1");
  EXPECT_EQ(read->signals[0].state, core::SignalState::Cleared);
  EXPECT_EQ(read->signals[0].began, p.signals[0].began);
}

TEST(PastAmendCodec, RefusesWhatCannotBeActedUpon) {
  struct Case {
    const char* name;
    std::function<void(v1::PastAmend&)> make;
  };
  const std::vector<Case> cases = {
      {"no site", [](auto& p) { p.clear_site(); }},
      {"no time", [](auto& p) { p.clear_as_of_ms(); }},
      {"no correction", [](auto& p) { p.clear_amends(); }},
      {"of another site", [](auto& p) { p.mutable_amends(0)->set_site("S2"); }},
      {"a correction without a reason", [](auto& p) { p.mutable_amends(0)->clear_reason(); }},
      {"more hours than anybody corrects",
       [](auto& p) {
         p.mutable_amends(0)->set_end_ms(kStart + 8000 * kHourMs);
         *p.add_amends() = p.amends(0);
       }},
      {"a mean of a single reading", [](auto& p) { p.mutable_means(0)->set_window(v1::READING); }},
      {"a month that ends in its middle", [](auto& p) { p.mutable_means(0)->set_window(v1::MONTH); }},
      {"half an hour", [](auto& p) { p.mutable_means(0)->set_end_ms(kStart + kHourMs / 2); }},
      {"never published", [](auto& p) { p.mutable_means(0)->clear_revision(); }},
      {"a negative value", [](auto& p) { p.mutable_means(0)->set_min(-1); }},
      {"more suspect readings than readings", [](auto& p) { p.mutable_means(0)->set_suspect(59); }},
      {"an unknown pollutant", [](auto& p) { p.mutable_means(1)->add_primary(static_cast<v1::Factor>(99)); }},
      {"a measured day", [](auto& p) { p.mutable_measured(0)->set_window(v1::H24); }},
      {"a signal without a rule", [](auto& p) { p.mutable_signals(0)->clear_rule(); }},
      {"a signal of no time", [](auto& p) { p.mutable_signals(0)->clear_began_ms(); }},
      {"more signals than the limit",
       [](auto& p) {
         while (p.signals_size() <= static_cast<int>(kPastSignalsMax)) *p.add_signals() = p.signals(0);
       }},
  };
  InputDecoder decoder;
  for (const Case& c : cases) {
    v1::Input input;
    ASSERT_TRUE(input.ParseFromString(encode_past_amend(past())));
    c.make(*input.mutable_past_amend());
    const Decoded decoded = decoder.decode(input.SerializeAsString());
    const auto* rejected = std::get_if<core::Rejected>(&decoded);
    ASSERT_NE(rejected, nullptr) << c.name;
    EXPECT_EQ(rejected->reason, Reason::BadShape) << c.name << ": " << rejected->detail;
  }
}

TEST(SignalDecoder, WhatIsWrittenIsWhatIsRead) {
  core::Signal s = signal();
  s.region = "C";
  s.root = "P";
  s.reason = "cleared";
  s.origin = {3, 9};
  const std::string bytes = encode_signal(s, {"0123456789abcdef", 2});
  const auto read = decode_signal(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_signal(*read, {"0123456789abcdef", 2}), bytes);
  EXPECT_FALSE(decode_signal(encode_signal_tick(core::event_time(kStart), "processor", 0))) << "time is no signal";
  EXPECT_FALSE(decode_signal(std::string_view(bytes).substr(0, bytes.size() - 1)));
  s.revision = 0;
  EXPECT_FALSE(decode_signal(encode_signal(s, {})));
}

}  // namespace
}  // namespace qc::wire
