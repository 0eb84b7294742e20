#include "core/alert.h"

#include <gtest/gtest.h>

#include "core/alert_life.h"
#include "core/alert_testing.h"

namespace qc::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using enum SignalState;

const AlertKey kKey{"reading_over_limit", "S1", Factor::SO2};

// One alert, and what the last step told.
struct One {
  AlertRules rules;
  AlertLife life{kKey};
  EventTime now = fixture::kAlertStart;
  std::vector<LedgerEntry> ledger;
  int number = 1;
  int signal_revision = 0;
  std::optional<ToldAlert> told;

  const Alert& alert() const { return life.alert(); }
  void settle() { told = life.settle(rules, now); }
  std::string said() const {
    return told ? std::string(name(told->telling)) + (told->annunciate ? "! " : " ") + summary(told->alert) : "nothing";
  }
  std::string signal(SignalState state, int level) {
    life.apply(rules, fixture::alert_signal(kKey, number, ++signal_revision, state, level, now), now, ledger);
    settle();
    return said();
  }
  std::string next_signal(SignalState state, int level) {
    ++number;
    signal_revision = 0;
    return signal(state, level);
  }
  template <class What>
  Refusal does(What what) {
    return does_at(alert().revision, std::move(what));
  }
  template <class What>
  Refusal does_at(std::int64_t revision, What what) {
    const Refusal r = life.apply(rules, fixture::alert_command("1", kKey, revision, std::move(what)), now, ledger);
    settle();
    return r;
  }
  std::string after(Duration d) {
    now += d;
    life.advance(rules, now, ledger);
    settle();
    return said();
  }
};

TEST(Alert, IsToldAsAlertUpdateAndCancelWithRevisionsThatGoOnByOne) {
  One one;
  EXPECT_EQ(one.signal(Active, 1), "alert! active 1, unacked");
  EXPECT_EQ(one.alert().revision, 1);
  EXPECT_EQ(one.signal(Active, 2), "update! active 2, unacked");
  EXPECT_EQ(one.signal(Active, 1), "update active 1, unacked");
  EXPECT_EQ(one.does(Acknowledge{"seen"}), Refusal::None);
  EXPECT_EQ(one.said(), "update active 1, acked");
  EXPECT_EQ(one.signal(Cleared, 1), "cancel cleared 1, acked");
  EXPECT_EQ(one.alert().revision, 5);
  EXPECT_FALSE(one.alert().listed);
  EXPECT_EQ(one.next_signal(Active, 1), "alert! active 1, unacked");
  EXPECT_EQ(one.alert().episode, 2);
  EXPECT_EQ(one.alert().revision, 6) << "a revision names one state of the key, over all episodes";
  EXPECT_EQ(one.alert().level_max, 1);
  EXPECT_EQ(one.ledger.size(), 6U);
  EXPECT_EQ(one.ledger[1].before, "active 1, unacked");
  EXPECT_EQ(one.ledger[1].after, "active 2, unacked");
  EXPECT_EQ(one.ledger[3].who, "li");
  EXPECT_EQ(one.ledger[3].why, "seen");
}

TEST(Alert, RepeatsAndOlderRevisionsOfSignalsChangeNothing) {
  One one;
  one.signal(Active, 1);
  one.signal(Active, 2);
  for (const int revision : {1, 2}) {
    EXPECT_FALSE(one.life.apply(one.rules, fixture::alert_signal(kKey, 1, revision, Cleared, 1), one.now, one.ledger));
  }
  one.does(Acknowledge{});
  one.signal(Cleared, 2);
  one.next_signal(Active, 1);
  // Of the episode before.
  EXPECT_FALSE(one.life.apply(one.rules, fixture::alert_signal(kKey, 1, 2, Active, 2), one.now, one.ledger));
  const std::size_t entries = one.ledger.size();
  // A correction of what is over: for the ledger alone.
  EXPECT_TRUE(one.life.apply(one.rules, fixture::alert_signal(kKey, 1, 4, Cleared, 3), one.now, one.ledger));
  EXPECT_EQ(one.ledger.size(), entries + 1);
  one.settle();
  EXPECT_EQ(one.said(), "nothing");
  EXPECT_FALSE(one.life.apply(one.rules, fixture::alert_signal(kKey, 1, 4, Cleared, 3), one.now, one.ledger));
}

