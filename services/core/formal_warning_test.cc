#include "core/formal_warning.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/formal_life.h"

namespace qc::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// One warning, and what the last step made of it.
struct One {
  FormalRules rules;
  FormalWarning w;
  EventTime now = event_time(1'790'000'000'000);
  std::vector<FormalChange> changes;
  bool published = false;
  bool attention = false;

  One() { rules.approvers = {"head"}; }

  template <class Act>
  void step(Act act) {
    FormalLife life(rules, w, now);
    act(life);
    changes = life.changes();
    published = life.published();
    attention = life.attention();
  }
  // "Draft Alert 2, follows 0: candidate 2!"
  std::string said() const {
    std::string s = "nothing";
    if (published) {
      s = std::string(name(w.message.status)) + " " + std::string(name(w.message.type)) + " " +
          std::to_string(w.message.level) + ", follows " + std::to_string(w.message.follows.number);
    }
    return s + ": " + summary(w) + (attention ? "!" : "");
  }
  std::string propose(int level, Basis basis = Basis::Forecasted, std::string_view criteria = "plan") {
    step([&](FormalLife& life) { life.propose(level, basis, criteria); });
    return said();
  }
  template <class What>
  Refusal does(What what, std::string_view who = "li") {
    Refusal r = Refusal::None;
    step([&](FormalLife& life) { r = life.apply(what, who); });
    return r;
  }
  std::string after(Duration d) {
    now += d;
    step([](FormalLife& life) { life.advance(); });
    return said();
  }
  void issue(int level) {
    propose(level);
    ASSERT_EQ(does(Approve{level, "head", ""}), Refusal::None);
    ASSERT_EQ(does(Issue{"head"}), Refusal::None);
  }
};

TEST(FormalWarning, IsProposedApprovedIssuedChangedAndLifted) {
  One one;
  EXPECT_EQ(summary(one.w), "none");
  EXPECT_EQ(one.propose(2), "Draft Alert 2, follows 0: candidate 2!");
  EXPECT_EQ(one.w.message.approver, "");
  EXPECT_EQ(one.does(Approve{2, "head", "by the forecast of today"}, "wang"), Refusal::None);
  EXPECT_EQ(one.said(), "nothing: candidate 2 approved");
  EXPECT_EQ(one.w.step(), FormalStep::Approved);
  EXPECT_EQ(one.w.measures_level(), 0);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::None);
  EXPECT_EQ(one.said(), "Actual Alert 2, follows 0: issued 2");
  EXPECT_EQ(one.w.message.approver, "head");
  EXPECT_EQ(one.w.message.basis, Basis::Forecasted);
  EXPECT_EQ(one.w.measures_level(), 2);
  EXPECT_EQ(one.w.issued.by, "li");
  EXPECT_EQ(one.w.issued.approved.by, "wang");
  EXPECT_EQ(one.w.issued.approved.comment, "by the forecast of today");
  const EventTime issued = one.now;
  one.after(minutes(30));
  EXPECT_EQ(one.propose(3), "Draft Alert 3, follows 0: issued 2, candidate 3!");
  EXPECT_EQ(one.w.measures_level(), 2) << "it goes on until the change is issued";
  EXPECT_EQ(one.w.issued.at, issued);
  EXPECT_EQ(one.does(Approve{3, "head", ""}), Refusal::None);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::None);
  EXPECT_EQ(one.said(), "Actual Update 3, follows 2: issued 3") << "of the Actual Alert, not of the Draft";
  EXPECT_EQ(one.propose(0), "nothing: issued 3, to be lifted!");
  EXPECT_EQ(one.w.measures_level(), 3);
  EXPECT_EQ(one.does(Lift{"head", "the wind has come"}), Refusal::None);
  EXPECT_EQ(one.said(), "Actual Cancel 3, follows 4: lifted");
  EXPECT_EQ(one.w.measures_level(), 0);
  EXPECT_EQ(one.w.issued.level, 3) << "what stood";
  EXPECT_EQ(one.propose(1), "Draft Alert 1, follows 0: candidate 1!");
  EXPECT_EQ(one.w.message.number, 6) << "numbers go on";
  EXPECT_EQ(one.w.issued, FormalIssue{});
  EXPECT_EQ(one.w.lifted, FormalLift{});
}

