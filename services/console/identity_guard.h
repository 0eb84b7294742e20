// Against guessing: who tried wrong passwords lately, by account and by peer, and how long each must wait. A try counts
// as failed from its beginning, so that many at once are counted as many; one that turns out right takes that back.
//
// An IPv6 peer is its /64: that is what one customer gets. A try while waiting is refused and counts for nothing. What
// failed longest ago is forgotten first, where there are more than watched_max; and all that is lock_max past its last
// failure and its wait.
//
// A value with a clock given to it; threads: one at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "core/time.h"

namespace qc::console {

struct GuardOptions {
  int failures_before_delay = 5;
  std::chrono::seconds lock_first{2};
  std::chrono::seconds lock_max{900};
  std::size_t watched_max = 100'000;
};

class Guard {
 public:
  explicit Guard(GuardOptions options) : options_(options) {}

  // 0: go on. Otherwise so long to wait. `peer` empty: none is known.
  std::chrono::seconds begin(const std::string& account, const std::string& peer, core::EventTime now);
  // It was right: the account's failures are forgotten, and taken off the peer's.
  void succeeded(const std::string& account, const std::string& peer);
  // It was never looked at.
  void undo(const std::string& account, const std::string& peer);
  // How long the next try must wait.
  std::chrono::seconds wait(const std::string& account, const std::string& peer, core::EventTime now) const;

  std::size_t watched() const { return entries_.size(); }

 private:
  struct Entry {
    int failures = 0;
    core::EventTime last{};  // failure
    core::EventTime locked_until{};
    std::list<std::string>::iterator place;  // in by_age_
  };
  std::chrono::seconds left_of(const std::string& key, core::EventTime now) const;
  void fail(const std::string& key, core::EventTime now);
  int take_back(const std::string& key, int failures);  // how many it had
  bool is_old(const Entry& entry, core::EventTime now) const;
  void forget_old(core::EventTime now);

  GuardOptions options_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> by_age_;  // of the last failure, the oldest first
};

}  // namespace qc::console
