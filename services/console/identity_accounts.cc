// Accounts as admins keep them.
#include <algorithm>

#include "base/assert.h"
#include "console/identity_impl.h"
#include "wire/limits.h"

namespace qc::console {
namespace {

std::string revision_id(const StoredAccount& account) {
  return "users/account/" + account.name + "/" + std::to_string(account.revision);
}

StoredAccount changed_account(StoredAccount account, const AccountChange& change) {
  if (change.full_name) account.full_name = *change.full_name;
  if (change.grants) account.grants = sorted_grants(*change.grants);
  if (change.offices) account.offices = *change.offices;
  if (change.disabled) account.disabled = *change.disabled;
  return account;
}

// Sessions and tokens up to now. Later than before, also twice within a millisecond: what was made between is over,
// too.
void void_all(StoredAccount& account) {
  account.sessions_from = std::max(account.changed, account.sessions_from + core::Duration(1));
}

}  // namespace

std::string grants_text(const std::vector<Grant>& grants) {
  std::string text;
  for (const Grant& g : grants) text += (text.empty() ? "" : ", ") + std::string(name(g.role)) + "@" + g.region;
  return text.empty() ? "no roles" : text;
}

std::vector<Grant> sorted_grants(std::vector<Grant> grants) {
  std::sort(grants.begin(), grants.end());
  grants.erase(std::unique(grants.begin(), grants.end()), grants.end());
  return grants;
}

std::string account_text(const StoredAccount& account) {
  std::string text = grants_text(account.grants);
  std::string offices;
  for (const std::string& o : account.offices) offices += (offices.empty() ? "" : ", ") + o;
  if (!offices.empty()) text += "; offices: " + offices;
  if (!account.full_name.empty()) text += "; " + account.full_name;
  return text + (account.disabled ? "; disabled" : "; enabled");
}

std::string user_text(const std::string& text) {
  return wire::printable(text, kUserTextBytesMax) ? text : "?";
}

std::string name_for_people(const StoredAccount& account) {
  return account.full_name.empty() ? account.name : account.name + " (" + account.full_name + ")";
}

bool is_enabled_admin(const StoredAccount& account) {
  return !account.disabled && account.password.has_value() &&
         std::any_of(account.grants.begin(), account.grants.end(),
                     [](const Grant& g) { return g.role == Role::Admin; });
}

AccountView Identity::Impl::view(const StoredAccount& account) const {
  AccountView v;
  v.name = account.name;
  v.full_name = account.full_name;
  v.revision = account.revision;
  v.grants = account.grants;
  v.offices = account.offices;
  v.has_password = account.password.has_value();
  v.change_password = account.change_password;
  v.disabled = account.disabled;
  v.changed = account.changed;
  v.changed_by = account.changed_by;
  const core::EventTime at = now();
  for (const auto* s : book.sessions_of(account.name)) v.sessions += !is_void(s->session) && at < end_of(*s) ? 1U : 0U;
  for (const auto* t : book.tokens_of(account.name)) v.tokens += !is_void(*t) && at < t->expires ? 1U : 0U;
  return v;
}

std::vector<AccountView> Identity::accounts() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<AccountView> all;
  for (const auto& [name, account] : impl_->book.accounts()) all.push_back(impl_->view(account));
  return all;
}

std::optional<AccountView> Identity::account(const std::string& name) const {
  const std::lock_guard lock(impl_->mutex);
  const StoredAccount* found = impl_->book.account(name);
  return found == nullptr ? std::nullopt : std::optional(impl_->view(*found));
}

std::optional<std::string> Identity::Impl::wrong_grants(const std::vector<Grant>& grants) const {
  const auto rules_now = rules();
  for (const Grant& g : grants) {
    if (g.role == Role::None || static_cast<int>(g.role) > kRoles) return "a grant has no role";
    if (!is_grant_region(g.region)) return "the region of a grant is no text of 1 to 64 bytes";
    if (g.region == kEverywhere) continue;
    if (g.role == Role::Admin) return "accounts have no region: admin is for \"*\" alone";
    if (rules_now != nullptr && !rules_now->regions.contains(g.region)) return "there is no region " + g.region;
  }
  return std::nullopt;
}

