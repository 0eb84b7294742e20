#include "core/alert_stage.h"

#include <gtest/gtest.h>

#include "core/alert_testing.h"

namespace qc::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using enum SignalState;

AlertKey station(const std::string& site, const std::string& rule = "aqi_level", Factor factor = Factor::AQI) {
  return {rule, site, factor};
}
const AlertKey kWarning{kWarningRule, "C", Factor::AQI};
const AlertKey kJoint{kJointWarningRule, "P", Factor::AQI};

struct Partition {
  explicit Partition(AlertRules r = {}) : rules(std::move(r)), stage(rules) { tick({}); }

  AlertRules rules;
  AlertStage stage;
  AlertOutputs out;  // of the last step
  EventTime now = fixture::kAlertStart;
  std::map<std::string, int> revisions;  // by signal id
  int commands = 0;

  std::string told() const {
    std::string all;
    for (const ToldAlert& t : out.alerts) {
      all += std::string(name(t.telling)) + (t.annunciate ? "! " : " ") + text(t.alert.key) + " " + summary(t.alert) +
             "; ";
    }
    return all;
  }
  std::string tick(Duration d) {
    out.clear();
    stage.advance(now += d, out);
    return told();
  }
  std::string signal(const AlertKey& key, SignalState state, int level, std::vector<std::string> covers = {},
                     int number = 1) {
    Signal s = fixture::alert_signal(key, number, 0, state, level, now);
    s.revision = ++revisions[s.id];
    s.covers = std::move(covers);
    out.clear();
    EXPECT_TRUE(stage.apply(s, out));
    return told();
  }
  template <class What>
  CommandOutcome does(const AlertKey& key, What what) {
    const Alert* alert = stage.find(key);
    return send(fixture::alert_command("c" + std::to_string(++commands), key, alert ? alert->revision : 0, what));
  }
  CommandOutcome send(const AlertCommand& c) {
    out.clear();
    stage.apply(c, out);
    EXPECT_EQ(out.outcomes.size(), 1U);
    EXPECT_TRUE(out.urgent);
    return out.outcomes.back();
  }
};

TEST(AlertStage, KeepsOneAlertAKeyAndTakesNothingThatIsNoSignal) {
  Partition p;
  EXPECT_EQ(p.signal(station("S1"), Active, 1), "alert! aqi_level/S1/AQI active 1, unacked; ");
  EXPECT_TRUE(p.out.urgent);
  EXPECT_EQ(p.signal(station("S1", "hour_limit", Factor::SO2), Active, 1),
            "alert! hour_limit/S1/SO2 active 1, unacked; ");
  EXPECT_EQ(p.signal(station("S1"), Active, 2, {}, 2), "update! aqi_level/S1/AQI active 2, unacked; ");
  EXPECT_EQ(p.stage.size(), 2U);
  EXPECT_EQ(p.stage.listed().size(), 2U);
  Signal s = fixture::alert_signal(station("S2"), 1, 1, Active, 1);
  for (const auto& spoil : {+[](Signal& x) { x.id.clear(); }, +[](Signal& x) { x.subject = std::string("a\0b", 3); },
                            +[](Signal& x) { x.revision = 0; }, +[](Signal& x) { x.level = 4; },
                            +[](Signal& x) { x.count = -1; }, +[](Signal& x) { x.origin.offset = -2; },
                            +[](Signal& x) { x.warning = std::make_shared<const WarningEpisode>(); },
                            +[](Signal& x) { x.state = None; }, +[](Signal& x) { x.at = EventTime::max(); }}) {
    Signal bad = s;
    spoil(bad);
    EXPECT_FALSE(p.stage.apply(bad, p.out));
  }
  EXPECT_EQ(p.stage.size(), 2U);
}

TEST(AlertStage, AnswersACommandOnceAndItsRepeatsTheSameWay) {
  Partition p;
  p.signal(station("S1"), Active, 2);
  const AlertCommand ack = fixture::alert_command("c", station("S1"), 1, Acknowledge{"seen"});
  CommandOutcome o = p.send(ack);
  EXPECT_TRUE(o.accepted());
  EXPECT_EQ(o.revision, 2);
  EXPECT_EQ(p.out.alerts.size(), 1U);
  p.signal(station("S1"), Active, 3);
  o = p.send(ack);
  EXPECT_TRUE(o.accepted()) << "the same outcome";
  EXPECT_EQ(o.revision, 2);
  EXPECT_TRUE(p.out.alerts.empty() && p.out.ledger.empty()) << "and no second effect";
  EXPECT_EQ(p.stage.find(station("S1"))->response, Response::Unacked);
}