TEST(Alert, AsksAgainWhenTheLevelRisesOrTheAcknowledgementTimesOut) {
  One one;
  one.signal(Active, 1);
  one.does(Acknowledge{});
  EXPECT_EQ(one.signal(Active, 2), "update! active 2, unacked");
  one.does(Acknowledge{});
  EXPECT_EQ(one.signal(Stale, 2), "update stale 2, acked");
  EXPECT_EQ(one.after(hours(4) - seconds(1)), "nothing");
  EXPECT_EQ(one.after(seconds(1)), "update! stale 2, unacked");
  EXPECT_EQ(one.does(Acknowledge{}), Refusal::None);
  EXPECT_EQ(one.does(Acknowledge{}), Refusal::AlreadyAcked);
}

TEST(Alert, ClearedButUnacknowledgedStaysListedFromLevelTwo) {
  One one;
  one.signal(Active, 1);
  EXPECT_EQ(one.signal(Cleared, 1), "cancel cleared 1, unacked");
  one.next_signal(Active, 2);
  one.signal(Active, 1);
  EXPECT_EQ(one.signal(Cleared, 1), "update cleared 1, unacked") << "2 was never acknowledged";
  // It goes on with what comes next, and still owes an acknowledgement of 2.
  EXPECT_EQ(one.next_signal(Active, 1), "update! active 1, unacked");
  EXPECT_EQ(one.alert().occurrences, 2);
  EXPECT_EQ(one.signal(Cleared, 1), "update cleared 1, unacked");
  EXPECT_EQ(one.does(Acknowledge{}), Refusal::None);
  EXPECT_EQ(one.said(), "cancel cleared 1, acked");
}

TEST(Alert, MissingDataNeverClearsAndEndedWithoutDataWaitsForAPerson) {
  One one;
  one.signal(Active, 2);
  one.does(Acknowledge{});
  EXPECT_EQ(one.signal(Stale, 2), "update stale 2, acked");
  EXPECT_EQ(one.does(CloseAlert{"tidy"}), Refusal::ConditionStands);
  EXPECT_EQ(one.signal(EndedNoData, 2), "update ended_no_data 2, acked");
  EXPECT_EQ(one.does(CloseAlert{}), Refusal::ReasonMissing);
  EXPECT_EQ(one.does(CloseAlert{"the site was taken down"}), Refusal::None);
  EXPECT_EQ(one.said(), "cancel ended_no_data 2, acked, closed");
  one.next_signal(Active, 1);
  one.does(Acknowledge{});
  one.signal(Stale, 1);
  EXPECT_EQ(one.signal(EndedNoData, 1), "cancel ended_no_data 1, acked");
}

TEST(Alert, DataThatComeBackAfterTheEndAskForAttentionAgain) {
  One one;
  one.signal(Active, 2);
  one.does(Acknowledge{});
  one.signal(EndedNoData, 2);
  EXPECT_EQ(one.next_signal(Active, 1), "update! active 1, unacked");
}

TEST(Alert, WithdrawnEndsItUnlessSomebodyHadToDoWithIt) {
  One one;
  one.signal(Active, 3);
  EXPECT_EQ(one.signal(Withdrawn, 3), "cancel withdrawn 3, unacked");
  one.next_signal(Active, 1);
  one.does(Acknowledge{});
  EXPECT_EQ(one.signal(Withdrawn, 1), "update! withdrawn 1, unacked");
  EXPECT_EQ(one.does(Acknowledge{}), Refusal::None);
  EXPECT_EQ(one.said(), "cancel withdrawn 1, acked");
  // A correction that is corrected.
  EXPECT_EQ(one.signal(Active, 1), "alert! active 1, unacked");
}

