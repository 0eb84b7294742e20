// A naive batch computation over a plain list of readings, for the property tests: what the reading stage must have
// published in the end. Written apart from it on purpose: maps, 128-bit sums, and conditions judged by looking back
// over all hours each time. For tests only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/ledger.h"
#include "core/output.h"
#include "core/reading.h"
#include "core/rules.h"

namespace qc::core::fixture {

struct NaiveHour {
  bool amended = false;
  bool valid = false;
  bool audited = false;
  std::int64_t value = 0;
  std::int64_t sum = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  int count = 0;
  int expected = 0;
  Source source = Source::None;
};

struct NaiveIndex {
  int value = -1;
  std::vector<Factor> primary;
  std::map<Factor, int> sub;
};

struct NaiveEpisode {
  std::string rule;
  std::string site;
  Factor factor = Factor::None;
  EventTime began{};
  EventTime at{};
  SignalState state = SignalState::None;
  int level = 0;
  std::int64_t limit = 0;
  std::string clause;
  auto key() const { return std::tie(rule, site, factor, began, at, state, level, limit, clause); }
  bool operator<(const NaiveEpisode& o) const { return key() < o.key(); }
  bool operator==(const NaiveEpisode& o) const { return key() == o.key(); }
};

class Oracle {
 public:
  explicit Oracle(const RuleSet& rules);

  // The log, in its order: it decides what is late, unknown or ahead, and which amendment came last; nothing else.
  void read(const ReadingBatch& batch);
  void read(const Register& site) { known_.insert(site.site); }
  void read(const Tick& tick);
  void read(const Amend& amend);

  using Key = std::tuple<std::string, Factor, EventTime>;
  // Of every (site, factor, hour) that has a reading or an amendment.
  std::map<Key, NaiveHour> hours() const;
  std::map<std::pair<std::string, EventTime>, NaiveIndex> indices() const;
  // Of the rules over hours, over all closed hours.
  std::vector<NaiveEpisode> episodes() const;

  EventTime frontier() const { return frontier_; }
  std::int64_t count(Account a) const { return accounts_[static_cast<std::size_t>(a)]; }
  // Stored, replaced and duplicate together: which is which depends on the order.
  std::int64_t measured() const { return measured_; }

 private:
  struct Value {
    std::int64_t stamp;
    std::int64_t pg;
    Flag flag;
    auto operator<=>(const Value&) const = default;
  };
  using Lane = std::pair<Source, int>;
  std::vector<NaiveEpisode> fold(const SignalRule& rule, const std::string& site, Factor factor,
                                 const std::map<EventTime, std::int64_t>& values) const;

  const RuleSet& rules_;
  std::set<std::string> known_;
  EventTime now_ = EventTime::min();
  EventTime frontier_ = EventTime::min();
  std::map<Key, std::map<Lane, std::map<EventTime, Value>>> slots_;
  std::map<Key, Amend> amends_;
  std::array<std::int64_t, kAccounts> accounts_{};
  std::int64_t measured_ = 0;
};

}  // namespace qc::core::fixture