TEST(FormalWarning, ATransitionSaysWhoWhatAndWhy) {
  One one;
  one.propose(2, Basis::Both, "plan-2024");
  EXPECT_EQ(one.changes, (std::vector<FormalChange>{{"signals", "candidate 2", "both, by plan-2024"}}));
  one.does(Approve{2, "head", "seen"});
  EXPECT_EQ(one.changes, (std::vector<FormalChange>{{"li", "approved 2 as head", "seen"}}));
  one.propose(1);
  EXPECT_EQ(one.changes[0].what, "candidate 1, the approval of 2 lapses");
  one.does(Approve{1, "head", ""});
  one.does(Issue{"head"}, "wang");
  EXPECT_EQ(one.changes, (std::vector<FormalChange>{{"wang", "issued 1 as head", "approved by li"}}));
  one.propose(0);
  EXPECT_EQ(one.changes[0].what, "to be lifted");
  one.propose(1);
  EXPECT_EQ(one.changes[0].what, "goes on at 1");
  one.propose(0);
  one.after(hours(9));
  EXPECT_EQ(one.changes,
            (std::vector<FormalChange>{{"time", "overdue", "nobody lifted it"}, {"time", "published again", ""}}));
  one.does(Lift{"head", "over"});
  EXPECT_EQ(one.changes, (std::vector<FormalChange>{{"li", "lifted 1 as head", "over"}}));
}

TEST(FormalWarning, TheSameProposalAgainIsNothingAndAnotherBasisIsNoted) {
  One one;
  one.propose(2);
  one.does(Approve{2, "head", ""});
  const FormalWarning before = one.w;
  one.after(hours(1));
  EXPECT_EQ(one.propose(2), "nothing: candidate 2 approved");
  EXPECT_EQ(one.w, before);
  EXPECT_EQ(one.propose(2, Basis::Both), "Draft Update 2, follows 1: candidate 2 approved");
  EXPECT_EQ(one.w.proposed.at, before.proposed.at);
  EXPECT_EQ(one.w.approved.basis, Basis::Forecasted) << "what was approved";
  one.does(Issue{"head"});
  EXPECT_EQ(one.w.message.basis, Basis::Forecasted);
}

TEST(FormalWarning, RefusesWhatNobodyMayDo) {
  One one;
  one.rules.text_max = 10;
  EXPECT_EQ(one.does(Approve{0, "head", ""}), Refusal::NothingProposed);
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::NotIssued);
  one.propose(2);
  const FormalWarning before = one.w;
  EXPECT_EQ(one.does(Approve{2, "clerk", ""}), Refusal::NotApprover);
  EXPECT_EQ(one.does(Approve{2, "", ""}), Refusal::NotApprover);
  EXPECT_EQ(one.does(Approve{2, "head", ""}, ""), Refusal::WhoMissing);
  EXPECT_EQ(one.does(Approve{2, "head", "eleven more"}), Refusal::TooLong);
  EXPECT_EQ(one.does(Approve{3, "head", ""}), Refusal::OtherLevel);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::NotIssued);
  EXPECT_EQ(one.w, before);
  EXPECT_TRUE(one.changes.empty());
  EXPECT_EQ(one.does(Approve{2, "head", "ten indeed"}), Refusal::None);
  EXPECT_EQ(one.does(Approve{2, "head", ""}), Refusal::AlreadyApproved);
  EXPECT_EQ(one.does(Issue{"clerk"}), Refusal::NotApprover);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::None);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
  EXPECT_EQ(one.does(Approve{2, "head", ""}), Refusal::NothingProposed);
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::ConditionStands)
      << "lifting needs the criteria, forecast included";
  one.propose(0);
  EXPECT_EQ(one.does(Lift{"head", ""}), Refusal::ReasonMissing);
  EXPECT_EQ(one.does(Lift{"clerk", "over"}), Refusal::NotApprover);
  EXPECT_EQ(one.does(Approve{0, "head", ""}), Refusal::NothingProposed);
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::None);
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::NotIssued);
}

TEST(FormalWarning, WithoutApproversNothingIsEverActual) {
  One one;
  one.rules.approvers.clear();
  one.propose(3);
  EXPECT_EQ(one.does(Approve{3, "head", ""}), Refusal::NotApprover);
  one.rules.approvers = {""};
  EXPECT_EQ(one.does(Approve{3, "", ""}), Refusal::NotApprover) << "a role has a name";
}

TEST(FormalWarning, AnApprovalLapsesWhenAnotherLevelIsProposed) {
  One one;
  one.propose(2);
  one.does(Approve{2, "head", ""});
  EXPECT_EQ(one.propose(3), "Draft Update 3, follows 1: candidate 3!");
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
  EXPECT_EQ(one.propose(2), "Draft Update 2, follows 2: candidate 2!") << "and does not come back";
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
  one.does(Approve{2, "head", ""});
  EXPECT_EQ(one.propose(0), "Draft Cancel 2, follows 3: none");
  EXPECT_EQ(one.w.step(), FormalStep::None);
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
}

