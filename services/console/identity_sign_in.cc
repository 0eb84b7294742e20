// Passwords and sessions: signing in and out.
#include <algorithm>

#include "console/identity_impl.h"
#include "platform/log.h"
#include "wire/limits.h"

namespace qc::console {
namespace {

using core::EventTime;
using std::chrono::seconds;

constexpr auto kHashWait = seconds(10);               // for a free slot
constexpr auto kKeptExpired = std::chrono::hours(2);  // clocks of consoles differ, and uses are written late
constexpr std::size_t kSweptAtOnce = 100;

}  // namespace

Answered<PasswordHash> Identity::Impl::new_hash(const std::string& password) {
  const auto slot = slots.take(kHashWait);
  if (!slot) return refused<PasswordHash>(Refused::TooMany, "too many passwords are looked at now", seconds(5));
  auto hash = hash_password(password, options.scrypt_log2_n);
  if (!hash) return refused<PasswordHash>(Refused::TooMany, "there is no memory to look at a password", seconds(5));
  return answered(std::move(*hash));
}

Answered<PasswordHash> Identity::Impl::check_password(const std::string& account, const std::string& password,
                                                      const std::string& peer) {
  // A text that can be no name counts for the peer alone: it would fill the guard.
  const std::string guarded = is_account_name(account) ? account : std::string();
  PasswordHash hash = nobodys;
  bool known = false;
  {
    const std::lock_guard lock(mutex);
    if (const seconds wait = guard.begin(guarded, peer, now()); wait.count() > 0)
      return refused<PasswordHash>(Refused::Locked, "too many wrong passwords: wait", wait);
    const StoredAccount* found = book.account(guarded);
    known = found != nullptr && found->password.has_value();
    if (known) hash = *found->password;
  }
  std::optional<bool> right;
  {
    const auto slot = slots.take(kHashWait);
    if (slot) right = is_password(std::string_view(password).substr(0, kPasswordBytesMax), hash);
  }
  const std::lock_guard lock(mutex);
  if (!right) {
    guard.undo(guarded, peer);
    return refused<PasswordHash>(Refused::TooMany, "too many passwords are looked at now", seconds(5));
  }
  if (*right && known && password.size() <= kPasswordBytesMax) {
    guard.succeeded(guarded, peer);
    return answered(std::move(hash));
  }
  ++counts.failures;
  const seconds wait = guard.wait(guarded, peer, now());
  if (wait.count() > 0) {
    ++counts.lockouts;
    // A name that nobody has may be a password that somebody typed there.
    platform::log_warn("locked after wrong passwords",
                       {{"account", known ? guarded : "?"}, {"peer", user_text(peer)}, {"seconds", wait.count()}});
  }
  return refused<PasswordHash>(Refused::WrongPassword, "the name or the password is wrong", wait);
}

// Ended long ago, of whomever; and the oldest of the account, so that there is room for one more.
std::vector<Identity::Impl::Change> Identity::Impl::sweep(const std::string& account, EventTime at) const {
  std::vector<Change> changes;
  const auto end = [&changes](UserKind kind, const std::string& id, const std::string& of) {
    if (changes.size() < kSweptAtOnce) changes.push_back({of, user_key(kind, id)});
  };
  for (const auto& [id, seen] : book.sessions()) {
    if (at >= end_of(seen) + kKeptExpired || is_void(seen.session)) end(UserKind::Session, id, seen.session.account);
  }
  for (const auto& [id, token] : book.tokens()) {
    if (at >= token.expires + kKeptExpired || is_void(token)) end(UserKind::Token, id, token.account);
  }
  std::vector<const IdentityBook::SeenSession*> of_account = book.sessions_of(account);
  std::erase_if(of_account, [&](const auto* s) { return at >= end_of(*s) || is_void(s->session); });
  std::sort(of_account.begin(), of_account.end(), [](const auto* a, const auto* b) {
    return std::pair(a->session.began, a->session.id) < std::pair(b->session.began, b->session.id);
  });
  for (std::size_t i = 0; i + options.sessions_per_account_max <= of_account.size(); ++i)
    changes.push_back({account, user_key(UserKind::Session, of_account[i]->session.id)});
  return changes;
}

Answered<NewSession> Identity::sign_in(const std::string& account, const std::string& password,
                                       const std::string& peer) {
  const auto checked = impl_->check_password(account, password, peer);
  if (!checked.ok()) return same_refusal<NewSession>(checked);
  const std::lock_guard writing(impl_->writing);
  // The password may have been changed, or the account disabled, elsewhere.
  if (auto read = impl_->read_new(); !read) return log_away<NewSession>(read.error());
  StoredSession session;
  std::string secret = random_secret();
  std::vector<Impl::Change> changes;
  {
    const std::lock_guard lock(impl_->mutex);
    const StoredAccount& now_is = *impl_->book.account(account);
    if (now_is.password != checked.value)
      return refused<NewSession>(Refused::WrongPassword, "the password was changed meanwhile");
    if (now_is.disabled) return refused<NewSession>(Refused::Disabled, "the account is disabled");
    const EventTime at = impl_->now();
    session.id = random_user_id();
    session.account = account;
    session.secret_sha256 = sha256_of(secret);
    session.began = at;
    session.expires = at + std::min<core::Duration>(impl_->options.session_idle, impl_->options.session_max);
    // A clock before that of whoever ended the sessions before would make one that is over.
    if (at < now_is.sessions_from) session.confirmed = now_is.sessions_from;
    if (wire::printable(peer, wire::kNameBytesMax)) session.peer = peer;
    changes = impl_->sweep(account, at);
  }
  changes.insert(changes.begin(), {account, user_key(UserKind::Session, session.id), encode(session)});
  if (auto done = impl_->write(changes); !done) return log_away<NewSession>(done.error());
  NewSession made;
  made.secret = session_text(session.id, secret);
  wipe(secret);
  const std::lock_guard lock(impl_->mutex);
  auto who = impl_->of_session(*parse_session_text(made.secret));
  if (!who.ok()) return same_refusal<NewSession>(who);
  ++impl_->counts.sign_ins;
  made.who = std::move(who.value);
  return answered(std::move(made));
}

Answered<Nothing> Identity::sign_out(const Principal& who) {
  if (who.by != SignedInBy::Session)
    return refused<Nothing>(Refused::NotSignedIn, "a token is revoked, not signed out");
  const std::lock_guard writing(impl_->writing);
  auto done = impl_->write({{who.account, user_key(UserKind::Session, who.id)}});
  if (!done) return log_away<Nothing>(done.error());
  return {};
}

Answered<Nothing> Identity::change_password(const Principal& who, const std::string& old_password,
                                            const std::string& new_password) {
  if (who.by != SignedInBy::Session)
    return refused<Nothing>(Refused::NotSignedIn, "a password is changed in a session, not by a token");
  const auto checked = impl_->check_password(who.account, old_password, {});
  if (!checked.ok()) return same_refusal<Nothing>(checked);
  if (auto weak = weak_password(who.account, new_password)) return refused<Nothing>(Refused::WeakPassword, *weak);
  if (same_secret(sha256_of(old_password), sha256_of(new_password)))
    return refused<Nothing>(Refused::WeakPassword, "it is the password that there is");
  auto hash = impl_->new_hash(new_password);
  if (!hash.ok()) return same_refusal<Nothing>(hash);
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<Nothing>(read.error());
  StoredSession keep;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto* seen = impl_->book.session(who.id);
    if (seen == nullptr || seen->session.account != who.account)
      return refused<Nothing>(Refused::NotSignedIn, "the session was ended meanwhile");
    if (impl_->book.account(who.account)->password != checked.value)
      return refused<Nothing>(Refused::StaleRevision, "the password was changed meanwhile");
    keep = seen->session;
  }
  return same_refusal<Nothing>(
      impl_->write_new_password(who.account, std::move(hash.value), false, who.full_name, "password_changed", &keep));
}

}  // namespace qc::console