TEST(AlertStage, RefusesAStaleRevisionWithTheCurrentAlert) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  p.signal(station("S1"), Active, 2);
  const CommandOutcome o = p.send(fixture::alert_command("c", station("S1"), 1, Acknowledge{}));
  EXPECT_EQ(o.refusal, Refusal::StaleRevision);
  ASSERT_TRUE(o.current);
  EXPECT_EQ(o.current->revision, 2);
  EXPECT_EQ(o.current->condition.level, 2);
  EXPECT_EQ(p.send(fixture::alert_command("d", station("S9"), 1, Acknowledge{})).refusal, Refusal::UnknownAlert);
  EXPECT_EQ(p.stage.size(), 1U) << "a command makes no alert";
}

TEST(AlertStage, RefusesCommandsBeforeTheFirstTick) {
  AlertStage stage{AlertRules{}};
  AlertOutputs out;
  stage.apply(fixture::alert_signal(station("S1"), 1, 1, Active, 1), out);
  EXPECT_EQ(stage.now(), fixture::kAlertStart);
  stage.apply(fixture::alert_command("c", station("S1"), 1, Acknowledge{}), out);
  EXPECT_EQ(out.outcomes.back().refusal, Refusal::NoTime);
}

TEST(AlertStage, RemembersSoManyCommandsAndNoMore) {
  AlertRules rules;
  rules.commands_remembered = 3;
  rules.notes_max = 100;
  Partition p(rules);
  p.signal(station("S1"), Active, 1);
  for (int i = 0; i < 10; ++i) p.does(station("S1"), AddNote{"x"});
  EXPECT_EQ(p.stage.commands_remembered(), 3U);
  EXPECT_EQ(p.send(fixture::alert_command("c10", station("S1"), 1, AddNote{"x"})).revision, 11) << "remembered";
  EXPECT_EQ(p.send(fixture::alert_command("c1", station("S1"), 1, Acknowledge{})).refusal, Refusal::StaleRevision)
      << "forgotten; the expected revision still protects";
}

TEST(AlertStage, ARegionsWarningCoversItsStationsUntilItIsOver) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  p.signal(station("S2", "no_data", Factor::PM25), Active, 1);
  p.signal(station("S3"), Active, 3);
  EXPECT_EQ(p.signal(kWarning, Active, 2),
            "alert! warning/C/AQI active 2, unacked, warning candidate 2; "
            "update aqi_level/S1/AQI active 1, unacked, inhibited by warning/C/AQI; ")
      << "neither silence nor level 3 is covered";
  EXPECT_EQ(p.signal(station("S4"), Active, 1),
            "alert aqi_level/S4/AQI active 1, unacked, inhibited by warning/C/AQI; ");
  EXPECT_EQ(p.signal(station("S4"), Active, 3), "update! aqi_level/S4/AQI active 3, unacked; ");
  p.signal(station("S4"), Cleared, 3);
  p.does(kWarning, Acknowledge{});
  EXPECT_EQ(p.signal(kWarning, Cleared, 2),
            "cancel warning/C/AQI cleared 2, acked; update! aqi_level/S1/AQI active 1, unacked; ");
}

TEST(AlertStage, AShelvedWarningCoversNothing) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  p.signal(kWarning, Active, 2);
  p.does(kWarning, Shelve{p.now + hours(1), "exercise"});
  EXPECT_EQ(p.told(),
            "update warning/C/AQI active 2, unacked, shelved, warning candidate 2; update! aqi_level/S1/AQI active 1, "
            "unacked; ");
  EXPECT_EQ(p.tick(hours(1)),
            "update aqi_level/S1/AQI active 1, unacked, escalated, inhibited by warning/C/AQI; "
            "update! warning/C/AQI active 2, unacked, warning candidate 2; ");
}

TEST(AlertStage, AJointWarningCoversTheWarningsThatItNames) {
  Partition p;
  p.signal(kWarning, Active, 2);
  p.signal(kJoint, Active, 2, {"C"});
  EXPECT_EQ(p.told(),
            "alert! joint_warning/P/AQI active 2, unacked, warning candidate 2; "
            "update warning/C/AQI active 2, unacked, inhibited by joint_warning/P/AQI, warning candidate 2; ");
  // Other grounds: C no longer counts.
  EXPECT_EQ(p.signal(kJoint, Active, 2),
            "update joint_warning/P/AQI active 2, unacked, warning candidate 2; "
            "update! warning/C/AQI active 2, unacked, warning candidate 2; ");
}

