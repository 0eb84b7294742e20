// The machine of a formal warning over random histories of proposals, commands and time: it is what a model written
// apart says at every step; what the plan promises holds; saved and read anywhere nothing changes.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/formal_life.h"
#include "core/formal_warning_model.h"
#include "core/seeds_testing.h"

namespace qc::core {
namespace {

using fixture::default_seeds;
using fixture::for_each_seed;
using fixture::FormalModel;
using fixture::FormalRecord;
using fixture::Propose;
using std::chrono::hours;
using std::chrono::minutes;

constexpr int kRecords = 120;

// A random history, written as it is read: commands mostly fit what somebody may have seen.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    rules_.approvers = {"head", "chief"};
    rules_.auto_issue = seed % 3 == 0;
    rules_.text_max = 10;
    rules_.undecided = minutes(30 + 60 * static_cast<int>(seed % 3));
    rules_.republish = {hours(5), hours(3), hours(2)};
    eager_ = below(2) == 0;
  }
  const FormalRules& rules() const { return rules_; }
  EventTime now() const { return now_; }

  FormalRecord next(const FormalWarning& w) {
    if (below(80) == 0) rules_.auto_issue = !rules_.auto_issue;  // the rules were read again
    FormalRecord r;
    r.at = now_;
    r.who = below(40) == 0 ? "" : below(2) == 0 ? "li" : "wang";
    const auto dice = below(20);
    if (dice < 4) {
      r.what = proposal(w);
    } else if (dice < (eager_ ? 8U : 5U)) {
      const int level = below(6) == 0 ? static_cast<int>(below(5)) : w.proposed.level;
      r.what = Approve{level, role(), words()};
    } else if (dice < (eager_ ? 11U : 7U)) {
      r.what = Issue{role()};
    } else if (dice < (w.proposed.level == 0 ? 14U : 12U)) {
      r.what = Lift{role(), words()};
    } else {
      static constexpr std::array<int, 4> kSteps = {5, 30, 120, 1000};
      now_ += minutes(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(kSteps[below(kSteps.size())]))));
      r.at = now_;
      r.what = std::monostate();
    }
    return r;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  Propose proposal(const FormalWarning& w) {
    static constexpr std::array<int, 8> kLevelsDrawn = {0, 0, 0, 1, 1, 2, 2, 3};
    Propose p{w.proposed.level, w.proposed.basis, w.proposed.criteria};
    if (below(8) == 0) return p;  // the same again
    if (below(6) == 0) {
      p.level = w.measures_level();
    } else if (below(5) != 0) {
      p.level = kLevelsDrawn[below(kLevelsDrawn.size())];
    }
    static constexpr std::array<Basis, 4> kBases = {Basis::None, Basis::Observed, Basis::Forecasted, Basis::Both};
    p.basis = kBases[below(kBases.size())];
    p.criteria = below(4) == 0 ? "winter" : "plan";
    return p;
  }
  std::string role() {
    static constexpr std::array<const char*, 12> kRoles = {"head", "chief", "head", "chief", "head",  "chief",
                                                           "head", "chief", "head", "clerk", "chief", ""};
    return kRoles[below(kRoles.size())];
  }
  std::string words() { return below(10) == 0 ? "" : below(40) == 0 ? "much too long" : "because"; }

  std::mt19937_64 random_;
  bool eager_ = false;
  FormalRules rules_;
  EventTime now_ = event_time(1'790'000'000'000);
};

struct Outcome {
  Refusal refusal = Refusal::None;
  std::vector<FormalChange> changes;
  bool published = false;
  bool attention = false;
  bool operator==(const Outcome&) const = default;
};

Outcome apply(const FormalRules& rules, FormalWarning& w, const FormalRecord& r) {
  FormalLife life(rules, w, r.at);
  Outcome out;
  if (const auto* p = std::get_if<Propose>(&r.what)) life.propose(p->level, p->basis, p->criteria);
  if (const auto* a = std::get_if<Approve>(&r.what)) out.refusal = life.apply(*a, r.who);
  if (const auto* i = std::get_if<Issue>(&r.what)) out.refusal = life.apply(*i, r.who);
  if (const auto* l = std::get_if<Lift>(&r.what)) out.refusal = life.apply(*l, r.who);
  if (std::holds_alternative<std::monostate>(r.what)) life.advance();
  out.changes = life.changes();
  out.published = life.published();
  out.attention = life.attention();
  return out;
}

std::string bytes_of(const FormalWarning& w) {
  std::string bytes;
  ByteWriter out(bytes);
  write_formal_warning(out, w);
  return bytes;
}