TEST(Alert, OverBeforeItWasToldIsListedFromLevelTwo) {
  One one;
  EXPECT_EQ(one.signal(Cleared, 1), "nothing");
  EXPECT_EQ(one.next_signal(Withdrawn, 3), "nothing");
  EXPECT_EQ(one.alert().revision, 0);
  EXPECT_EQ(one.next_signal(Cleared, 2), "alert! cleared 2, unacked");
  one.does(Acknowledge{});
  EXPECT_EQ(one.said(), "cancel cleared 2, acked");
  EXPECT_EQ(one.signal(Cleared, 2), "nothing") << "of the past";
  EXPECT_EQ(one.signal(Cleared, 3), "alert! cleared 3, unacked") << "it was worse than anybody was told";
}

TEST(Alert, CommandsNameTheRevisionThatTheirSenderSaw) {
  One one;
  EXPECT_EQ(one.does_at(0, Acknowledge{}), Refusal::UnknownAlert);
  one.signal(Active, 1);
  one.signal(Active, 2);
  EXPECT_EQ(one.does_at(1, Acknowledge{}), Refusal::StaleRevision);
  EXPECT_EQ(one.does_at(3, Acknowledge{}), Refusal::StaleRevision);
  EXPECT_EQ(one.does_at(1, Assign{"wang"}), Refusal::StaleRevision);
  EXPECT_EQ(one.does_at(1, Shown{"c1"}), Refusal::StaleRevision) << "shown at level 1 is not shown at level 2";
  EXPECT_EQ(one.does_at(1, AddNote{"seen on the way"}), Refusal::None);
  EXPECT_EQ(one.alert().revision, 3);
  EXPECT_EQ(one.does_at(2, Shown{"c1"}), Refusal::None);
  EXPECT_EQ(one.said(), "nothing") << "what is shown makes nobody's revision an old one";
  EXPECT_EQ(one.does_at(3, Assign{"wang"}), Refusal::None);
  EXPECT_EQ(one.alert().assignee, "wang");
  one.does(Acknowledge{});
  one.signal(Cleared, 2);
  EXPECT_EQ(one.does(AddNote{"late"}), Refusal::NotListed);
}

TEST(Alert, CommandsWithoutAnAuthorOrBeyondTheirLimitsAreRefused) {
  One one;
  one.signal(Active, 1);
  const auto refused = [&one](std::string id, std::string who, std::string note) {
    const AlertCommand c = fixture::alert_command(std::move(id), kKey, 1, AddNote{std::move(note)}, std::move(who));
    return one.life.apply(one.rules, c, one.now, one.ledger);
  };
  EXPECT_EQ(refused("", "li", "x"), Refusal::IdMissing);
  EXPECT_EQ(refused("1", "", "x"), Refusal::WhoMissing);
  EXPECT_EQ(refused("1", "li", ""), Refusal::ReasonMissing);
  EXPECT_EQ(refused("1", "li", std::string(one.rules.text_max + 1, 'x')), Refusal::TooLong);
  EXPECT_EQ(refused(std::string(501, 'x'), "li", "x"), Refusal::TooLong);
  one.rules.notes_max = 1;
  EXPECT_EQ(refused("1", "li", "x"), Refusal::None);
  one.settle();
  EXPECT_EQ(one.does(AddNote{"y"}), Refusal::NotesFull);
  EXPECT_EQ(one.ledger.size(), 2U) << "what is refused is no transition";
}