TEST(AlertStage, EachOfAGroupNamesTheOneThatBeganFirst) {
  Partition p;
  p.signal(station("S3"), Active, 1);
  EXPECT_EQ(p.stage.find(station("S3"))->first_out, "");
  p.signal(station("S1"), Active, 1);
  EXPECT_EQ(p.stage.find(station("S1"))->first_out, "aqi_level/S3/AQI");
  p.signal(station("S3"), Cleared, 1);
  p.signal(station("S2"), Active, 1);
  EXPECT_EQ(p.stage.find(station("S2"))->first_out, "aqi_level/S3/AQI") << "the group goes on";
  p.signal(station("S4", "hour_limit", Factor::SO2), Active, 1);
  EXPECT_EQ(p.stage.find(station("S4", "hour_limit", Factor::SO2))->first_out, "") << "another group";
  p.signal(station("S1"), Cleared, 1);
  p.signal(station("S2"), Cleared, 1);
  p.signal(station("S1"), Active, 1);
  EXPECT_EQ(p.stage.find(station("S1"))->first_out, "");
}

TEST(AlertStage, ASiteThatComesToAnotherRegionLeavesItsGroup) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  Signal moved = fixture::alert_signal(station("S1"), 1, 2, Active, 2);
  moved.region = "D";
  EXPECT_TRUE(p.stage.apply(moved, p.out));
  p.signal(station("S2"), Active, 1);
  EXPECT_EQ(p.stage.find(station("S2"))->first_out, "") << "nobody else is listed in its region";
  Signal other = fixture::alert_signal(station("S3"), 1, 1, Active, 1);
  other.region = "D";
  EXPECT_TRUE(p.stage.apply(other, p.out));
  EXPECT_EQ(p.stage.find(station("S3"))->first_out, "aqi_level/S1/AQI");
}

AlertCommand plan(std::string id, std::int64_t revision, EventTime from, EventTime until) {
  return {std::move(id), {"", "S1", Factor::None}, revision, "li", PlanMaintenance{"C", "P", from, until, "pump"}};
}

TEST(AlertStage, PlannedMaintenanceSetsAllOfASubjectAsideWhileItLasts) {
  Partition p;
  p.signal(station("S1"), Active, 3);
  p.signal(station("S2"), Active, 1);
  EXPECT_EQ(p.send(plan("1", 0, p.now + hours(1), p.now + hours(3))).revision, 1);
  EXPECT_EQ(p.told(), "") << "it has not begun";
  ASSERT_EQ(p.out.maintenance.size(), 1U);
  p.does(station("S1"), Acknowledge{});
  EXPECT_EQ(p.tick(hours(1)),
            "update aqi_level/S1/AQI active 3, unacked, in maintenance; update! aqi_level/S2/AQI active 1, "
            "unacked, escalated; ")
      << "at every level, and of this subject alone; the acknowledgement timed out";
  EXPECT_EQ(p.signal(station("S1", "no_data", Factor::PM25), Active, 2),
            "alert no_data/S1/PM2.5 active 2, unacked, in maintenance; ");
  EXPECT_EQ(p.tick(hours(2)),
            "update! aqi_level/S1/AQI active 3, unacked; update! no_data/S1/PM2.5 active 2, unacked; ");
  EXPECT_FALSE(p.stage.maintenance().at("S1").open);
  EXPECT_EQ(p.stage.maintenance().at("S1").revision, 2);
}

TEST(AlertStage, MaintenanceThatRunsCanBeChangedAndCancelled) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  const EventTime now = p.now;
  EXPECT_EQ(p.send(plan("1", 1, now, now + hours(1))).refusal, Refusal::StaleRevision);
  EXPECT_EQ(p.send(plan("2", 0, now - hours(2), now)).refusal, Refusal::PastUntil);
  EXPECT_EQ(p.send(plan("3", 0, now + hours(2), now + hours(1))).refusal, Refusal::PastUntil);
  EXPECT_EQ(p.send(plan("4", 0, now, now + hours(24 * 31))).refusal, Refusal::BeyondLimit);
  const AlertCommand cancel{"5", {"", "S1", Factor::None}, 0, "li", CancelMaintenance{"done"}};
  EXPECT_EQ(p.send(cancel).refusal, Refusal::NotPlanned);
  EXPECT_EQ(p.send(plan("6", 0, now, now + hours(1))).refusal, Refusal::None);
  EXPECT_EQ(p.told(), "update aqi_level/S1/AQI active 1, unacked, in maintenance; ");
  EXPECT_EQ(p.send(plan("7", 1, now, now + hours(2))).revision, 2);
  EXPECT_EQ(p.told(), "") << "it goes on for longer";
  AlertCommand again = cancel;
  again.id = "8";
  again.expected_revision = 2;
  EXPECT_EQ(p.send(again).refusal, Refusal::None);
  EXPECT_EQ(p.told(), "update! aqi_level/S1/AQI active 1, unacked; ");
  again.id = "9";
  again.expected_revision = 3;
  EXPECT_EQ(p.send(again).refusal, Refusal::NotPlanned);
}