TEST(FormalWarningProperty, IsWhatTheModelSaysAtEveryStep) {
  std::map<std::string, int> occurred;
  std::map<Refusal, int> refused;
  for_each_seed([&](std::uint64_t seed) {
    History history(seed);
    FormalWarning w;
    FormalModel model;
    for (int i = 0; i < kRecords; ++i) {
      const FormalRecord record = history.next(w);
      SCOPED_TRACE(std::to_string(i) + ": " + fixture::text(record));
      const Outcome out = apply(history.rules(), w, record);
      const FormalModel::Seen machine{out.refusal, out.attention, !out.changes.empty(), out.published, w.step(), w};
      ASSERT_EQ(model.step(history.rules(), record), machine);
      ++refused[out.refusal];
      ++occurred[std::string(name(w.step()))];
      if (out.published) {
        ++occurred[std::string(name(w.message.status)) + " " + std::string(name(w.message.type))];
      }
      if (w.in_force() && w.draft.number > 0) ++occurred["a change beside what is in force"];
      if (w.issued.exercise && w.approved.level > 0) ++occurred["approved beside an exercise"];
    }
  });
  if (!default_seeds()) return;
  for (const char* step : {"none", "candidate", "approved", "issued", "lifted"}) EXPECT_GT(occurred[step], 500) << step;
  for (const char* status : {"Draft", "Actual", "Exercise"}) {
    for (const char* type : {"Alert", "Update", "Cancel"}) {
      const std::string message = std::string(status) + " " + type;
      EXPECT_GT(occurred[message], 100) << message;
    }
  }
  EXPECT_GT(occurred["a change beside what is in force"], 100);
  EXPECT_GT(occurred["approved beside an exercise"], 100);
  for (const Refusal r : {Refusal::WhoMissing, Refusal::TooLong, Refusal::ReasonMissing, Refusal::ConditionStands,
                          Refusal::NotApprover, Refusal::NothingProposed, Refusal::OtherLevel, Refusal::AlreadyApproved,
                          Refusal::NotApproved, Refusal::NotIssued}) {
    EXPECT_GT(refused[r], 50) << name(r);
  }
}

// What may be said of the messages alone, and of who made them, by whoever reads them all.
class Reader {
 public:
  // `approved`: the level that a command of a role which may has approved, since the proposal last changed its level.
  void read(const FormalRules& rules, const FormalRecord& record, const FormalWarning& before, const FormalWarning& w,
            const Outcome& out) {
    if (const auto* a = std::get_if<Approve>(&record.what); a != nullptr && out.refusal == Refusal::None) {
      ASSERT_TRUE(rules.approvers.contains(a->role));
      ASSERT_EQ(a->level, w.proposed.level);
      approved_ = a->level;
      approver_ = a->role;
    } else if (w.proposed.level != before.proposed.level) {
      approved_ = 0;
    }
    ASSERT_EQ(out.published, w.message != before.message);
    if (out.published) message(rules, record, before, w.message);
    if (w.measures_level() != before.measures_level()) {
      ASSERT_TRUE(std::holds_alternative<Issue>(record.what) || std::holds_alternative<Lift>(record.what))
          << "measures begin, change and end by a person's command";
    }
  }

 private:
  struct Chain {
    bool open = false;
    FormalMessage last;
  };

  void message(const FormalRules& rules, const FormalRecord& record, const FormalWarning& before,
               const FormalMessage& m) {
    ASSERT_EQ(m.number, ++number_);
    ASSERT_EQ(m.sent, record.at);
    ASSERT_TRUE(1 <= m.level && m.level <= kLevels);
    ASSERT_EQ(m.status == FormalStatus::Actual, !m.approver.empty()) << "no Draft or Exercise with an approver";
    Chain& chain = chains_[m.status];
    ASSERT_EQ(m.type != FormalType::Alert, chain.open) << "an Alert, Updates, a Cancel";
    if (m.type == FormalType::Alert) {
      ASSERT_EQ(m.follows, FormalReference{});
    } else {
      ASSERT_EQ(m.follows, (FormalReference{chain.last.number, chain.last.sent})) << "the one before, of its status";
    }
    if (m.type == FormalType::Cancel) {
      ASSERT_EQ(m.level, chain.last.level) << "what it ends";
    }
    if (m.status == FormalStatus::Actual) actual(rules, record, before, m, chain.last);
    chain = {m.type != FormalType::Cancel, m};
  }

  void actual(const FormalRules& rules, const FormalRecord& record, const FormalWarning& before, const FormalMessage& m,
              const FormalMessage& last) {
    if (const auto* issue = std::get_if<Issue>(&record.what)) {
      ASSERT_TRUE(rules.approvers.contains(issue->role));
      ASSERT_NE(m.type, FormalType::Cancel);
      ASSERT_EQ(m.level, approved_) << "only what was approved";
      ASSERT_EQ(m.approver, approver_);
      // What it was, ends with it.
      chains_[FormalStatus::Draft].open = chains_[FormalStatus::Exercise].open = false;
      approved_ = 0;
    } else if (const auto* lift = std::get_if<Lift>(&record.what)) {
      ASSERT_TRUE(rules.approvers.contains(lift->role));
      ASSERT_EQ(m.type, FormalType::Cancel);
      ASSERT_EQ(before.proposed.level, 0) << "only where the criteria say it is over";
    } else {
      ASSERT_TRUE(std::holds_alternative<std::monostate>(record.what)) << "no proposal makes anything Actual";
      FormalMessage same = m;
      same.number = last.number;
      same.type = last.type;
      same.sent = last.sent;
      same.follows = last.follows;
      ASSERT_EQ(m.type, FormalType::Update);
      ASSERT_EQ(same, last) << "time repeats what a person issued";
    }
  }

