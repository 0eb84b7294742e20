// The formal warning within an alert, over random histories: it is what a FormalLife alone makes of what was proposed
// and decided, every message of it is told once, and the alert stands as long as the warning does. The machine itself
// is proven in formal_warning_property_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "core/alert_testing.h"
#include "core/formal_life.h"
#include "core/seeds_testing.h"

namespace qc::core {
namespace {

using fixture::for_each_seed;
using std::chrono::hours;
using std::chrono::minutes;

const AlertKey kWarning{kWarningRule, "C", Factor::AQI};
const AlertKey kStation{"aqi_level", "S1", Factor::AQI};
constexpr int kSteps = 120;

AlertRules rules_of(std::uint64_t seed) {
  AlertRules rules;
  rules.formal.approvers = {"mayor", "office"};
  rules.formal.auto_issue = seed % 4 == 0;
  rules.flapping_begins = seed % 3 == 0 ? 3 : 1000;
  return rules;
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {}

  // A step of the stage; says of a command what it was.
  std::optional<AlertCommand> next(AlertStage& stage, AlertOutputs& out) {
    const int what = pick(10);
    if (what < 3) {
      now_ += what == 0 ? hours(pick(6)) : minutes(1 + pick(30));
      stage.advance(now_, out);
      return std::nullopt;
    }
    if (what < 6) {
      signal(stage, out);
      return std::nullopt;
    }
    const Alert* alert = stage.find(kWarning);
    AlertCommand c{"c" + std::to_string(++commands_), kWarning, alert == nullptr ? 0 : alert->revision, "li", {}};
    const std::string role = pick(8) == 0 ? "nobody" : pick(2) == 0 ? "mayor" : "office";
    const int level = alert == nullptr || pick(8) == 0 ? 1 + pick(3) : alert->formal.proposed.level;
    switch (pick(6)) {
      case 5: {
        const auto planned = stage.maintenance().find(kWarning.subject);
        c.key = {"", kWarning.subject, Factor::None};
        c.expected_revision = planned == stage.maintenance().end() ? 0 : planned->second.revision;
        const EventTime from = now_ + minutes(pick(200) - 100);
        c.what = PlanMaintenance{"C", "P", from, from + minutes(1 + pick(300)), "work"};
        if (pick(4) == 0) c.what = CancelMaintenance{"done"};
        break;
      }
      case 0:
        c.what = Approve{level, role, "seen"};
        break;
      case 1:
        c.what = Issue{role};
        break;
      case 2:
        c.what = Lift{role, "it is over"};
        break;
      case 3:
        c.what = Acknowledge{"seen"};
        break;
      default:
        c.what = CloseAlert{"enough"};
    }
    stage.apply(c, out);
    return c;
  }
  EventTime now() const { return now_; }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  void signal(AlertStage& stage, AlertOutputs& out) {
    const AlertKey& key = pick(5) == 0 ? kStation : kWarning;
    auto& [number, revision, open] = of_[key];
    const bool ends = open && pick(3) == 0;
    if (!open) {
      ++number;
      revision = 0;
    }
    SignalState state = pick(6) == 0 ? SignalState::Stale : SignalState::Active;
    if (ends) {
      const int how = pick(6);
      state = how == 0 ? SignalState::Withdrawn : how == 1 ? SignalState::EndedNoData : SignalState::Cleared;
    }
    open = !ends;
    Signal s = fixture::alert_signal(key, number, ++revision, state, 1 + pick(3), now_);
    WarningEpisode episode;
    episode.changes = {{s.level, now_, now_, now_, Basis::Observed, {}, {}}};
    s.warning = std::make_shared<const WarningEpisode>(episode);
    stage.apply(s, out);
  }

  struct Episode {
    int number = 0;
    int revision = 0;
    bool open = false;
  };
  std::mt19937_64 random_;
  EventTime now_ = fixture::kAlertStart;
  int commands_ = 0;
  std::map<AlertKey, Episode> of_;
};

TEST(AlertFormalProperty, HoldsWhatThePlanPromises) {
  std::set<Refusal> refusals;
  std::map<std::string, int> seen;
  int hidden = 0;
  for_each_seed([&](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed);
    AlertStage stage(rules);
    AlertOutputs out;
    stage.advance(fixture::kAlertStart, out);
    History history(seed);
    FormalWarning alone;
    std::int64_t told_message = 0;
    for (int i = 0; i < kSteps; ++i) {
      SCOPED_TRACE(i);
      out.clear();
      const auto command = history.next(stage, out);
      const Alert* a = stage.find(kWarning);
      if (a == nullptr) continue;
      // The same, from nothing but what was proposed, decided and the time.
      FormalLife life(rules.formal, alone, stage.now());
      if (command) {
        ASSERT_EQ(out.outcomes.size(), 1U);
        refusals.insert(out.outcomes[0].refusal);
        if (out.outcomes[0].accepted()) {
          if (const auto* w = std::get_if<Approve>(&command->what)) {
            ASSERT_EQ(life.apply(*w, "li"), Refusal::None);
          }
          if (const auto* w = std::get_if<Issue>(&command->what)) {
            ASSERT_EQ(life.apply(*w, "li"), Refusal::None);
          }
          if (const auto* w = std::get_if<Lift>(&command->what)) {
            ASSERT_EQ(life.apply(*w, "li"), Refusal::None);
          }
        }
      } else if (a->formal.proposed.level != alone.proposed.level) {
        life.propose(a->formal.proposed.level, a->formal.proposed.basis, "");
      } else {
        life.advance();
      }
      ASSERT_EQ(a->formal, alone);
      // Each message is in one revision of what is told, and none is left out.
      for (const ToldAlert& t : out.alerts) {
        if (t.alert.key != kWarning) continue;
        const FormalMessage& m = t.alert.formal.message;
        ASSERT_TRUE(m.number == told_message || m.number == told_message + 1);
        if (m.number > told_message) ++seen[std::string(name(m.status)) + " " + std::string(name(m.type))];
        told_message = m.number;
      }
      ASSERT_EQ(told_message, a->formal.message.number);
      // Maintenance hides it while it lasts, and only then.
      const auto planned = stage.maintenance().find(kWarning.subject);
      const bool in_work = planned != stage.maintenance().end() && planned->second.open &&
                           planned->second.from <= stage.now() && stage.now() < planned->second.until;
      if (a->listed) {
        ASSERT_EQ(!a->maintenance.empty(), in_work);
      }
      for (const ToldAlert& t : out.alerts) ASSERT_FALSE(t.annunciate && !t.alert.maintenance.empty());
      hidden += in_work && a->listed;
      // What is in force stands on the list, whatever the condition, and no machine lifts it.
      if (a->formal.in_force()) {
        ASSERT_TRUE(a->listed);
        ASSERT_FALSE(a->closed);
      }
      if (a->listed && a->open()) {
        ASSERT_EQ(a->formal.proposed.level, a->condition.level);
      }
    }
  });
  EXPECT_GT(hidden, 0);
  for (const char* kind : {"Draft Alert", "Draft Update", "Draft Cancel", "Actual Alert", "Actual Update",
                           "Actual Cancel", "Exercise Alert", "Exercise Update", "Exercise Cancel"}) {
    EXPECT_GT(seen[kind], 0) << kind;
  }
  for (const Refusal r : {Refusal::NotApprover, Refusal::NothingProposed, Refusal::OtherLevel, Refusal::AlreadyApproved,
                          Refusal::NotApproved, Refusal::NotIssued, Refusal::ConditionStands}) {
    EXPECT_TRUE(refusals.contains(r)) << name(r);
  }
}

TEST(AlertFormalProperty, ARestartAnywhereChangesNothing) {
  for_each_seed([](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed);
    auto stage = std::make_unique<AlertStage>(rules);
    AlertStage undisturbed(rules);
    std::map<std::string, std::string> saved;
    AlertOutputs a;
    AlertOutputs b;
    stage->advance(fixture::kAlertStart, a);
    undisturbed.advance(fixture::kAlertStart, b);
    History one(seed);
    History two(seed);
    for (int i = 0; i < kSteps; ++i) {
      a.clear();
      b.clear();
      one.next(*stage, a);
      two.next(undisturbed, b);
      ASSERT_EQ(fixture::text(a), fixture::text(b));
      ASSERT_EQ(stage->find(kWarning) == nullptr, undisturbed.find(kWarning) == nullptr);
      if (const Alert* w = stage->find(kWarning)) {
        ASSERT_EQ(w->formal, undisturbed.find(kWarning)->formal);
      }
      stage->save_changed([&](std::string_view key, std::string_view bytes) {
        if (bytes.empty()) {
          saved.erase(std::string(key));
        } else {
          saved[std::string(key)] = bytes;
        }
      });
      if (i % 7 != 0) continue;
      stage = std::make_unique<AlertStage>(rules);
      for (const auto& [key, bytes] : saved) ASSERT_TRUE(stage->load(key, bytes)) << key;
    }
  });
}

}  // namespace
}  // namespace qc::core
