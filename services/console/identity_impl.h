// What Identity consists of (identity.h): the book, the guard and the way into the log. Included by identity*.cc alone.
//
// Locks: `writing` is held by whoever appends, from reading the log's end to knowing what became of the records;
// `mutex` guards what is in memory and is never held while the log is waited for. `writing` is taken first.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "console/identity.h"
#include "console/identity_book.h"
#include "console/identity_guard.h"
#include "console/identity_secrets.h"

namespace qc::console {

template <class T>
Answered<T> refused(Refused why, std::string_view detail, std::chrono::seconds retry_after = {}) {
  Answered<T> answer;
  answer.refused = why;
  answer.detail = detail;
  answer.retry_after = retry_after;
  return answer;
}
template <class T, class U>
Answered<T> same_refusal(const Answered<U>& of) {
  return refused<T>(of.refused, of.detail, of.retry_after);
}
template <class T>
Answered<T> answered(T value) {
  Answered<T> answer;
  answer.value = std::move(value);
  return answer;
}
template <class T>
Answered<T> log_away(const Error& error) {
  return refused<T>(Refused::LogAway, "the log could not be read or written: " + describe(error));
}

struct Identity::Impl {
  Impl(stream::Log& of, IdentityOptions with, int users, int ledger);

  // One record to be written; its partition is the account's.
  struct Change {
    std::string account;
    std::string key;
    std::optional<std::string> value = {};  // nullopt: a tombstone
  };
  // What is said in the ledger of what was done to an account.
  struct Entry {
    std::string id;  // "users/account/NAME/REVISION"; unique
    std::string account;
    std::string who;
    std::string what;
    std::string why = {};
    std::string before = {};
    std::string after = {};
  };

  core::EventTime now() const;
  std::shared_ptr<const core::RuleSet> rules() const;

  // ---- the log (identity_log.cc); all but take() with `writing` held

  IdentityBook::Taken take(const stream::Record& record);  // takes `mutex`
  // Applies what there is up to the present end of all partitions, or of the accounts'.
  Result<void> read_new();
  // What became of each of them. When it returns, they are applied here.
  Result<std::vector<IdentityBook::Taken>> write(const std::vector<Change>& changes);
  Result<void> write_entry(const Entry& entry);
  Result<void> read_new_of(const std::vector<int>& partitions);
  Result<void> append(const std::vector<stream::NewRecord>& records);
  Result<void> pay_what_is_owed();

  // ---- accounts (identity_accounts.cc); with `writing` held

  // Writes the next revision of an account and its entry, and ends what it voids. `keep`: the session that stays.
  Answered<StoredAccount> write_account(StoredAccount account, const std::string& what,
                                        const StoredSession* keep = nullptr);
  Answered<StoredAccount> write_new_password(const std::string& name, PasswordHash hash, bool change_password,
                                             const std::string& by, const std::string& what,
                                             const StoredSession* keep = nullptr);
  AccountView view(const StoredAccount& account) const;  // with `mutex`
  std::optional<Answered<Nothing>> wrong_with(const AccountChange& change, const StoredAccount* before) const;
  std::optional<std::string> wrong_grants(const std::vector<Grant>& grants) const;           // why; one sentence
  std::vector<Change> tombstones(const std::string& account, const std::string& but) const;  // with `mutex`

  // ---- who asks (identity.cc); with `mutex`

  Answered<Principal> of_session(const Presented& given);
  Answered<Principal> of_token(const Presented& given);
  core::EventTime end_of(const IdentityBook::SeenSession& seen) const;
  bool is_void(const StoredSession& session) const;
  bool is_void(const StoredToken& token) const;
  std::vector<Grant> reach_of(const std::vector<Grant>& scope, const StoredAccount& account) const;
  std::vector<Change> sweep(const std::string& account, core::EventTime at) const;
  void write_use(const std::string& id);  // with neither; takes `writing` if it is free

  // ---- passwords (identity_sign_in.cc); with neither lock held, because hashing takes long

  // What the account's password was compared with, where it is right.
  Answered<PasswordHash> check_password(const std::string& account, const std::string& password,
                                        const std::string& peer);
  Answered<PasswordHash> new_hash(const std::string& password);

  stream::Log& log;
  const IdentityOptions options;
  const int users_partitions;
  const int ledger_partitions;

  std::mutex writing;
  std::unique_ptr<stream::Appender> appender;
  std::unique_ptr<stream::Reader> reader;

  mutable std::mutex mutex;
  IdentityBook book;
  Guard guard;
  Counts counts;
  struct Awaited {
    const Change* change;
    std::optional<IdentityBook::Taken> taken;
  };
  std::vector<Awaited> awaited;  // what is being written

  HashSlots slots;
  PasswordHash nobodys;  // what the password of a name that nobody has is compared with
};

// "operator@fenyang, viewer@*; offices: office; enabled": what the ledger says of an account.
std::string account_text(const StoredAccount& account);
std::string grants_text(const std::vector<Grant>& grants);
std::vector<Grant> sorted_grants(std::vector<Grant> grants);  // each once
// Text for the log: as it is, or "?" where it is none.
std::string user_text(const std::string& text);
std::string name_for_people(const StoredAccount& account);  // "zhang (张三)"
bool is_enabled_admin(const StoredAccount& account);

}  // namespace qc::console