TEST(FormalWarning, AChangeThatIsProposedNoMoreIsGone) {
  One one;
  one.issue(2);
  one.propose(3);
  one.does(Approve{3, "head", ""});
  EXPECT_EQ(one.propose(2), "Draft Cancel 3, follows 3: issued 2");
  EXPECT_EQ(one.does(Issue{"head"}), Refusal::NotApproved);
  one.propose(1);
  EXPECT_EQ(one.propose(0), "Draft Cancel 1, follows 5: issued 2, to be lifted!");
  EXPECT_EQ(one.propose(3), "Draft Alert 3, follows 0: issued 2, candidate 3!") << "it goes on";
}

TEST(FormalWarning, WhatNobodyDecidesAsksOnceMore) {
  One one;
  one.propose(2);
  EXPECT_EQ(one.after(minutes(119)), "nothing: candidate 2");
  EXPECT_EQ(one.after(minutes(1)), "nothing: candidate 2, overdue!");
  EXPECT_EQ(one.after(hours(48)), "nothing: candidate 2, overdue");
  EXPECT_EQ(one.propose(3), "Draft Update 3, follows 1: candidate 3!");
  one.does(Approve{3, "head", ""});
  EXPECT_EQ(one.after(hours(2)), "nothing: candidate 3 approved, overdue!") << "approved is not issued";
  one.does(Issue{"head"});
  EXPECT_EQ(one.said(), "Actual Alert 3, follows 0: issued 3");
  one.propose(0);
  EXPECT_EQ(one.after(hours(2)), "nothing: issued 3, to be lifted, overdue!");
  one.does(Lift{"head", "over"});
  EXPECT_EQ(one.after(hours(48)), "nothing: lifted");
}

TEST(FormalWarning, InForceItIsPublishedAgainAWhileAfterItWasPublished) {
  One one;
  one.issue(1);  // messages 1 and 2
  const EventTime issued = one.now;
  EXPECT_EQ(one.after(hours(7)), "nothing: issued 1");
  one.propose(2);
  EXPECT_EQ(one.after(hours(1)), "Actual Update 1, follows 2: issued 1, candidate 2") << "a Draft is no publication";
  EXPECT_EQ(one.w.message.effective, issued);
  EXPECT_EQ(one.w.message.approver, "head");
  one.does(Approve{2, "head", ""});
  EXPECT_EQ(one.after(minutes(30)), "nothing: issued 1, candidate 2 approved");
  one.does(Issue{"head"});
  EXPECT_EQ(one.said(), "Actual Update 2, follows 4: issued 2");
  EXPECT_EQ(one.w.message.effective, one.now);
  EXPECT_EQ(one.after(minutes(239)), "nothing: issued 2");
  EXPECT_EQ(one.after(hours(100)), "Actual Update 2, follows 5: issued 2") << "one for a jump of time";
  EXPECT_EQ(one.after(minutes(239)), "nothing: issued 2");
  one.propose(0);
  EXPECT_EQ(one.after(minutes(1)), "Actual Update 2, follows 6: issued 2, to be lifted") << "until it is lifted";
  one.does(Lift{"head", "over"});
  EXPECT_EQ(one.after(hours(100)), "nothing: lifted");
}

TEST(FormalWarning, AMachineIssuesExercisesOnly) {
  One one;
  one.rules.auto_issue = true;
  EXPECT_EQ(one.propose(2), "Exercise Alert 2, follows 0: exercise 2, candidate 2!");
  EXPECT_EQ(one.changes[1], (FormalChange{"auto_issue", "exercise 2", ""}));
  EXPECT_EQ(one.w.step(), FormalStep::Issued);
  EXPECT_EQ(one.w.measures_level(), 0) << "a drill stops nothing";
  EXPECT_EQ(one.does(Lift{"head", "over"}), Refusal::NotIssued);
  EXPECT_EQ(one.propose(3), "Exercise Update 3, follows 1: exercise 3, candidate 3!");
  EXPECT_EQ(one.after(hours(9)), "nothing: exercise 3, candidate 3, overdue!") << "and it is not published again";
  EXPECT_EQ(one.propose(0), "Exercise Cancel 3, follows 2: none");
  EXPECT_EQ(one.w.issued, FormalIssue{});
}

