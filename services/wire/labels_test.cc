#include "wire/labels.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/factor.h"
#include "core/output.h"
#include "core/rules.h"
#include "core/time.h"
#include "qingchuan/v1/config.pb.h"
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/keys.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

// Converting between core and the messages is a cast: the numbers, their count and their names must agree.
template <class Core, class Proto>
void expect_same(Proto last, Core core_last) {
  const auto& type = *google::protobuf::GetEnumDescriptor<Proto>();
  EXPECT_EQ(type.value_count(), static_cast<int>(last) + 1) << type.name() << ": a value was added: core needs it too";
  EXPECT_EQ(static_cast<int>(core_last), static_cast<int>(last)) << type.name();
  for (int n = 1; n <= static_cast<int>(last); ++n) {
    ASSERT_NE(type.FindValueByNumber(n), nullptr) << type.name() << ' ' << n;
    EXPECT_EQ(label(type, n), core::name(static_cast<Core>(n))) << type.name() << ' ' << n;
  }
}

TEST(Labels, CoreAndMessagesShareNumbersAndNames) {
  expect_same(v1::AQI_PM24, core::Factor::AQI_PM24);
  expect_same(v1::COUNT, core::Unit::Count);
  expect_same(v1::YEAR, core::Window::Year);
  expect_same(v1::AMENDED, core::Source::Amended);
  expect_same(v1::AMENDED_AGAIN, core::Status::Amended);
  expect_same(v1::BACKGROUND, core::SiteKind::Background);
  expect_same(v1::FED, core::Timeline::Fed);
  expect_same(v1::SPIKE, core::Mark::Spike);
  expect_same(v1::WITHDRAWN, core::SignalState::Withdrawn);
}

TEST(Labels, CoreAndMessagesShareTheNumbersOfWhatHasNoName) {
  EXPECT_EQ(static_cast<int>(core::AreaClass::Class1), v1::CLASS_1);
  EXPECT_EQ(static_cast<int>(core::AreaClass::Class2), v1::CLASS_2);
  using core::SignalKind;
  for (const auto& [kind, number] :
       {std::pair{SignalKind::HourLimit, v1::HOUR_LIMIT},
        std::pair{SignalKind::ReadingOverLimit, v1::READING_OVER_LIMIT}, std::pair{SignalKind::AqiLevel, v1::AQI_LEVEL},
        std::pair{SignalKind::DayLimit, v1::DAY_LIMIT}, std::pair{SignalKind::RollingOverLimit, v1::ROLLING_OVER_LIMIT},
        std::pair{SignalKind::NoData, v1::NO_DATA}, std::pair{SignalKind::Suspect, v1::SUSPECT},
        std::pair{SignalKind::HourHigh, v1::HOUR_HIGH}, std::pair{SignalKind::Spike, v1::SPIKE_ALONE}}) {
    EXPECT_EQ(static_cast<int>(kind), number);
  }
  EXPECT_EQ(v1::SignalKind_MAX, v1::SPIKE_ALONE) << "a kind was added: core needs it too";
  EXPECT_EQ(static_cast<int>(core::Above::Cap), v1::CAP);
  EXPECT_EQ(static_cast<int>(core::Above::NoIndex), v1::NONE);
  EXPECT_EQ(static_cast<int>(core::Above::OtherWindow), v1::INSTEAD);
  EXPECT_EQ(v1::Above_MAX, v1::INSTEAD);
  EXPECT_EQ(static_cast<int>(core::Amend::Action::Invalidate), v1::Amend::INVALIDATE);
  EXPECT_EQ(static_cast<int>(core::Amend::Action::Replace), v1::Amend::REPLACE);
  EXPECT_EQ(static_cast<int>(core::Amend::Action::Restore), v1::Amend::RESTORE);
}

TEST(Labels, AreReadBothWays) {
  EXPECT_EQ(label(v1::PM2_5), "PM2.5");
  EXPECT_EQ(label(v1::COMPACT_DELETE), "compact+delete");
  EXPECT_EQ(number_of(*v1::Factor_descriptor(), "PM2.5"), v1::PM2_5);
  EXPECT_EQ(number_of(*v1::Factor_descriptor(), "PM2_5"), std::nullopt);
  EXPECT_EQ(label(*v1::Factor_descriptor(), 99), "");
  EXPECT_EQ(label(v1::UNIT_UNSPECIFIED), "UNIT_UNSPECIFIED");
}

TEST(Keys, SayWhatTheyReplaceAndNeverCollide) {
  const auto end = core::event_time(1'449'532'800'000);
  EXPECT_EQ(mean_key("Dongsi", core::Factor::PM25, core::Window::H1, end), "Dongsi|PM2.5|1h|1449532800000");
  EXPECT_EQ(mean_key("a|b%", core::Factor::AQI, core::Window::H24, end), "a%7Cb%25|AQI|24h|1449532800000");
  EXPECT_NE(mean_key("a|b", core::Factor::AQI, core::Window::H24, end),
            mean_key("a%7Cb", core::Factor::AQI, core::Window::H24, end));
  EXPECT_EQ(tick_key("processor", 3), "@tick|processor|3");
  EXPECT_EQ(dead_letter_key("readings", 2), "readings-2");
}

TEST(Limits, ANameIsPrintableUtf8OfBoundedLength) {
  EXPECT_TRUE(printable("Dongsi 1", 64));
  EXPECT_TRUE(printable("东四", 6));
  EXPECT_TRUE(printable("\xf0\x9f\x8c\xab", 4));
  EXPECT_FALSE(printable("", 64));
  EXPECT_FALSE(printable("东四", 5));
  EXPECT_FALSE(printable("a\tb", 64));
  EXPECT_FALSE(printable("\x7f", 64));
  EXPECT_FALSE(printable("\xc2\x85", 64));          // C1 control
  EXPECT_FALSE(printable("\xe4\xb8", 64));          // cut
  EXPECT_FALSE(printable("\xc0\xaf", 64));          // overlong
  EXPECT_FALSE(printable("\xe0\x80\xaf", 64));      // overlong
  EXPECT_FALSE(printable("\xed\xa0\x80", 64));      // surrogate
  EXPECT_FALSE(printable("\xf4\x90\x80\x80", 64));  // beyond Unicode
  EXPECT_FALSE(printable("\xb8z", 64));
}

}  // namespace
}  // namespace qc::wire
