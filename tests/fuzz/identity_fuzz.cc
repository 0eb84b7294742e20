// Any bytes as a log of `users`, and as what a request carries: the codec neither crashes nor lets anything through
// that a console must not see, what it reads survives being written and read again, and a book of it is the same
// however often its records come.
//
// Input: a first byte that chooses; then a cookie or a token, or records: key length, value length (two bytes, 65535: a
// tombstone), key, value.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "console/identity_book.h"
#include "console/identity_secrets.h"
#include "stream/log.h"

namespace {

using namespace qc;

constexpr std::size_t kTombstone = 65535;

struct Fed {
  std::string_view key;
  std::string_view value;
  bool tombstone = false;
};

void check_grants(const std::vector<console::Grant>& grants) {
  QC_ASSERT(grants.size() <= console::kGrantsMax);
  for (const console::Grant& g : grants)
    QC_ASSERT(g.role != console::Role::None && !name(g.role).empty() && console::is_grant_region(g.region));
}

void check(const console::StoredAccount& a) {
  QC_ASSERT(console::is_account_name(a.name) && a.revision >= 1 && a.full_name.size() <= console::kFullNameBytesMax);
  check_grants(a.grants);
  if (a.password) {
    const console::PasswordHash& h = *a.password;
    QC_ASSERT((128ULL * static_cast<unsigned>(h.r) << h.log2_n) <= 64ULL << 20 && h.p <= console::kScryptPMax);
  }
}
void check(const console::StoredSession& s) {
  QC_ASSERT(console::is_user_id(s.id) && s.secret_sha256.size() == console::kHashBytes);
}
void check(const console::StoredToken& t) {
  QC_ASSERT(console::is_user_id(t.id) && t.secret_sha256.size() == console::kHashBytes);
  check_grants(t.scope);
  for (const console::Grant& g : t.scope) QC_ASSERT(g.role != console::Role::Admin);
}

void decode(const Fed& fed) {
  const auto decoded = console::decode_user(fed.key, fed.value);
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, core::Rejected>) {
          QC_ASSERT(held.reason != core::Reason::None && held.readings == 1 && !held.detail.empty());
        } else {
          check(held);
          const std::string bytes = console::encode(held);
          const auto again = console::decode_user(fed.key, bytes);
          const auto* same = std::get_if<Held>(&again);
          QC_ASSERT(same != nullptr && *same == held && console::encode(*same) == bytes);
        }
      },
      decoded);
}

void fold(console::IdentityBook& book, const std::vector<Fed>& all, bool first) {
  const stream::TopicPartition users{"users", 0};
  for (std::size_t i = 0; i < all.size(); ++i) {
    stream::Record r;
    r.from = &users;
    r.offset = static_cast<stream::Offset>(i);
    r.key = all[i].key;
    r.value = all[i].value;
    r.tombstone = all[i].tombstone;
    const bool repeat = book.apply(r) == console::IdentityBook::Taken::Repeat;
    QC_ASSERT(repeat == !first);
  }
}

void records(std::string_view bytes) {
  std::vector<Fed> all;
  while (bytes.size() >= 3) {
    const auto at = [&bytes](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t key = at(0);
    const std::size_t value = at(1) << 8U | at(2);
    bytes.remove_prefix(3);
    Fed fed;
    fed.key = bytes.substr(0, key);
    bytes.remove_prefix(fed.key.size());
    fed.tombstone = value == kTombstone;
    if (!fed.tombstone) {
      fed.value = bytes.substr(0, value);
      bytes.remove_prefix(fed.value.size());
      decode(fed);
    }
    all.push_back(fed);
  }
  console::IdentityBook once(1);
  fold(once, all, true);
  console::IdentityBook twice(1);
  fold(twice, all, true);
  fold(twice, all, false);
  QC_ASSERT(once.same(twice) && once.owed().size() == twice.owed().size());
  for (const auto& [name, account] : once.accounts()) check(account);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  const std::string_view rest = bytes.substr(1);
  if (bytes.front() == 'c') {
    const auto given = console::parse_session_text(rest);
    QC_ASSERT(!given || console::session_text(given->id, given->secret) == rest);
  } else if (bytes.front() == 't') {
    const auto given = console::parse_token_text(rest);
    QC_ASSERT(!given || console::token_text(given->id, given->secret) == rest);
  } else if (bytes.front() == 'p') {
    console::weak_password("li", rest);
  } else {
    records(rest);
  }
  return 0;
}