// What an admin wants of an account: nullopt: it can be.
std::optional<Answered<Nothing>> Identity::Impl::wrong_with(const AccountChange& change,
                                                            const StoredAccount* before) const {
  if (!is_account_name(change.name))
    return refused<Nothing>(Refused::BadName, "the name of an account is 2 to 32 of a-z 0-9 . _ -");
  if (change.full_name && !change.full_name->empty() && !wire::printable(*change.full_name, kFullNameBytesMax))
    return refused<Nothing>(Refused::BadName, "a full name is at most 120 bytes of text without control characters");
  if (change.grants) {
    if (change.grants->size() > kGrantsMax)
      return refused<Nothing>(Refused::TooMany, "an account has at most 64 grants");
    if (auto wrong = wrong_grants(*change.grants)) return refused<Nothing>(Refused::BadGrant, *wrong);
  }
  if (change.offices) {
    if (change.offices->size() > kOfficesMax)
      return refused<Nothing>(Refused::TooMany, "an account has at most 32 offices");
    for (const std::string& o : *change.offices) {
      if (!wire::printable(o, wire::kNameBytesMax))
        return refused<Nothing>(Refused::BadName, "an office is 1 to 64 bytes of text without control characters");
    }
  }
  if (before != nullptr && change.expected_revision && *change.expected_revision != before->revision)
    return refused<Nothing>(Refused::StaleRevision, "the account has revision " + std::to_string(before->revision));
  return std::nullopt;
}

std::vector<Identity::Impl::Change> Identity::Impl::tombstones(const std::string& account,
                                                               const std::string& but) const {
  std::vector<Change> changes;
  for (const auto* s : book.sessions_of(account)) {
    if (s->session.id != but) changes.push_back({account, user_key(UserKind::Session, s->session.id)});
  }
  for (const auto* t : book.tokens_of(account)) changes.push_back({account, user_key(UserKind::Token, t->id)});
  return changes;
}

Answered<StoredAccount> Identity::Impl::write_account(StoredAccount account, const std::string& what,
                                                      const StoredSession* keep) {
  std::string before;
  bool voids = false;
  {
    const std::lock_guard lock(mutex);
    if (const StoredAccount* was = book.account(account.name)) {
      before = account_text(*was);
      voids = account.sessions_from > was->sessions_from;
    }
  }
  std::vector<Change> changes = {{account.name, user_key(UserKind::Account, account.name), encode(account)}};
  if (keep != nullptr) {
    StoredSession kept = *keep;
    kept.confirmed = account.sessions_from;
    changes.push_back({account.name, user_key(UserKind::Session, kept.id), encode(kept)});
  }
  const auto taken = write(changes);
  if (!taken) return log_away<StoredAccount>(taken.error());
  if (taken->front() == IdentityBook::Taken::Late)
    return refused<StoredAccount>(Refused::StaleRevision, "the account was changed by somebody else meanwhile");
  QC_ASSERT(taken->front() == IdentityBook::Taken::Yes);
  const auto entered =
      write_entry({revision_id(account), account.name, account.changed_by, what, {}, before, account_text(account)});
  if (voids) {
    std::vector<Change> ended;
    {
      const std::lock_guard lock(mutex);
      ended = tombstones(account.name, keep == nullptr ? std::string() : keep->id);
    }
    // They are void by the account's record already.
    if (auto done = write(ended); !done) return log_away<StoredAccount>(done.error());
  }
  if (!entered)
    return refused<StoredAccount>(Refused::LogAway,
                                  "it is done, but the ledger could not be written: " + describe(entered.error()));
  return answered(std::move(account));
}

Answered<StoredAccount> Identity::Impl::write_new_password(const std::string& name, PasswordHash hash,
                                                           bool change_password, const std::string& by,
                                                           const std::string& what, const StoredSession* keep) {
  StoredAccount account;
  {
    const std::lock_guard lock(mutex);
    const StoredAccount* found = book.account(name);
    if (found == nullptr)
      return refused<StoredAccount>(Refused::UnknownAccount, "there is no account " + user_text(name));
    account = *found;
  }
  ++account.revision;
  account.password = std::move(hash);
  account.change_password = change_password;
  account.changed = now();
  account.changed_by = user_text(by);
  void_all(account);
  return write_account(std::move(account), what, keep);
}

