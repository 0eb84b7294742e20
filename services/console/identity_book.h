// The fold of `users`: accounts, sessions and tokens as its records leave them. Any prefix, repeated or compacted,
// gives the same book.
//
// Of two records of an account that say the same revision, the first counts: a record is taken if its revision is above
// the one that is known. Writers say the next one; a greater step is what compaction left of several. A record that
// came too late stands in the log behind the one that counts, and compaction would leave it alone there; so whoever
// reads it owes the log what counts once more (owed()). Likewise a session or token that was ended and then written
// again by somebody who did not know yet: ids are never used again, so the end counts, and is owed.
//
// What has expired or was voided by its account's sessions_from stays until a tombstone ends it: whether it holds is a
// question of the moment, not of the order of the records.
//
// A value; threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "console/identity_codec.h"
#include "stream/log.h"

namespace qc::console {

class IdentityBook {
 public:
  explicit IdentityBook(int partitions);

  enum class Taken : std::uint8_t {
    Repeat,   // it was applied before
    Yes,      // it counts
    Late,     // of an account: another record has its revision
    Ended,    // of a session or token that was ended before
    Refused,  // none of ours
  };
  Taken apply(const stream::Record& record);
  // The next offset of a partition that was not applied.
  stream::Offset next(int partition) const { return next_.at(static_cast<std::size_t>(partition)); }
  // There is nothing more before `end`.
  void reached(int partition, stream::Offset end);
  std::uint64_t refused() const { return refused_; }
  const std::string& last_refusal() const { return last_refusal_; }  // its reason; no content

  // A session with what only its reader knows.
  struct SeenSession {
    StoredSession session;
    core::EventTime used{};     // last
    core::EventTime written{};  // when its use was last written, or that was last tried
  };
  const StoredAccount* account(std::string_view name) const;
  SeenSession* session(std::string_view id);
  const StoredToken* token(std::string_view id) const;
  const std::map<std::string, StoredAccount, std::less<>>& accounts() const { return accounts_; }
  const std::map<std::string, SeenSession, std::less<>>& sessions() const { return sessions_; }
  const std::map<std::string, StoredToken, std::less<>>& tokens() const { return tokens_; }
  std::vector<const SeenSession*> sessions_of(std::string_view account) const;
  std::vector<const StoredToken*> tokens_of(std::string_view account) const;

  // What the log needs said again.
  struct Owed {
    std::string account;  // whose partition
    std::string key;
    std::optional<std::string> value;  // nullopt: a tombstone
  };
  std::vector<Owed> owed() const;

  // The same accounts, sessions and tokens, whatever was read on the way there.
  bool same(const IdentityBook& other) const;

 private:
  Taken take(const stream::Record& record);
  Taken take(StoredAccount&& account, std::string_view value);
  Taken take(StoredSession&& session);
  Taken take(StoredToken&& token);
  Taken end(const UserKey& key);
  Taken refuse(std::string reason);
  void remember_ended(std::string key);
  bool of_partition(std::string_view account, int partition) const;

  std::vector<stream::Offset> next_;
  std::map<std::string, StoredAccount, std::less<>> accounts_;
  std::map<std::string, SeenSession, std::less<>> sessions_;
  std::map<std::string, StoredToken, std::less<>> tokens_;
  std::set<std::pair<std::string, std::string>> session_index_;  // account, id
  std::set<std::pair<std::string, std::string>> token_index_;
  std::set<std::string, std::less<>> late_;  // accounts that are owed
  // Keys of what was ended, the oldest first; no writer is behind by more of them.
  static constexpr std::size_t kEndedMax = 10'000;
  std::set<std::string, std::less<>> ended_;
  std::deque<std::string> ended_order_;
  std::map<std::string, std::string, std::less<>> ended_again_;  // key: account; tombstones that are owed
  std::uint64_t refused_ = 0;
  std::string last_refusal_;
};

}  // namespace qc::console