TEST(Alert, IsShelvedForATimeWithAReason) {
  One one;
  one.signal(Active, 1);
  EXPECT_EQ(one.does(Shelve{one.now + hours(1), ""}), Refusal::ReasonMissing);
  EXPECT_EQ(one.does(Shelve{one.now, "road works"}), Refusal::PastUntil);
  EXPECT_EQ(one.does(Shelve{one.now + hours(8) + seconds(1), "road works"}), Refusal::BeyondLimit);
  EXPECT_EQ(one.does(Unshelve{}), Refusal::NotShelved);
  EXPECT_EQ(one.does(Shelve{one.now + hours(8), "road works"}), Refusal::None);
  EXPECT_EQ(one.said(), "update active 1, unacked, shelved");
  EXPECT_EQ(one.signal(Active, 2), "update active 2, unacked, shelved") << "told, without asking for attention";
  EXPECT_EQ(one.after(hours(8) - seconds(1)), "nothing") << "nothing escalates on a shelf";
  EXPECT_EQ(one.after(seconds(1)), "update! active 2, unacked");
  EXPECT_EQ(one.does(Shelve{one.now + hours(1), "road works"}), Refusal::None);
  EXPECT_EQ(one.does(Unshelve{}), Refusal::None);
  EXPECT_EQ(one.said(), "update! active 2, unacked");
}

TEST(Alert, AOneShotShelfEndsWithTheEpisodeAndATimedOneDoesNot) {
  One one;
  one.signal(Active, 1);
  one.does(Shelve{std::nullopt, "known"});
  EXPECT_EQ(one.after(hours(100)), "nothing");
  EXPECT_EQ(one.signal(Cleared, 1), "cancel cleared 1, unacked");
  EXPECT_EQ(one.next_signal(Active, 1), "alert! active 1, unacked");
  one.does(Shelve{one.now + hours(8), "known"});
  one.signal(Cleared, 1);
  EXPECT_EQ(one.next_signal(Active, 1), "alert active 1, unacked, shelved");
  one.signal(Cleared, 1);
  EXPECT_EQ(one.does(Unshelve{}), Refusal::None);
  EXPECT_EQ(one.said(), "nothing") << "it is not listed";
  EXPECT_EQ(one.next_signal(Active, 1), "alert! active 1, unacked");
}

TEST(Alert, LevelThreeBreaksTheShelf) {
  One one;
  one.signal(Active, 1);
  one.does(Shelve{one.now + hours(1), "known"});
  EXPECT_EQ(one.signal(Active, 3), "update! active 3, unacked");
  EXPECT_EQ(one.ledger.back().what, "active 3, which breaks the shelf");
  EXPECT_EQ(one.does(Shelve{one.now + hours(1), "known"}), Refusal::LevelBreaks);
  one.life.inhibit("warning/C/AQI", one.now, one.ledger);
  one.settle();
  EXPECT_FALSE(one.alert().suppressed);
}

TEST(Alert, OutOfServiceHidesUntilItsTimeIsUp) {
  One one;
  one.signal(Active, 3);
  EXPECT_EQ(one.does(ReturnToService{}), Refusal::NotOutOfService);
  EXPECT_EQ(one.does(TakeOutOfService{one.now + hours(24 * 31), "calibration"}), Refusal::BeyondLimit);
  EXPECT_EQ(one.does(TakeOutOfService{one.now + hours(24), "calibration"}), Refusal::None);
  EXPECT_EQ(one.said(), "update active 3, unacked, out of service");
  EXPECT_EQ(one.after(hours(24)), "update! active 3, unacked");
  one.does(TakeOutOfService{one.now + hours(24), "calibration"});
  EXPECT_EQ(one.does(ReturnToService{}), Refusal::None);
  EXPECT_EQ(one.said(), "update! active 3, unacked");
}

TEST(Alert, WhatNoConsoleShowsEscalatesOnce) {
  One one;
  one.signal(Active, 1);
  EXPECT_EQ(one.after(seconds(59)), "nothing");
  EXPECT_EQ(one.after(seconds(1)), "update! active 1, unacked, escalated");
  EXPECT_EQ(one.after(hours(1)), "nothing");
  EXPECT_EQ(one.signal(Active, 3), "update! active 3, unacked");
  EXPECT_EQ(one.after(seconds(30)), "update! active 3, unacked, escalated");
  one.does(Acknowledge{});
  one.after(hours(1));  // the acknowledgement times out
  EXPECT_EQ(one.does(Shown{"c1"}), Refusal::None);
  EXPECT_EQ(one.after(hours(1)), "nothing");
  EXPECT_EQ(one.alert().shown_on, "c1");
}

