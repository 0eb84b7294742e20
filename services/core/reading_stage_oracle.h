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
  // Of the `count` readings, those that came outside what is plausible, and at the end of the instrument's range.
  int beyond_range = 0;
  int clipped = 0;
  int suspect = 0;  // either or both
  Source source = Source::None;
};

struct NaiveIndex {
  int value = -1;
  std::vector<Factor> primary;
  std::map<Factor, int> sub;
};
// By the factor and the column of the edition's table that it is read against.
using NaiveItems = std::map<std::pair<Factor, Window>, std::int64_t>;

__extension__ using Wide = __int128;
// Half to even, for what is not negative.
std::int64_t round_to_even(Wide n, Wide d);

// HJ 633: what the `items` make. `others`: what speaks instead of an item above the end of its table. An `exempt`
// pollutant may be missing.
NaiveIndex naive_index(const AqiEdition& edition, const NaiveItems& items, const NaiveItems& others,
                       const std::vector<Factor>& exempt);
// The column that the real-time report reads the factor's 1 h mean against.
Window hourly_column(const AqiEdition& edition, Factor factor);

// The first of those dated that holds at the last instant of a window that ends at `end` and is `wanted`.
template <class T, class Wanted>
const T* in_force(const std::vector<T>& all, EventTime end, const Wanted& wanted) {
  const EventTime instant = end - Duration(1);
  for (const T& t : all) {
    if (t.dated.from <= instant && instant < t.dated.until && wanted(t)) return &t;
  }
  return nullptr;
}
const Validity* naive_validity(const RuleSet& rules, Factor factor, Window window, EventTime end);

class Oracle {
 public:
  // `timeline`: in a fed log a configured site is known from the first record that names it.
  explicit Oracle(const RuleSet& rules, Timeline timeline = Timeline::Wall);

  // The log, in its order: it decides what is late, unknown or ahead, which amendment came last, and when a series
  // became known; nothing else.
  void read(const ReadingBatch& batch);
  void read(const Register& site);
  void read(const Tick& tick);
  void read(const Amend& amend);
  // Of an hour behind the horizon, where the stage takes it.
  void read_past(const Amend& amend);

  using Key = std::tuple<std::string, Factor, EventTime>;
  // Of every (site, factor, hour) that has a reading or an amendment. Computed once, after the last read().
  const std::map<Key, NaiveHour>& hours() const;
  std::map<std::pair<std::string, EventTime>, NaiveIndex> indices() const;
  // What was measured, whatever anybody said of it.
  NaiveHour measured(const Key& key) const;

  // From when on a series is missed where it is silent: from the hour that was open when it became known, by the
  // configuration or by a record. Not of a series that became known just before a jump of time and was read within it:
  // a jump publishes of all silence the last hour alone, and the stage keeps of each series what it published and its
  // latest reading, so that nothing says any more that it was missed before the first of them.
  const std::map<std::pair<std::string, Factor>, EventTime>& missed_since() const { return missed_since_; }

  EventTime frontier() const { return frontier_; }
  const RuleSet& rules() const { return rules_; }
  // The area's class at the last instant of a window that ends at `end`.
  AreaClass area(const std::string& site, EventTime end) const;
  std::vector<Factor> exempt(const std::string& site) const;
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
  std::map<Key, NaiveHour> all_hours() const;
  // `only`: of that one alone.
  std::map<Key, NaiveHour> measured_hours(const Key* only = nullptr) const;
  void name_site(const std::string& id);
  void miss(const std::string& site, Factor factor, EventTime hour);

  const RuleSet& rules_;
  mutable std::optional<std::map<Key, NaiveHour>> hours_;
  std::set<std::string> known_;
  std::map<std::pair<std::string, Factor>, EventTime> missed_since_;
  std::map<std::string, AreaClass> registered_;
  EventTime now_ = EventTime::min();
  EventTime frontier_ = EventTime::min();
  std::map<Key, std::map<Lane, std::map<EventTime, Value>>> slots_;
  std::map<Key, Amend> amends_;
  std::array<std::int64_t, kAccounts> accounts_{};
  std::int64_t measured_ = 0;
};

}  // namespace qc::core::fixture
