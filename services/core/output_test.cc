#include "core/output.h"

#include <gtest/gtest.h>

namespace qc::core {
namespace {

TEST(SignalState, NamesAreTheLabelsOfTheSchema) {
  EXPECT_EQ(name(SignalState::None), "");
  EXPECT_EQ(name(SignalState::Active), "active");
  EXPECT_EQ(name(SignalState::Stale), "stale");
  EXPECT_EQ(name(SignalState::Cleared), "cleared");
  EXPECT_EQ(name(SignalState::EndedNoData), "ended_no_data");
  EXPECT_EQ(name(SignalState::Withdrawn), "withdrawn");
}

TEST(Outputs, ClearForgetsEverythingAndKeepsItsMemory) {
  Outputs out;
  out.means.resize(8);
  out.signals.resize(8);
  out.rejected.resize(8);
  out.tick = true;
  out.urgent = true;
  const auto* memory = out.means.data();
  out.clear();
  EXPECT_TRUE(out.means.empty() && out.signals.empty() && out.rejected.empty());
  EXPECT_FALSE(out.tick || out.urgent);
  out.means.resize(8);
  EXPECT_EQ(out.means.data(), memory);
}

}  // namespace
}  // namespace qc::core