TEST(Alert, FlappingIsToldOnceAWindow) {
  One one;
  one.rules.flapping_begins = 3;
  std::string told;
  for (int i = 0; i < 3; ++i) {
    if (i > 0) told += one.next_signal(Active, 1) + "; ";
    if (i == 0) told += one.signal(Active, 1) + "; ";
    if (i < 2) told += one.signal(Cleared, 1) + "; ";
  }
  EXPECT_EQ(told,
            "alert! active 1, unacked; cancel cleared 1, unacked; alert! active 1, unacked; "
            "cancel cleared 1, unacked; alert! active 1, unacked, flapping; ");
  EXPECT_EQ(one.does(Acknowledge{"a loose plug"}), Refusal::None) << "people are heard at once";
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(one.signal(Cleared, 1), "nothing");
    EXPECT_EQ(one.after(seconds(30)), "nothing");
    EXPECT_EQ(one.next_signal(Active, 1), "nothing");
  }
  EXPECT_EQ(one.after(minutes(5)), "update active 1, acked, flapping") << "the summary; acknowledged is acknowledged";
  EXPECT_EQ(one.alert().occurrences, 11);
  EXPECT_EQ(one.after(minutes(10)), "update active 1, acked");
  EXPECT_EQ(one.signal(Cleared, 1), "cancel cleared 1, acked");
}

TEST(Alert, WhatFlapsUnseenEscalatesAndAsksForAttentionInItsSummary) {
  One one;
  one.rules.flapping_begins = 2;
  one.signal(Active, 1);
  one.does(Shown{"c1"});
  one.signal(Cleared, 1);
  EXPECT_EQ(one.next_signal(Active, 1), "alert! active 1, unacked, flapping");
  EXPECT_EQ(one.after(seconds(60)), "update! active 1, unacked, escalated, flapping");
  one.after(minutes(8));
  EXPECT_EQ(one.signal(Active, 2), "nothing");
  EXPECT_EQ(one.signal(Active, 1), "nothing");
  EXPECT_EQ(one.signal(Active, 2), "nothing");
  EXPECT_EQ(one.after(minutes(1)), "update! active 2, unacked, flapping");
  EXPECT_EQ(one.alert().owed, 2);
}

TEST(Alert, LevelThreeIsToldAtOnceEvenWhileItFlaps) {
  One one;
  one.rules.flapping_begins = 2;
  one.signal(Active, 1);
  EXPECT_EQ(one.signal(Active, 2), "update! active 2, unacked, flapping");
  EXPECT_EQ(one.signal(Active, 1), "nothing");
  EXPECT_EQ(one.signal(Active, 3), "update! active 3, unacked, flapping");
  EXPECT_EQ(one.signal(Active, 1), "update active 1, unacked, flapping");
}

TEST(Alert, BytesOfAnAlertAreReadBackWhole) {
  One one;
  one.signal(Active, 2);
  one.does(Acknowledge{"seen"});
  one.does(Assign{"wang"});
  one.does(AddNote{"smells of paint"});
  one.does(Shelve{one.now + hours(1), "known"});
  std::string bytes;
  ByteWriter w(bytes);
  one.life.write(w);
  ByteReader in(bytes);
  AlertLife other;
  ASSERT_TRUE(other.read(in));
  ASSERT_TRUE(in.done());
  EXPECT_EQ(fixture::text(ToldAlert{Telling::Update, false, other.alert()}),
            fixture::text(ToldAlert{Telling::Update, false, one.alert()}));
  ASSERT_EQ(other.alert().notes, one.alert().notes);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    ByteReader cut(std::string_view(bytes).substr(0, n));
    EXPECT_FALSE(AlertLife().read(cut)) << n;
  }
}

}  // namespace
}  // namespace qc::core
