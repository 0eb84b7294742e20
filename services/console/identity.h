// Identity: accounts, sessions and API tokens of the topic `users`, which holds hashes only. Who asks is a Principal
// (principal.h); how they prove it is behind Authenticator, so that another way (OIDC) is another class and nothing
// else changes.
//
// The book is a fold of `users`: every console of a log knows the same accounts, and a session made by one is known to
// the others once they have read it. What is written here is known here when the call returns.
//
// Passwords: scrypt (RFC 7914) by OpenSSL, N 2^15, r 8, p 1, in at most `hashes_at_once` threads at a time; a name that
// nobody has costs as much. Secrets are 256 random bits; what is stored is their SHA-256, compared in constant time.
//
// Guessing: after `failures_before_delay` wrong passwords of an account or a peer the next try must wait, doubled each
// time up to lock_max; a right password while locked is refused the same way. Kept in memory, bounded; a restart
// forgets it, which costs a guesser a restart.
//
// Lifecycle: create over the log; apply() every record of `users`, by whoever follows the log; then ask. Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "console/principal.h"
#include "stream/log.h"

namespace qc::console {

inline constexpr const char* kUsers = "users";

struct IdentityOptions {
  std::chrono::minutes session_idle{60 * 12};  // a session ends so long after its last use ...
  std::chrono::hours session_max{24 * 7};      // ... and so long after it began, whatever was done
  std::chrono::hours token_max{24 * 366};
  std::size_t accounts_max = 10'000;
  std::size_t sessions_per_account_max = 20;  // the oldest goes
  std::size_t tokens_per_account_max = 50;
  int failures_before_delay = 5;
  std::chrono::seconds lock_first{2};
  std::chrono::seconds lock_max{900};
  std::size_t watched_max = 100'000;  // accounts and peers that guessed
  int hashes_at_once = 2;
  int scrypt_log2_n = 15;                // tests take less
  std::function<core::EventTime()> now;  // empty: the machine's clock
  // The rules in force, so that what a token reaches is told by the tree of regions; empty or nullptr: only the same
  // region, or "*", is within another, and any name may be a region.
  std::function<std::shared_ptr<const core::RuleSet>()> rules;
  std::string version;  // of the binary
};

// What was wrong, as a caller must tell it. Never says which of name and password.
enum class Refused : std::uint8_t {
  None = 0,
  NotSignedIn,     // no session or token, or none that is known
  Expired,         // session or token is over
  WrongPassword,   // name or password
  Locked,          // too many failures: retry_after
  Disabled,        //
  WeakPassword,    // too short (12), too long (256), the name in it, or one of the most used
  ChangeFirst,     // the password must be changed before anything else
  UnknownAccount,  //
  AlreadyThere,    // an account of that name
  StaleRevision,   // the account is another by now
  BadName,         // 2..32 of a-z 0-9 . _ -
  BadGrant,        // a role or region that there is not, beyond what the maker has
  LastAdmin,       // nobody could keep accounts any more
  TooMany,         // a limit
  LogAway,         // could not be written: try again
};
std::string_view name(Refused r);  // "wrong_password"

template <class T>
struct Answered {
  Refused refused = Refused::None;
  std::chrono::seconds retry_after{0};
  std::string detail;  // one sentence, English, no secret
  T value{};
  bool ok() const { return refused == Refused::None; }
};
struct Nothing {};

// What a request carries. Views of the request.
struct Credentials {
  std::string_view session;  // the cookie's value; empty: none
  std::string_view bearer;   // of Authorization: Bearer; empty: none
  std::string_view peer;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Neither session nor bearer: NotSignedIn.
  virtual Answered<Principal> authenticate(const Credentials& given) = 0;
};

struct NewSession {
  Principal who;
  std::string secret;  // for the cookie; told once
};

struct AccountView {  // what an admin may see
  std::string name;
  std::string full_name;
  std::int64_t revision = 0;
  std::vector<Grant> grants;
  std::vector<std::string> offices;
  bool has_password = false;
  bool change_password = false;
  bool disabled = false;
  core::EventTime changed{};
  std::string changed_by;
  std::size_t sessions = 0;
  std::size_t tokens = 0;
};

struct AccountChange {  // absent: as it was
  std::string name;
  std::optional<std::int64_t> expected_revision;  // a new account: absent
  std::optional<std::string> full_name;
  std::optional<std::vector<Grant>> grants;
  std::optional<std::vector<std::string>> offices;
  std::optional<bool> disabled;
};

struct TokenView {
  std::string id;
  std::string account;
  std::string note;
  std::vector<Grant> scope;
  core::EventTime made{};
  core::EventTime expires{};
};

struct NewToken {
  TokenView token;
  std::string secret;  // "qct_ID_SECRET"; told once
};

class Identity : public Authenticator {
 public:
  // topic_unknown where the log lacks `users` or `ledger`.
  static Result<std::unique_ptr<Identity>> create(stream::Log& log, IdentityOptions options);
  ~Identity() override;

  // One record of `users`, in the log's order; repeats do nothing. What is none of ours is counted and passed over.
  void apply(const stream::Record& record);
  // Reads `users` to its present end: for those who do not follow (`qingchuan user`).
  Result<void> read_all();
  std::uint64_t refused_records() const;

  Answered<Principal> authenticate(const Credentials& given) override;
  Answered<NewSession> sign_in(const std::string& account, const std::string& password, const std::string& peer);
  Answered<Nothing> sign_out(const Principal& who);  // of a session
  // Ends all other sessions and every token of the account.
  Answered<Nothing> change_password(const Principal& who, const std::string& old_password,
                                    const std::string& new_password);

  // Of admins; `by`: who does it, for the ledger. Everything here writes an entry of the ledger. A new password and a
  // disabled account end all sessions and tokens, as end_sessions does.
  std::vector<AccountView> accounts() const;  // by name
  std::optional<AccountView> account(const std::string& name) const;
  // The one-time password that it has at first.
  Answered<std::string> add_account(const AccountChange& account, const std::string& by);
  Answered<AccountView> change_account(const AccountChange& change, const std::string& by);
  Answered<std::string> reset_password(const std::string& name, const std::string& by);
  // One that somebody chose; also where there was none.
  Answered<Nothing> set_password(const std::string& name, const std::string& password, const std::string& by);
  std::vector<TokenView> tokens(const std::string& account) const;
  // `scope` empty: all that the account has now, without admin; what it gets later is not in it. Never admin. A token
  // reaches what its scope and the account's grants both do, at any time.
  Answered<NewToken> make_token(const std::string& account, const std::string& note, const std::vector<Grant>& scope,
                                std::chrono::hours lasting, const std::string& by);
  Answered<Nothing> revoke_token(const std::string& account, const std::string& id, const std::string& by);
  Answered<Nothing> end_sessions(const std::string& account, const std::string& by);

  // Where there is no account at all: makes "admin" with a one-time password, which is returned; two processes that
  // start at once make one. nullopt: there are accounts already.
  Result<std::optional<std::string>> make_first_admin();

  struct Counts {
    std::size_t accounts = 0, sessions = 0, tokens = 0;
    std::uint64_t sign_ins = 0, failures = 0, lockouts = 0;
  };
  Counts counts() const;

 private:
  struct Impl;
  explicit Identity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qc::console
