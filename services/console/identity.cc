#include "console/identity.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "console/identity_impl.h"
#include "platform/clock.h"
#include "platform/hmac.h"
#include "platform/log.h"
#include "stream/read_range.h"

namespace qc::console {
namespace {

using core::EventTime;

constexpr auto kUseWrittenEvery = std::chrono::minutes(15);

constexpr std::array<std::string_view, 15> kRefusedNames = {
    "none",           "not_signed_in", "expired",      "wrong_password",  "locked",
    "disabled",       "weak_password", "change_first", "unknown_account", "already_there",
    "stale_revision", "bad_name",      "bad_grant",    "last_admin",      "too_many"};

bool sight_within(const Sight& inner, const Sight& outer) {
  if (outer.everything) return true;
  return !inner.everything &&
         std::includes(outer.regions.begin(), outer.regions.end(), inner.regions.begin(), inner.regions.end());
}

}  // namespace

std::string_view name(Refused r) {
  return r == Refused::LogAway ? "log_away" : kRefusedNames.at(static_cast<std::size_t>(r));
}

Identity::Impl::Impl(stream::Log& of, IdentityOptions with, int users, int ledger)
    : log(of),
      options(std::move(with)),
      users_partitions(users),
      ledger_partitions(ledger),
      book(users),
      guard({options.failures_before_delay, options.lock_first, options.lock_max, options.watched_max}),
      slots(options.hashes_at_once) {
  // Of no password: what is compared with it differs, at the same cost.
  nobodys.log2_n = options.scrypt_log2_n;
  nobodys.salt = sha256_of("nobody").substr(0, 16);
  nobodys.hash = std::string(kHashBytes, '\0');
}

EventTime Identity::Impl::now() const {
  return options.now ? options.now() : core::event_time(platform::system_clock().wall_ms());
}

std::shared_ptr<const core::RuleSet> Identity::Impl::rules() const {
  return options.rules ? options.rules() : nullptr;
}

Identity::Identity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identity::~Identity() = default;

Result<std::unique_ptr<Identity>> Identity::create(stream::Log& log, IdentityOptions options) {
  if (options.scrypt_log2_n < kScryptLog2NMin || options.scrypt_log2_n > kScryptLog2NMax)
    return fail(Errc::config_invalid, "scrypt_log2_n: 10 to 16 expected");
  if (options.hashes_at_once < 1 || options.failures_before_delay < 1 || options.watched_max < 1 ||
      options.sessions_per_account_max < 1)
    return fail(Errc::config_invalid, "a limit of identity: at least 1 expected");
  const auto users = stream::partitions_of(log, kUsers);
  if (!users) return tl::make_unexpected(users.error());
  const auto ledger = stream::partitions_of(log, "ledger");
  if (!ledger) return tl::make_unexpected(ledger.error());
  return std::unique_ptr<Identity>(new Identity(std::make_unique<Impl>(log, std::move(options), *users, *ledger)));
}

void Identity::apply(const stream::Record& record) {
  impl_->take(record);
}

Result<void> Identity::read_all() {
  const std::lock_guard writing(impl_->writing);
  return impl_->read_new();
}

std::uint64_t Identity::refused_records() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->book.refused();
}

Identity::Counts Identity::counts() const {
  const std::lock_guard lock(impl_->mutex);
  Counts now = impl_->counts;
  now.accounts = impl_->book.accounts().size();
  now.sessions = impl_->book.sessions().size();
  now.tokens = impl_->book.tokens().size();
  return now;
}

// ---- who asks
// --------------------------------------------------------------------------------------------------------

EventTime Identity::Impl::end_of(const IdentityBook::SeenSession& seen) const {
  const StoredSession& s = seen.session;
  return std::min<EventTime>(std::max<EventTime>(s.expires, seen.used + options.session_idle),
                             s.began + options.session_max);
}

bool Identity::Impl::is_void(const StoredSession& session) const {
  const StoredAccount* account = book.account(session.account);
  return account != nullptr && std::max(session.began, session.confirmed) < account->sessions_from;
}

bool Identity::Impl::is_void(const StoredToken& token) const {
  const StoredAccount* account = book.account(token.account);
  return account != nullptr && token.made < account->sessions_from;
}

