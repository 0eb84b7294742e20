// The alert stage over random histories of signals, commands and time: it is what a model written apart says at every
// step; what the plan promises holds, flapping and floods included; and a crash anywhere leaves no trace.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>

#include "core/alert_model.h"
#include "core/alert_stage.h"
#include "core/alert_testing.h"
#include "core/condition.h"
#include "core/episode_signal.h"
#include "core/seeds_testing.h"

namespace qc::core {
namespace {

using fixture::AlertModel;
using fixture::AlertRecord;
using fixture::default_seeds;
using fixture::for_each_seed;
using std::chrono::minutes;
using std::chrono::seconds;

AlertRules rules_of(std::uint64_t seed, bool flaps) {
  AlertRules rules;
  rules.flood_new = 3 + static_cast<int>(seed % 5);
  rules.flood_over = 2;
  rules.operators = 1 + static_cast<int>(seed % 2);
  rules.notes_max = 2;
  rules.commands_remembered = seed % 3 == 0 ? 5 : 1000;
  rules.signals_remembered = 1000;
  rules.flapping_begins = flaps ? 3 : 1'000'000;
  rules.flapping_window = minutes(2);
  rules.formal_rules.clear();  // alert_formal_property_test.cc
  return rules;
}

// A random history, written as it is read: commands name the revision that somebody may have seen.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    for (const char* site : {"S1", "S2", "S3", "S4"}) {
      keys_.push_back({"aqi_level", site, Factor::AQI});
      keys_.push_back({"no_data", site, Factor::PM25});
    }
    keys_.push_back({"warning", "C", Factor::AQI});
    keys_.push_back({"warning", "D", Factor::AQI});
    keys_.push_back({"joint_warning", "P", Factor::AQI});
    keys_.push_back({"gateway_dead", "G1", Factor::None});
    busy_ = random_() % 3 == 0;
  }
  const std::vector<AlertKey>& keys() const { return keys_; }

  AlertRecord next(const AlertStage& stage) {
    const auto dice = below(10);
    if (dice < (busy_ ? 6U : 4U)) return signal();
    if (dice < 7) return command(stage);
    if (below(30) != 0) {
      static constexpr std::array<int, 5> kSteps = {1, 15, 60, 300, 4000};
      now_ += seconds(1 + below(static_cast<std::uint64_t>(kSteps[below(busy_ ? 2 : kSteps.size())])));
    } else {
      return now_ - minutes(5);
    }
    return now_;
  }

 private:
  struct Told {
    Signal signal;  // the last of its id
    int level = 1;
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  AlertRecord signal() {
    const AlertKey& key = keys_[busy_ && below(2) == 0 ? 0 : below(keys_.size())];
    auto& told = told_[key];
    if (!history_.empty() && below(12) == 0) return history_[below(history_.size())];  // a repeat
    const bool open =
        !told.empty() && (told.back().state == SignalState::Active || told.back().state == SignalState::Stale);
    Signal s;
    std::size_t place = told.size();
    if (told.empty() || below(25) == 0 || (!open && below(5) != 0)) {
      s = fixture::alert_signal(key, static_cast<int>(place) + 1, 1, SignalState::Active, level(), now_);
      if (below(12) == 0) s.state = SignalState::Cleared;  // found late
      if (key.subject == "S4" || key.subject == "D") s.region = "D";
      told.push_back(s);
    } else {
      // The last one mostly; else a correction of one before.
      place = below(15) == 0 ? below(told.size()) : told.size() - 1;
      s = told[place];
      s.revision += 1 + static_cast<int>(below(2));
      static constexpr std::array<SignalState, 8> kNext = {
          SignalState::Active, SignalState::Active, SignalState::Cleared,     SignalState::Cleared,
          SignalState::Active, SignalState::Stale,  SignalState::EndedNoData, SignalState::Withdrawn};
      s.state = kNext[below(kNext.size())];
      if (s.state == SignalState::Active || below(10) == 0) s.level = level();
    }
    s.at = now_;
    s.covers.clear();
    if (key.rule == "joint_warning" && below(2) == 0) s.covers = {"C"};
    if (key.rule == "gateway_dead") s.covers = {"S1", "S2"};
    told[place] = s;
    history_.push_back(s);
    return s;
  }
  int level() {
    static constexpr std::array<int, 6> kLevelsDrawn = {1, 1, 1, 2, 2, 3};
    return kLevelsDrawn[below(kLevelsDrawn.size())];
  }

  AlertRecord command(const AlertStage& stage) {
    if (!commands_.empty() && below(8) == 0) return commands_[below(commands_.size())];  // sent again
    AlertCommand c;
    c.id = below(60) == 0 ? "" : "c" + std::to_string(commands_.size());
    c.who = below(40) == 0 ? "" : "li";
    c.key = keys_[below(keys_.size())];
    if (const auto listed = stage.listed(); !listed.empty() && below(4) != 0) c.key = listed[below(listed.size())]->key;
    const Alert* alert = stage.find(c.key);
    c.expected_revision = alert == nullptr ? 1 : alert->revision;
    if (below(5) == 0) c.expected_revision += static_cast<std::int64_t>(below(4)) - 2;
    const std::string reason = below(12) == 0 ? "" : "because";
    switch (below(12)) {
      case 0:
        c.what = Assign{below(3) == 0 ? "" : "wang"};
        break;
      case 1:
        c.what = AddNote{reason};
        break;
      case 2:
        c.what = Shelve{now_ + seconds(static_cast<std::int64_t>(below(40'000)) - 1000), reason};
        break;
      case 3:
        c.what = Shelve{std::nullopt, reason};
        break;
      case 4:
        c.what = Unshelve{};
        break;
      case 5:
        c.what = TakeOutOfService{now_ + minutes(static_cast<std::int64_t>(below(300)) - 5), reason};
        break;
      case 6:
        c.what = ReturnToService{};
        break;
      case 7:
      case 8:
        c.what = Shown{reason};
        break;
      case 9:
        c.what = CloseAlert{reason};
        break;
      default:
        c.what = Acknowledge{reason};
    }
    commands_.push_back(c);
    return c;
  }

  std::mt19937_64 random_;
  bool busy_ = false;
  EventTime now_ = fixture::kAlertStart;
  std::vector<AlertKey> keys_;
  std::map<AlertKey, std::vector<Signal>> told_;
  std::vector<Signal> history_;
  std::vector<AlertCommand> commands_;
};

void apply(AlertStage& stage, const AlertRecord& record, AlertOutputs& out) {
  if (const auto* s = std::get_if<Signal>(&record)) stage.apply(*s, out);
  if (const auto* c = std::get_if<AlertCommand>(&record)) stage.apply(*c, out);
  if (const auto* t = std::get_if<EventTime>(&record)) stage.advance(*t, out);
}

// What was in the record, for a failure's message.
std::string text(const AlertRecord& record) {
  if (const auto* s = std::get_if<Signal>(&record)) {
    return s->id + "@" + std::to_string(s->revision) + " " + std::string(name(s->state)) + " " +
           std::to_string(s->level);
  }
  if (const auto* c = std::get_if<AlertCommand>(&record)) {
    return c->id + " " + std::string(name(*c)) + " " + text(c->key) + " r" + std::to_string(c->expected_revision);
  }
  return "tick " + to_iso(std::get<EventTime>(record));
}

constexpr int kRecords = 200;

TEST(AlertProperty, IsWhatTheModelSaysAtEveryStep) {
  std::map<std::string, int> occurred;
  std::map<Refusal, int> refused;
  int floods = 0;
  for_each_seed([&](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed, false);
    AlertStage stage(rules);
    AlertModel model(rules);
    History history(seed);
    AlertOutputs out;
    for (int i = 0; i < kRecords; ++i) {
      const AlertRecord record = history.next(stage);
      SCOPED_TRACE(std::to_string(i) + ": " + text(record));
      out.clear();
      apply(stage, record, out);
      const auto outcome = model.step(record);
      ASSERT_EQ(outcome.has_value() ? 1U : 0U, out.outcomes.size());
      if (outcome) {
        const CommandOutcome& o = out.outcomes[0];
        ASSERT_EQ(name(outcome->refusal), name(o.refusal));
        ASSERT_EQ(outcome->revision, o.revision);
        ASSERT_EQ(o.command, std::get<AlertCommand>(record).id);
        ASSERT_EQ(o.refusal == Refusal::StaleRevision, o.current.has_value());
        ++refused[o.refusal];
      }
      std::map<AlertKey, const ToldAlert*> told;
      for (const ToldAlert& t : out.alerts) {
        ASSERT_TRUE(told.emplace(t.alert.key, &t).second) << "told twice in one step";
        ASSERT_EQ(fixture::text(t), fixture::text(ToldAlert{t.telling, t.annunciate, *stage.find(t.alert.key)}));
      }
      for (const auto& [key, seen] : model.seen()) {
        const Alert* alert = stage.find(key);
        ASSERT_NE(alert, nullptr);
        const AlertModel::Seen machine = AlertModel::seen_of(*alert, told.contains(key) ? told[key] : nullptr);
        ASSERT_EQ(seen, machine) << text(key);
        if (!seen.told.empty()) ++occurred[seen.told];
      }
      ASSERT_EQ(model.flood(), stage.flood());
      floods += model.flood() ? 1 : 0;
    }
  });
  if (!default_seeds()) return;
  for (const char* told : {"alert", "alert!", "update", "update!", "cancel"}) EXPECT_GT(occurred[told], 100) << told;
  // What follows is of formal warnings: formal_warning_property_test.cc.
  for (std::size_t r = 0; r <= static_cast<std::size_t>(Refusal::NotesFull); ++r) {
    if (static_cast<Refusal>(r) == Refusal::TooLong) continue;  // its own test
    EXPECT_GT(refused[static_cast<Refusal>(r)], 0) << name(static_cast<Refusal>(r));
  }
  EXPECT_GT(floods, 100);
}

// Of everything that is told, flapping and floods included.
TEST(AlertProperty, HoldsWhatThePlanPromises) {
  int flapping = 0;
  int summaries = 0;
  int folded = 0;
  int cleared_by_silence = 0;
  for_each_seed([&](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed, true);
    AlertStage stage(rules);
    History history(seed);
    AlertOutputs out;
    std::map<AlertKey, std::int64_t> revisions;
    std::map<AlertKey, bool> standing;  // between an Alert and its Cancel
    std::map<AlertKey, EventTime> quiet_until;
    std::map<std::string, CommandOutcome> answers;
    std::map<std::string, std::int64_t> in_rows;
    for (int i = 0; i < kRecords; ++i) {
      const AlertRecord record = history.next(stage);
      SCOPED_TRACE(std::to_string(i) + ": " + text(record));
      const auto* command = std::get_if<AlertCommand>(&record);
      const auto* signal = std::get_if<Signal>(&record);
      out.clear();
      apply(stage, record, out);
      for (const ToldAlert& t : out.alerts) {
        const Alert& a = t.alert;
        ASSERT_EQ(a.revision, revisions[a.key] + 1);
        revisions[a.key] = a.revision;
        ASSERT_EQ(t.telling == Telling::Alert, !standing[a.key])
            << "no Update or Cancel without an Alert, and one Alert";
        standing[a.key] = t.telling != Telling::Cancel;
        ASSERT_EQ(a.listed, standing[a.key]);
        // Missing data clear nothing: what stands, stays listed; and at its end only a person takes it off.
        if (t.telling == Telling::Cancel) {
          ASSERT_FALSE(a.open());
          if (a.condition.state == SignalState::EndedNoData && a.condition.level >= rules.level_kept) {
            ASSERT_TRUE(a.closed);
            ++cleared_by_silence;
          }
        }
        // Level 3 breaks suppression.
        if (a.condition.level >= rules.level_breaking) {
          ASSERT_EQ(a.suppressed, a.out_of_service.on);
          ASSERT_TRUE(!a.shelf.on || a.condition.state == SignalState::Withdrawn);
          ASSERT_TRUE(a.inhibited_by.empty());
        }
        ASSERT_FALSE(t.annunciate && a.suppressed);
        // While it flaps: by a person, at level 3, or once a window.
        const bool at_top =
            a.condition.level >= rules.level_breaking || (signal != nullptr && signal->level >= rules.level_breaking);
        if (a.flapping && t.telling == Telling::Update && command == nullptr && !at_top && !a.escalated) {
          ++flapping;
          if (signal == nullptr) {
            ASSERT_TRUE(!quiet_until.contains(a.key) || stage.now() >= quiet_until[a.key]);
            quiet_until[a.key] = stage.now() + rules.flapping_window;
            ++summaries;
          }
        }
        // A flood drops nothing and folds neither level 2 nor 3.
        if (!a.fold.empty()) {
          ASSERT_LE(a.condition.level, rules.level_folded);
          if (t.telling == Telling::Alert) ++in_rows[a.fold];
          ++folded;
        }
      }
      for (const FoldRow& row : out.rows) ASSERT_EQ(row.alerts, in_rows[row.id]);
      if (signal != nullptr && (signal->state == SignalState::Active || signal->state == SignalState::Stale)) {
        const Alert* alert = stage.find({signal->rule, signal->subject, signal->factor});
        ASSERT_TRUE(alert != nullptr);
        if (alert->condition.id == signal->id && alert->condition.revision == signal->revision) {
          ASSERT_TRUE(alert->listed && standing[alert->key]) << "whatever is folded or suppressed, it stands";
        }
      }
      // Every command is answered once, and its repeats the same way.
      ASSERT_EQ(out.outcomes.size(), command != nullptr ? 1U : 0U);
      if (command != nullptr && !command->id.empty() && rules.commands_remembered > kRecords) {
        const auto [first, is_new] = answers.emplace(command->id, out.outcomes[0]);
        ASSERT_EQ(first->second.refusal, out.outcomes[0].refusal);
        ASSERT_EQ(first->second.revision, out.outcomes[0].revision);
        ASSERT_TRUE(is_new || (out.alerts.empty() && out.ledger.empty()));
      }
      // Every transition is in the ledger.
      for (const ToldAlert& t : out.alerts) {
        ASSERT_TRUE(std::any_of(out.ledger.begin(), out.ledger.end(),
                                [&t](const LedgerEntry& e) { return e.subject == text(t.alert.key); }));
      }
      if (command != nullptr) {
        const auto by_hand =
            std::count_if(out.ledger.begin(), out.ledger.end(), [](const LedgerEntry& e) { return e.who == "li"; });
        ASSERT_LE(by_hand, 1);
        ASSERT_TRUE(by_hand == 0 || out.outcomes[0].accepted());
      }
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(flapping, 100);
  EXPECT_GT(summaries, 20);
  EXPECT_GT(folded, 100);
  EXPECT_GT(cleared_by_silence, 20);
}

// Through the machine of the condition, as the processor runs it.
TEST(AlertProperty, NoiseInsideTheDeadBandGivesAtMostOneAlert) {
  int alerts = 0;
  for_each_seed([&alerts](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    SignalRule rule{.id = "reading_over_limit", .kind = SignalKind::ReadingOverLimit, .clause = "", .on = {}};
    rule.dead_band_percent = 10;
    rule.no_data = minutes(30);
    rule.stale_max = minutes(600);
    const Criteria criteria = make_criteria(rule, {ug(500)}, "");
    Track track;
    AlertStage stage{AlertRules{}};
    AlertOutputs out;
    std::int64_t number = 0;
    int told = 0;
    EventTime at = fixture::kAlertStart;
    for (int i = 0; i < 300; ++i, at += minutes(1)) {
      out.clear();
      stage.advance(at, out);
      Observation o;
      o.at = at;
      // Above the lower end of the band; about the limit; sometimes nothing.
      if (random() % 8 != 0)
        o.pg = ug(451).pg + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(ug(100).pg));
      if (track.step(&criteria, o)) {
        Episode& e = track.episodes().back();
        if (e.number == 0) e.number = ++number;
        ++e.revision;
        ASSERT_TRUE(stage.apply(signal_of(e, rule.id, "S1", Factor::SO2, Window::Reading, i), out));
      }
      for (const ToldAlert& t : out.alerts) told += t.telling == Telling::Alert ? 1 : 0;
      ASSERT_LE(told, 1);
    }
    alerts += told;
  });
  if (!default_seeds()) return;
  EXPECT_GT(alerts, 250);
}

using SavedAlerts = std::map<std::string, std::string>;

void save_into(AlertStage& stage, SavedAlerts& state) {
  stage.save_changed([&state](std::string_view key, std::string_view bytes) {
    if (bytes.empty()) {
      ASSERT_EQ(state.erase(std::string(key)), 1U) << "what was never saved is erased";
    } else {
      state[std::string(key)] = std::string(bytes);
    }
  });
}

TEST(AlertProperty, RestoredAnywhereIsUndisturbed) {
  for_each_seed([](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed, seed % 2 == 0);
    std::mt19937_64 random(seed);
    AlertStage undisturbed(rules);
    auto stage = std::make_unique<AlertStage>(rules);
    History history(seed);
    SavedAlerts state;
    std::vector<AlertRecord> log;
    std::vector<std::string> expected;
    std::size_t committed = 0;
    AlertOutputs out;
    for (int i = 0; i < kRecords; ++i) {
      log.push_back(history.next(undisturbed));
      out.clear();
      apply(undisturbed, log.back(), out);
      expected.push_back(fixture::text(out));
    }
    for (std::size_t i = 0; i < log.size(); ++i) {
      out.clear();
      apply(*stage, log[i], out);
      ASSERT_EQ(expected[i], fixture::text(out)) << i << ": " << text(log[i]);
      if (random() % 10 == 0) {
        save_into(*stage, state);
        committed = i + 1;
      }
      if (random() % 40 != 0) continue;
      stage = std::make_unique<AlertStage>(rules);
      std::vector<std::pair<std::string, std::string>> entries(state.begin(), state.end());
      std::shuffle(entries.begin(), entries.end(), random);
      for (const auto& [key, bytes] : entries) ASSERT_TRUE(stage->load(key, bytes));
      i = committed - 1;  // unsigned: from the beginning where nothing was committed
    }
  });
}

TEST(AlertProperty, BrokenBytesAreRefusedOrHarmless) {
  int refused = 0;
  int taken = 0;
  for_each_seed([&](std::uint64_t seed) {
    const AlertRules rules = rules_of(seed, true);
    std::mt19937_64 random(seed);
    AlertStage stage(rules);
    History history(seed);
    AlertOutputs out;
    for (int i = 0; i < kRecords / 2; ++i) apply(stage, history.next(stage), out);
    SavedAlerts state;
    save_into(stage, state);
    for (int round = 0; round < 8; ++round) {
      auto at = state.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random() % state.size()));
      std::string key = at->first;
      std::string bytes = at->second;
      std::string& broken = random() % 6 == 0 ? key : bytes;
      if (random() % 3 == 0) {
        broken.resize(random() % (broken.size() + 1));
      } else {
        broken[random() % broken.size()] = static_cast<char>(random());
      }
      AlertStage other(rules);
      bool fine = true;
      for (const auto& [k, b] : state) fine = fine && (k == at->first ? other.load(key, bytes) : other.load(k, b));
      ++(fine ? taken : refused);
      if (!fine) continue;
      History on = history;
      for (int i = 0; i < kRecords / 4; ++i) apply(other, on.next(other), out);
      SavedAlerts again;
      other.save_changed([&again](std::string_view k, std::string_view b) { again[std::string(k)] = std::string(b); });
    }
  });
  if (!default_seeds()) return;
  EXPECT_GT(refused, 100);
  EXPECT_GT(taken, 20);
}

}  // namespace
}  // namespace qc::core
