#include "console/identity_book.h"

#include <algorithm>

#include "base/assert.h"
#include "stream/partition.h"

namespace qc::console {

IdentityBook::IdentityBook(int partitions) : next_(static_cast<std::size_t>(partitions), 0) {
  QC_ASSERT(partitions > 0);
}

void IdentityBook::reached(int partition, stream::Offset end) {
  stream::Offset& next = next_.at(static_cast<std::size_t>(partition));
  next = std::max(next, end);
}

IdentityBook::Taken IdentityBook::apply(const stream::Record& record) {
  const int partition = record.from->partition;
  if (partition < 0 || partition >= static_cast<int>(next_.size())) return refuse("of a partition that there is not");
  if (record.offset < next(partition)) return Taken::Repeat;
  const Taken taken = take(record);
  reached(partition, record.offset + 1);
  return taken;
}

IdentityBook::Taken IdentityBook::refuse(std::string reason) {
  ++refused_;
  last_refusal_ = std::move(reason);
  return Taken::Refused;
}

bool IdentityBook::of_partition(std::string_view account, int partition) const {
  return stream::partition_of(account, static_cast<int>(next_.size())) == partition;
}

IdentityBook::Taken IdentityBook::take(const stream::Record& record) {
  if (record.tombstone) {
    const auto key = parse_user_key(record.key);
    if (!key) return refuse("a tombstone whose key is none of account|NAME, session|ID, token|ID");
    // Accounts are disabled, never ended: their names stand in the ledger.
    if (key->kind == UserKind::Account) return refuse("a tombstone of an account");
    return end(*key);
  }
  DecodedUser decoded = decode_user(record.key, record.value);
  if (const auto* rejected = std::get_if<core::Rejected>(&decoded)) return refuse(rejected->detail);
  const std::string* account = nullptr;
  if (const auto* a = std::get_if<StoredAccount>(&decoded)) account = &a->name;
  if (const auto* s = std::get_if<StoredSession>(&decoded)) account = &s->account;
  if (const auto* t = std::get_if<StoredToken>(&decoded)) account = &t->account;
  if (!of_partition(*account, record.from->partition)) return refuse("in another partition than its account's");
  if (auto* a = std::get_if<StoredAccount>(&decoded)) return take(std::move(*a), record.value);
  if (auto* s = std::get_if<StoredSession>(&decoded)) return take(std::move(*s));
  return take(std::move(std::get<StoredToken>(decoded)));
}

IdentityBook::Taken IdentityBook::take(StoredAccount&& account, std::string_view value) {
  const auto known = accounts_.find(account.name);
  if (known == accounts_.end()) {
    accounts_.emplace(account.name, std::move(account));
    return Taken::Yes;
  }
  if (account.revision > known->second.revision) {
    late_.erase(account.name);
    known->second = std::move(account);
    return Taken::Yes;
  }
  if (account.revision == known->second.revision && encode(known->second) == value) {
    late_.erase(account.name);  // what counts, said again
    return Taken::Yes;
  }
  late_.insert(account.name);
  return Taken::Late;
}

IdentityBook::Taken IdentityBook::take(StoredSession&& session) {
  std::string key = user_key(UserKind::Session, session.id);
  if (ended_.contains(key)) {
    ended_again_.insert_or_assign(std::move(key), session.account);
    return Taken::Ended;
  }
  const auto known = sessions_.find(session.id);
  if (known == sessions_.end()) {
    session_index_.emplace(session.account, session.id);
    const core::EventTime began = session.began;
    std::string id = session.id;
    sessions_.emplace(std::move(id), SeenSession{std::move(session), began, began});
    return Taken::Yes;
  }
  if (known->second.session.account != session.account) return refuse("a session that changes its account");
  known->second.session = std::move(session);
  return Taken::Yes;
}

IdentityBook::Taken IdentityBook::take(StoredToken&& token) {
  std::string key = user_key(UserKind::Token, token.id);
  if (ended_.contains(key)) {
    ended_again_.insert_or_assign(std::move(key), token.account);
    return Taken::Ended;
  }
  const auto known = tokens_.find(token.id);
  if (known == tokens_.end()) {
    token_index_.emplace(token.account, token.id);
    std::string id = token.id;
    tokens_.emplace(std::move(id), std::move(token));
    return Taken::Yes;
  }
  if (known->second.account != token.account) return refuse("a token that changes its account");
  known->second = std::move(token);
  return Taken::Yes;
}

IdentityBook::Taken IdentityBook::end(const UserKey& key) {
  if (key.kind == UserKind::Session) {
    if (const auto it = sessions_.find(key.id); it != sessions_.end()) {
      session_index_.erase({it->second.session.account, it->first});
      sessions_.erase(it);
    }
  } else if (const auto it = tokens_.find(key.id); it != tokens_.end()) {
    token_index_.erase({it->second.account, it->first});
    tokens_.erase(it);
  }
  std::string text = user_key(key.kind, key.id);
  ended_again_.erase(text);
  remember_ended(std::move(text));
  return Taken::Yes;
}

void IdentityBook::remember_ended(std::string key) {
  if (!ended_.insert(key).second) return;
  ended_order_.push_back(std::move(key));
  if (ended_order_.size() <= kEndedMax) return;
  ended_.erase(ended_order_.front());
  ended_order_.pop_front();
}

const StoredAccount* IdentityBook::account(std::string_view name) const {
  const auto it = accounts_.find(name);
  return it == accounts_.end() ? nullptr : &it->second;
}

IdentityBook::SeenSession* IdentityBook::session(std::string_view id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

const StoredToken* IdentityBook::token(std::string_view id) const {
  const auto it = tokens_.find(id);
  return it == tokens_.end() ? nullptr : &it->second;
}

std::vector<const IdentityBook::SeenSession*> IdentityBook::sessions_of(std::string_view account) const {
  std::vector<const SeenSession*> found;
  auto it = session_index_.lower_bound({std::string(account), std::string()});
  for (; it != session_index_.end() && it->first == account; ++it) found.push_back(&sessions_.find(it->second)->second);
  return found;
}

std::vector<const StoredToken*> IdentityBook::tokens_of(std::string_view account) const {
  std::vector<const StoredToken*> found;
  auto it = token_index_.lower_bound({std::string(account), std::string()});
  for (; it != token_index_.end() && it->first == account; ++it) found.push_back(&tokens_.find(it->second)->second);
  return found;
}

std::vector<IdentityBook::Owed> IdentityBook::owed() const {
  std::vector<Owed> all;
  for (const std::string& name : late_)
    all.push_back({name, user_key(UserKind::Account, name), encode(accounts_.find(name)->second)});
  for (const auto& [key, account] : ended_again_) all.push_back({account, key, std::nullopt});
  return all;
}

bool IdentityBook::same(const IdentityBook& other) const {
  return accounts_ == other.accounts_ && tokens_ == other.tokens_ &&
         std::equal(sessions_.begin(), sessions_.end(), other.sessions_.begin(), other.sessions_.end(),
                    [](const auto& a, const auto& b) { return a.second.session == b.second.session; });
}

}  // namespace qc::console