Answered<Principal> Identity::Impl::of_session(const Presented& given) {
  IdentityBook::SeenSession* seen = book.session(given.id);
  if (seen == nullptr || !same_secret(sha256_of(given.secret), seen->session.secret_sha256))
    return refused<Principal>(Refused::NotSignedIn, "no such session");
  const StoredAccount* account = book.account(seen->session.account);
  if (account == nullptr) return refused<Principal>(Refused::NotSignedIn, "no such session");
  if (account->disabled) return refused<Principal>(Refused::Disabled, "the account is disabled");
  const EventTime at = now();
  if (is_void(seen->session) || at >= end_of(*seen)) return refused<Principal>(Refused::Expired, "the session is over");
  seen->used = std::max(seen->used, at);
  Principal who;
  who.account = account->name;
  who.full_name = name_for_people(*account);
  who.grants = account->grants;
  who.offices = account->offices;
  who.by = SignedInBy::Session;
  who.id = seen->session.id;
  who.csrf = platform::hex(platform::hmac_sha256(given.secret, "csrf"));
  who.change_password = account->change_password;
  who.expires = end_of(*seen);
  return answered(std::move(who));
}

// What of `scope` the account has, too. Where the two overlap and neither holds the other, nothing.
std::vector<Grant> Identity::Impl::reach_of(const std::vector<Grant>& scope, const StoredAccount& account) const {
  const auto rules_now = rules();
  std::vector<Grant> reach;
  for (const Grant& g : scope) {
    if (g.role == Role::Admin) continue;
    // To see is in every role.
    const Role role = g.role == Role::Viewer ? Role::None : g.role;
    const Sight wanted = sight_of({g}, rules_now.get());
    const bool known = wanted.everything || !wanted.regions.empty();
    if (known && sight_within(wanted, sight_of(account.grants, rules_now.get(), role))) {
      reach.push_back(g);
      continue;
    }
    for (const Grant& has : account.grants) {
      if (role != Role::None && has.role != role) continue;
      const Sight held = sight_of({has}, rules_now.get());
      const bool held_known = held.everything || !held.regions.empty();
      if (has.region == g.region || has.region == kEverywhere) {
        reach.push_back(g);
      } else if (g.region == kEverywhere || (held_known && sight_within(held, wanted))) {
        reach.push_back({g.role, has.region});
      }
    }
  }
  std::sort(reach.begin(), reach.end());
  reach.erase(std::unique(reach.begin(), reach.end()), reach.end());
  return reach;
}

Answered<Principal> Identity::Impl::of_token(const Presented& given) {
  const StoredToken* token = book.token(given.id);
  if (token == nullptr || !same_secret(sha256_of(given.secret), token->secret_sha256))
    return refused<Principal>(Refused::NotSignedIn, "no such token");
  const StoredAccount* account = book.account(token->account);
  if (account == nullptr) return refused<Principal>(Refused::NotSignedIn, "no such token");
  if (account->disabled) return refused<Principal>(Refused::Disabled, "the account is disabled");
  if (is_void(*token) || now() >= token->expires) return refused<Principal>(Refused::Expired, "the token is over");
  Principal who;
  who.account = account->name;
  who.full_name = name_for_people(*account);
  who.grants = reach_of(token->scope, *account);
  who.offices = account->offices;
  who.by = SignedInBy::Token;
  who.id = token->id;
  who.expires = token->expires;
  return answered(std::move(who));
}

Answered<Principal> Identity::authenticate(const Credentials& given) {
  if (!given.bearer.empty()) {
    const auto token = parse_token_text(given.bearer);
    if (!token) return refused<Principal>(Refused::NotSignedIn, "no such token");
    const std::lock_guard lock(impl_->mutex);
    return impl_->of_token(*token);
  }
  const auto session = parse_session_text(given.session);
  if (!session) return refused<Principal>(Refused::NotSignedIn, "no such session");
  std::string write_use_of;
  auto who = [&] {
    const std::lock_guard lock(impl_->mutex);
    auto found = impl_->of_session(*session);
    if (!found.ok()) return found;
    IdentityBook::SeenSession& seen = *impl_->book.session(session->id);
    if (seen.used - seen.written >= kUseWrittenEvery) {
      seen.written = seen.used;
      write_use_of = seen.session.id;
    }
    return found;
  }();
  if (!write_use_of.empty()) impl_->write_use(write_use_of);
  return who;
}

// So that other consoles and the next start know. That it cannot be written now is nothing the asker must know of.
void Identity::Impl::write_use(const std::string& id) {
  const std::unique_lock held(writing, std::try_to_lock);
  if (!held.owns_lock()) {
    const std::lock_guard lock(mutex);
    if (auto* seen = book.session(id)) seen->written = seen->session.began;  // the next request tries again
    return;
  }
  // Somebody may have ended it elsewhere.
  if (auto done = read_new(); !done) return;
  std::vector<Change> change;
  {
    const std::lock_guard lock(mutex);
    const auto* seen = book.session(id);
    if (seen == nullptr || is_void(seen->session)) return;
    StoredSession session = seen->session;
    session.expires = end_of(*seen);
    change.push_back({session.account, user_key(UserKind::Session, id), encode(session)});
  }
  if (auto done = write(change); !done)
    platform::log_warn("users: the use of a session could not be written", {{"error", done.error()}});
}

}  // namespace qc::console