TEST(FormalWarning, APersonMakesAnExerciseActual) {
  One one;
  one.rules.auto_issue = true;
  one.propose(2);
  one.does(Approve{2, "head", ""});
  EXPECT_EQ(one.said(), "nothing: exercise 2, candidate 2 approved");
  one.does(Issue{"head"});
  EXPECT_EQ(one.said(), "Actual Alert 2, follows 0: issued 2");
  EXPECT_EQ(one.w.measures_level(), 2);
  EXPECT_EQ(one.propose(3), "Draft Alert 3, follows 0: issued 2, candidate 3!") << "no exercise beside the real one";
  EXPECT_EQ(one.propose(0), "Draft Cancel 3, follows 3: issued 2, to be lifted!");
  EXPECT_EQ(one.w.message.status, FormalStatus::Draft);
  one.does(Lift{"head", "over"});
  EXPECT_EQ(one.said(), "Actual Cancel 2, follows 2: lifted");
  EXPECT_EQ(one.propose(1), "Exercise Alert 1, follows 0: exercise 1, candidate 1!");
}

TEST(FormalWarning, ACandidateStaysWhatItWasWhenItBegan) {
  One one;
  one.propose(1);
  one.rules.auto_issue = true;
  EXPECT_EQ(one.propose(2), "Draft Update 2, follows 1: candidate 2!");
  EXPECT_EQ(one.propose(0), "Draft Cancel 2, follows 2: none");
  one.propose(1);
  one.rules.auto_issue = false;
  EXPECT_EQ(one.propose(2), "Exercise Update 2, follows 4: exercise 2, candidate 2!");
}

// Whether it is read back, changed thus.
bool taken(FormalWarning w, const std::function<void(FormalWarning&)>& change) {
  change(w);
  std::string bytes;
  ByteWriter out(bytes);
  write_formal_warning(out, w);
  ByteReader in(bytes);
  const FormalWarning back = read_formal_warning(in);
  EXPECT_TRUE(back == (in.ok() ? w : FormalWarning{}));
  return in.done();
}

TEST(FormalWarning, BytesThatDoNotHoldTogetherAreMalformed) {
  One one;
  one.issue(2);
  one.propose(3);
  const FormalWarning& w = one.w;
  EXPECT_TRUE(taken(w, [](FormalWarning&) {}));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.issued.approved.by.clear(); })) << "issued, and nobody approved it";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.issued.level = 1; })) << "another level than approved";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.issued.at += hours(1); })) << "and not told";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.issued.exercise = true; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.published.number = 9; })) << "a message that is still to come";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.published = {}; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.published = b.draft; })) << "one message of two chains";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.draft = {}; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.message.approver = "head"; })) << "a Draft with an approver";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.message.status = FormalStatus::Actual; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.message.effective += hours(1); })) << "after it was sent";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.message.follows = {7, b.message.sent}; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.lifted.by = "li"; }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.proposed.level = 2; })) << "a Draft, and no candidate";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.approved = b.issued.approved; })) << "another level than proposed";
}

TEST(FormalWarning, BytesOfWhatIsDecidedHoldTogether) {
  One one;
  one.issue(2);
  const auto overdue = [](FormalWarning& b) { b.proposed.escalated = true; };
  EXPECT_FALSE(taken(one.w, overdue)) << "nothing is undecided";
  one.propose(0);
  EXPECT_TRUE(taken(one.w, overdue));
  one.does(Lift{"head", "over"});
  const FormalWarning& w = one.w;
  EXPECT_TRUE(taken(w, [](FormalWarning&) {}));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.lifted.role.clear(); })) << "as nobody";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.lifted.reason.clear(); }));
  EXPECT_FALSE(taken(w, [](FormalWarning& b) { b.issued = {}; })) << "lifted, and nothing stood";
  EXPECT_FALSE(taken(w, [](FormalWarning& b) {
    b.issued = {};
    b.lifted = {};
  })) << "a Cancel, and nothing was lifted";
}

TEST(FormalWarning, BytesOfAnExerciseHoldTogether) {
  One one;
  one.rules.auto_issue = true;
  one.propose(2);
  EXPECT_TRUE(taken(one.w, [](FormalWarning&) {}));
  EXPECT_FALSE(taken(one.w, [](FormalWarning& b) { b.issued.exercise = false; })) << "a drill made real";
  EXPECT_FALSE(taken(one.w, [](FormalWarning& b) { b.issued.role = "head"; })) << "by a machine";
  EXPECT_FALSE(taken(one.w, [](FormalWarning& b) { b.issued.level = 1; })) << "another level than proposed";
}

}  // namespace
}  // namespace qc::core
