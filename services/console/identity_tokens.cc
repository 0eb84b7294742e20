// API tokens: made, listed, revoked.
#include <algorithm>

#include "console/identity_impl.h"
#include "wire/limits.h"

namespace qc::console {
namespace {

constexpr auto kTokenMin = std::chrono::hours(1);

TokenView token_view(const StoredToken& token) {
  return {token.id, token.account, token.note, token.scope, token.made, token.expires};
}

}  // namespace

std::vector<TokenView> Identity::tokens(const std::string& account) const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<TokenView> all;
  const core::EventTime at = impl_->now();
  for (const StoredToken* t : impl_->book.tokens_of(account)) {
    if (!impl_->is_void(*t) && at < t->expires) all.push_back(token_view(*t));
  }
  std::sort(all.begin(), all.end(),
            [](const TokenView& a, const TokenView& b) { return std::pair(a.made, a.id) < std::pair(b.made, b.id); });
  return all;
}

Answered<NewToken> Identity::make_token(const std::string& name, const std::string& note,
                                        const std::vector<Grant>& scope, std::chrono::hours lasting,
                                        const std::string& by) {
  if (!note.empty() && !wire::printable(note, kUserTextBytesMax))
    return refused<NewToken>(Refused::BadName, "a note is at most 200 bytes of text without control characters");
  if (lasting < kTokenMin || lasting > impl_->options.token_max)
    return refused<NewToken>(Refused::TooMany,
                             "a token lasts 1 to " + std::to_string(impl_->options.token_max.count()) + " hours");
  if (scope.size() > kGrantsMax) return refused<NewToken>(Refused::TooMany, "a token has at most 64 grants");
  if (auto wrong = impl_->wrong_grants(scope)) return refused<NewToken>(Refused::BadGrant, *wrong);
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<NewToken>(read.error());
  StoredToken token;
  std::string secret = random_secret();
  {
    const std::lock_guard lock(impl_->mutex);
    const StoredAccount* account = impl_->book.account(name);
    if (account == nullptr) return refused<NewToken>(Refused::UnknownAccount, "there is no account " + user_text(name));
    if (account->disabled) return refused<NewToken>(Refused::Disabled, "the account is disabled");
    const core::EventTime at = impl_->now();
    const auto there = impl_->book.tokens_of(name);
    const auto live = std::count_if(there.begin(), there.end(),
                                    [&](const auto* t) { return !impl_->is_void(*t) && at < t->expires; });
    if (static_cast<std::size_t>(live) >= impl_->options.tokens_per_account_max)
      return refused<NewToken>(Refused::TooMany, "an account has at most " +
                                                     std::to_string(impl_->options.tokens_per_account_max) + " tokens");
    token.scope = sorted_grants(scope);
    if (token.scope.empty()) {
      token.scope = account->grants;
      std::erase_if(token.scope, [](const Grant& g) { return g.role == Role::Admin; });
    }
    if (token.scope.empty())
      return refused<NewToken>(Refused::BadGrant, "the account has no role that a token may have");
    const auto admin =
        std::find_if(token.scope.begin(), token.scope.end(), [](const Grant& g) { return g.role == Role::Admin; });
    if (admin != token.scope.end()) return refused<NewToken>(Refused::BadGrant, "no token is admin");
    if (impl_->reach_of(token.scope, *account) != token.scope)
      return refused<NewToken>(Refused::BadGrant, "the account does not have all of " + grants_text(token.scope));
    token.id = random_user_id();
    token.account = name;
    token.secret_sha256 = sha256_of(secret);
    token.note = note;
    // Not before what ended the account's tokens, by whatever clock.
    token.made = std::max(at, account->sessions_from);
    token.expires = at + lasting;
  }
  const auto done = impl_->write({{name, user_key(UserKind::Token, token.id), encode(token)}});
  if (!done) return log_away<NewToken>(done.error());
  NewToken made{token_view(token), token_text(token.id, secret)};
  wipe(secret);
  const auto entered = impl_->write_entry({"users/token/" + token.id + "/made",
                                           name,
                                           user_text(by),
                                           "token_made",
                                           note,
                                           {},
                                           grants_text(token.scope) + "; until " + core::to_iso(token.expires)});
  // A token that nobody is told of does nothing; it expires, or is revoked.
  if (!entered)
    return refused<NewToken>(Refused::LogAway, "the ledger could not be written: " + describe(entered.error()));
  return answered(std::move(made));
}

Answered<Nothing> Identity::revoke_token(const std::string& account, const std::string& id, const std::string& by) {
  const std::lock_guard writing(impl_->writing);
  if (auto read = impl_->read_new(); !read) return log_away<Nothing>(read.error());
  StoredToken token;
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->book.account(account) == nullptr)
      return refused<Nothing>(Refused::UnknownAccount, "there is no account " + user_text(account));
    const StoredToken* found = impl_->book.token(id);
    if (found == nullptr || found->account != account)
      return refused<Nothing>(Refused::NotSignedIn, "the account has no such token");
    token = *found;
  }
  if (auto done = impl_->write({{account, user_key(UserKind::Token, id)}}); !done)
    return log_away<Nothing>(done.error());
  const auto entered = impl_->write_entry({"users/token/" + id + "/revoked",
                                           account,
                                           user_text(by),
                                           "token_revoked",
                                           token.note,
                                           grants_text(token.scope),
                                           {}});
  if (!entered)
    return refused<Nothing>(Refused::LogAway,
                            "it is done, but the ledger could not be written: " + describe(entered.error()));
  return {};
}

}  // namespace qc::console