TEST(AlertStage, ADeadGatewayCoversTheSilenceOfItsSites) {
  Partition p;
  const AlertKey gateway{"gateway_dead", "G1", Factor::None};
  p.signal(station("S1", "no_data", Factor::PM25), Active, 1);
  p.signal(station("S2", "no_data", Factor::PM25), Active, 1);
  p.signal(station("S1"), Active, 1);
  EXPECT_EQ(p.signal(gateway, Active, 1, {"S1"}),
            "alert! gateway_dead/G1/ active 1, unacked; "
            "update no_data/S1/PM2.5 active 1, unacked, inhibited by gateway_dead/G1/; ");
}

TEST(AlertStage, AFloodFoldsLevelOneIntoRowsAndDropsNothing) {
  Partition p;
  for (int i = 0; i < 10; ++i) p.signal(station("S" + std::to_string(i), "hour_limit", Factor::SO2), Active, 1);
  EXPECT_FALSE(p.stage.flood());
  EXPECT_EQ(p.signal(station("T1", "hour_limit", Factor::SO2), Active, 1),
            "alert hour_limit/T1/SO2 active 1, unacked, folded into C/SO2/1; ");
  EXPECT_TRUE(p.stage.flood());
  EXPECT_EQ(p.signal(station("T2", "hour_limit", Factor::NO2), Active, 1),
            "alert hour_limit/T2/NO2 active 1, unacked, folded into C/NO2/1; ");
  p.signal(station("T3", "hour_limit", Factor::SO2), Active, 1);
  ASSERT_EQ(p.out.rows.size(), 1U);
  EXPECT_EQ(p.out.rows[0].alerts, 2);
  EXPECT_EQ(p.out.rows[0].revision, 2);
  EXPECT_EQ(p.signal(station("T4"), Active, 2), "alert! aqi_level/T4/AQI active 2, unacked; ");
  EXPECT_EQ(p.signal(station("T3", "hour_limit", Factor::SO2), Active, 2),
            "update! hour_limit/T3/SO2 active 2, unacked; ")
      << "what rises leaves its row";
  EXPECT_EQ(p.stage.listed().size(), 14U);
  p.does(station("T2", "hour_limit", Factor::NO2), Acknowledge{});
  p.tick(minutes(10));
  EXPECT_FALSE(p.stage.flood());
  ASSERT_EQ(p.out.rows.size(), 2U);
  EXPECT_FALSE(p.out.rows[0].open || p.out.rows[1].open);
  EXPECT_NE(p.told().find("update! hour_limit/T1/SO2 active 1, unacked; "), std::string::npos);
  EXPECT_NE(p.told().find("update hour_limit/T2/NO2 active 1, acked; "), std::string::npos);
}

TEST(AlertStage, AFloodIsCountedForEachOperatorAndEndsWhenFewAreNew) {
  AlertRules rules;
  rules.operators = 2;
  Partition p(rules);
  for (int i = 0; i < 21; ++i) {
    EXPECT_FALSE(p.stage.flood()) << i;
    p.tick(seconds(10));
    p.signal(station("S" + std::to_string(i)), Active, 1);
  }
  EXPECT_TRUE(p.stage.flood());
  p.tick(minutes(8));
  EXPECT_TRUE(p.stage.flood()) << "12 are left";
  p.tick(minutes(1));
  EXPECT_FALSE(p.stage.flood());
}

TEST(AlertStage, TimeThatStandsOrGoesBackDoesNothing) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  p.tick(minutes(1));
  EXPECT_EQ(p.tick({}), "");
  EXPECT_EQ(p.tick(-minutes(30)), "");
  EXPECT_EQ(p.stage.now(), p.now + minutes(30));
}

TEST(AlertStage, StateOfAnotherVersionOrShapeIsRefused) {
  Partition p;
  p.signal(station("S1"), Active, 1);
  p.does(station("S1"), AddNote{"x"});
  int entries = 0;
  p.stage.save_changed([&](std::string_view key, std::string_view bytes) {
    ++entries;
    std::string other(bytes);
    ++other[0];
    EXPECT_FALSE(AlertStage(p.rules).load(key, other));
    EXPECT_FALSE(AlertStage(p.rules).load(key, std::string(bytes) + "x"));
    EXPECT_FALSE(AlertStage(p.rules).load(key, {}));
    EXPECT_FALSE(AlertStage(p.rules).load("?", bytes));
    AlertStage stage(p.rules);
    EXPECT_TRUE(stage.load(key, bytes));
    EXPECT_EQ(stage.load(key, bytes), key == "P") << "an alert or a command stands once";
  });
  EXPECT_EQ(entries, 3);
  p.stage.save_changed([](std::string_view, std::string_view) { FAIL() << "nothing changed"; });
}

}  // namespace
}  // namespace qc::core