  std::int64_t number_ = 0;
  std::map<FormalStatus, Chain> chains_;
  int approved_ = 0;
  std::string approver_;
};

TEST(FormalWarningProperty, HoldsWhatThePlanPromises) {
  int escalated = 0;
  int repeated = 0;
  int lapsed = 0;
  for_each_seed([&](std::uint64_t seed) {
    History history(seed);
    FormalWarning w;
    FormalWarning twin;
    Reader reader;
    bool escalated_already = false;
    for (int i = 0; i < kRecords; ++i) {
      const FormalRecord record = history.next(w);
      const FormalRules& rules = history.rules();
      SCOPED_TRACE(std::to_string(i) + ": " + fixture::text(record));
      const FormalWarning before = w;
      const Outcome out = apply(rules, w, record);
      ASSERT_EQ(out, apply(rules, twin, record));
      ASSERT_EQ(w, twin);
      ASSERT_EQ(before != w, !out.changes.empty()) << "every change is a transition, and every transition one";
      if (out.refusal != Refusal::None) {
        ASSERT_EQ(before, w);
      }
      reader.read(rules, record, before, w, out);
      if (::testing::Test::HasFatalFailure()) return;
      ASSERT_TRUE(!w.issued.exercise || w.measures_level() == 0);
      if (w.approved.level > 0) {
        ASSERT_EQ(w.approved.level, w.proposed.level);
      }
      lapsed += before.approved.level > 0 && w.approved.level == 0 && !w.in_force() ? 1 : 0;
      // Once a proposal, and never missed.
      if (w.proposed.level != before.proposed.level) escalated_already = false;
      if (w.proposed.escalated && !before.proposed.escalated) {
        ASSERT_FALSE(escalated_already);
        ASSERT_TRUE(out.attention);
        escalated_already = true;
        ++escalated;
      }
      if (!std::holds_alternative<std::monostate>(record.what)) continue;
      ASSERT_EQ(out.attention, w.proposed.escalated && !before.proposed.escalated);
      ASSERT_TRUE(!w.undecided() || w.proposed.escalated || record.at < w.proposed.at + rules.undecided);
      ASSERT_TRUE(!w.in_force() || record.at < w.published.sent + rules.republish_of(w.issued.level));
      if (!out.published) continue;
      ASSERT_TRUE(before.in_force()) << "not before it is issued, not once it is lifted";
      ASSERT_GE(record.at, before.published.sent + rules.republish_of(before.issued.level));
      ++repeated;
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(escalated, 500);
  EXPECT_GT(repeated, 500);
  EXPECT_GT(lapsed, 100);
}

TEST(FormalWarningProperty, ReadBackAnywhereIsUndisturbed) {
  for_each_seed([](std::uint64_t seed) {
    History history(seed);
    FormalWarning undisturbed;
    FormalWarning w;
    for (int i = 0; i < kRecords; ++i) {
      const std::string bytes = bytes_of(w);
      ByteReader in(bytes);
      w = read_formal_warning(in);
      ASSERT_TRUE(in.done()) << i;
      const FormalRecord record = history.next(undisturbed);
      SCOPED_TRACE(std::to_string(i) + ": " + fixture::text(record));
      ASSERT_EQ(apply(history.rules(), undisturbed, record), apply(history.rules(), w, record));
      ASSERT_EQ(undisturbed, w);
    }
  });
}

TEST(FormalWarningProperty, BrokenBytesAreRefusedOrHarmless) {
  int refused = 0;
  int taken = 0;
  for_each_seed([&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    History history(seed);
    FormalWarning w;
    for (int i = 0; i < kRecords; ++i) {
      apply(history.rules(), w, history.next(w));
      std::string bytes = bytes_of(w);
      if (random() % 4 == 0) {
        bytes.resize(random() % bytes.size());
      } else {
        bytes[random() % bytes.size()] = static_cast<char>(random() % 5);
      }
      ByteReader in(bytes);
      FormalWarning broken = read_formal_warning(in);
      if (!in.ok()) {
        ++refused;
        ASSERT_EQ(broken, FormalWarning{});
        continue;
      }
      ++taken;
      ASSERT_TRUE(!broken.in_force() || !broken.issued.approved.by.empty()) << "nothing in force that nobody approved";
      if (broken.message.sent > history.now()) continue;  // time never goes back
      History on = history;
      for (int k = 0; k < 10; ++k) {
        apply(on.rules(), broken, on.next(broken));
        // What it makes of it still holds together.
        const std::string again = bytes_of(broken);
        ByteReader back(again);
        ASSERT_TRUE(read_formal_warning(back) == broken)
            << FormalModel::Seen{Refusal::None, false, false, false, broken.step(), broken};
        ASSERT_TRUE(back.done());
      }
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(refused, 5000);
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace qc::core