Answered<std::string> Identity::add_account(const AccountChange& wanted, const std::string& by) {
  if (auto wrong = impl_->wrong_with(wanted, nullptr)) return same_refusal<std::string>(*wrong);
  std::string password = one_time_password();
  auto hash = impl_->new_hash(password);
  if (!hash.ok()) return same_refusal<std::string>(hash);
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<std::string>(read.error());
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->book.account(wanted.name) != nullptr)
      return refused<std::string>(Refused::AlreadyThere, "there is an account " + wanted.name);
    if (impl_->book.accounts().size() >= impl_->options.accounts_max)
      return refused<std::string>(Refused::TooMany, "there are " + std::to_string(impl_->options.accounts_max) +
                                                        " accounts, which is the limit");
  }
  StoredAccount account;
  account.name = wanted.name;
  account = changed_account(std::move(account), wanted);
  account.password = std::move(hash.value);
  account.change_password = true;
  account.changed = impl_->now();
  account.changed_by = user_text(by);
  auto made = impl_->write_account(std::move(account), "account_added");
  if (made.refused == Refused::StaleRevision)
    return refused<std::string>(Refused::AlreadyThere, "there is an account " + wanted.name);
  if (!made.ok()) return same_refusal<std::string>(made);
  return answered(std::move(password));
}

Answered<AccountView> Identity::change_account(const AccountChange& change, const std::string& by) {
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<AccountView>(read.error());
  StoredAccount account;
  std::string what = "account_changed";
  {
    const std::lock_guard lock(impl_->mutex);
    const StoredAccount* was = impl_->book.account(change.name);
    if (auto wrong = impl_->wrong_with(change, was)) return same_refusal<AccountView>(*wrong);
    if (was == nullptr) return refused<AccountView>(Refused::UnknownAccount, "there is no account " + change.name);
    account = changed_account(*was, change);
    if (account == *was) return answered(impl_->view(*was));
    if (is_enabled_admin(*was) && !is_enabled_admin(account)) {
      const auto& all = impl_->book.accounts();
      if (std::none_of(all.begin(), all.end(),
                       [&](const auto& a) { return a.first != account.name && is_enabled_admin(a.second); }))
        return refused<AccountView>(Refused::LastAdmin, "nobody could keep accounts any more");
    }
    ++account.revision;
    account.changed = impl_->now();
    account.changed_by = user_text(by);
    if (account.disabled != was->disabled) what = account.disabled ? "account_disabled" : "account_enabled";
    if (account.disabled && !was->disabled) void_all(account);
  }
  auto made = impl_->write_account(std::move(account), what);
  if (!made.ok()) return same_refusal<AccountView>(made);
  const std::lock_guard lock(impl_->mutex);
  return answered(impl_->view(made.value));
}

Answered<std::string> Identity::reset_password(const std::string& name, const std::string& by) {
  std::string password = one_time_password();
  auto hash = impl_->new_hash(password);
  if (!hash.ok()) return same_refusal<std::string>(hash);
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<std::string>(read.error());
  auto made = impl_->write_new_password(name, std::move(hash.value), true, by, "password_reset");
  if (!made.ok()) return same_refusal<std::string>(made);
  return answered(std::move(password));
}

Answered<Nothing> Identity::set_password(const std::string& name, const std::string& password, const std::string& by) {
  if (auto weak = weak_password(name, password)) return refused<Nothing>(Refused::WeakPassword, *weak);
  auto hash = impl_->new_hash(password);
  if (!hash.ok()) return same_refusal<Nothing>(hash);
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<Nothing>(read.error());
  return same_refusal<Nothing>(impl_->write_new_password(name, std::move(hash.value), false, by, "password_set"));
}

Answered<Nothing> Identity::end_sessions(const std::string& name, const std::string& by) {
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<Nothing>(read.error());
  StoredAccount account;
  {
    const std::lock_guard lock(impl_->mutex);
    const StoredAccount* found = impl_->book.account(name);
    if (found == nullptr) return refused<Nothing>(Refused::UnknownAccount, "there is no account " + user_text(name));
    account = *found;
  }
  ++account.revision;
  account.changed = impl_->now();
  account.changed_by = user_text(by);
  void_all(account);
  return same_refusal<Nothing>(impl_->write_account(std::move(account), "sessions_ended"));
}

// ---- the first one
// ---------------------------------------------------------------------------------------------------

Result<std::optional<std::string>> Identity::make_first_admin() {
  if (auto read = read_all(); !read) return tl::make_unexpected(read.error());
  if (counts().accounts > 0) return std::nullopt;
  const AccountChange wanted{"admin",      std::nullopt,
                             std::nullopt, std::vector<Grant>{{Role::Admin, std::string(kEverywhere)}},
                             std::nullopt, std::nullopt};
  auto made = add_account(wanted, "qingchuan");
  if (made.ok()) return std::optional(std::move(made.value));
  if (made.refused == Refused::AlreadyThere) return std::nullopt;  // another process was first
  return fail(Errc::log_unavailable, "the first account could not be made: " + made.detail);
}

}  // namespace qc::console
