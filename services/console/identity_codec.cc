#include "console/identity_codec.h"

#include <algorithm>
#include <array>

#include "qingchuan/v1/identity.pb.h"
#include "wire/limits.h"
#include "wire/refuse.h"

namespace qc::console {
namespace {

namespace v1 = ::qingchuan::v1;
using core::EventTime;

constexpr std::array<std::string_view, 3> kUserKeyPrefixes = {"account|", "session|", "token|"};
constexpr std::size_t kAccountNameBytesMin = 2;
constexpr std::size_t kAccountNameBytesMax = 32;

core::Rejected user_refused(core::Reason reason, std::string detail) {
  return {reason, 1, std::move(detail)};
}
core::Rejected bad_user(std::string detail) {
  return user_refused(core::Reason::BadShape, std::move(detail));
}

bool text_or_nothing(std::string_view text, std::size_t bytes_max) {
  return text.empty() || wire::printable(text, bytes_max);
}

// 0: never.
bool time_or_never(std::int64_t ms) {
  return ms == 0 || wire::sane_time(ms);
}

template <class Message>
void put_grants(const std::vector<Grant>& grants, Message add) {
  for (const Grant& g : grants) {
    v1::Grant* out = add();
    out->set_role(static_cast<v1::Role>(g.role));
    out->set_region(g.region);
  }
}

// Empty: they are fine.
template <class Grants>
std::string take_grants(const Grants& from, std::vector<Grant>& to, const char* where) {
  if (from.size() > static_cast<int>(kGrantsMax)) return std::string(where) + ": more than 64";
  for (int i = 0; i < from.size(); ++i) {
    const v1::Grant& g = from.Get(i);
    const std::string at = std::string(where) + "[" + std::to_string(i) + "]: ";
    if (g.role() < v1::VIEWER || g.role() > v1::ADMIN) return at + "no role has the number " + std::to_string(g.role());
    if (!is_grant_region(g.region())) return at + "region: 1 to 64 bytes of text expected";
    to.push_back({static_cast<Role>(g.role()), g.region()});
  }
  return {};
}

std::string take_password(const v1::PasswordHash& from, PasswordHash& to) {
  if (from.scheme() != "scrypt") return "password.scheme: scrypt expected";
  if (from.log2_n() < kScryptLog2NMin || from.log2_n() > kScryptLog2NMax) return "password.log2_n: 10 to 16 expected";
  if (from.r() < 1 || from.r() > kScryptRMax) return "password.r: 1 to 8 expected";
  if (from.p() < 1 || from.p() > kScryptPMax) return "password.p: 1 to 4 expected";
  if (from.salt().size() < 16 || from.salt().size() > 64) return "password.salt: 16 to 64 bytes expected";
  if (from.hash().size() != kHashBytes) return "password.hash: 32 bytes expected";
  to = {from.log2_n(), from.r(), from.p(), from.salt(), from.hash()};
  return {};
}

DecodedUser user_of(const v1::Account& from) {
  StoredAccount to;
  if (!is_account_name(from.name())) return bad_user("account.name: 2 to 32 of a-z 0-9 . _ - expected");
  if (from.revision() < 1) return bad_user("account.revision: at least 1 expected");
  if (!text_or_nothing(from.full_name(), kFullNameBytesMax))
    return bad_user("account.full_name: at most 120 bytes of text without control characters expected");
  if (std::string wrong = take_grants(from.grants(), to.grants, "account.grants"); !wrong.empty())
    return bad_user(std::move(wrong));
  if (from.offices_size() > static_cast<int>(kOfficesMax)) return bad_user("account.offices: more than 32");
  for (const std::string& office : from.offices()) {
    if (!wire::printable(office, wire::kNameBytesMax))
      return bad_user("account.offices: 1 to 64 bytes of text expected");
    to.offices.push_back(office);
  }
  if (from.has_password()) {
    if (std::string wrong = take_password(from.password(), to.password.emplace()); !wrong.empty())
      return bad_user("account." + wrong);
  }
  if (!wire::sane_time(from.changed_ms())) return bad_user("account.changed_ms: not a time from 1990 to 2199");
  if (!time_or_never(from.sessions_from_ms()))
    return bad_user("account.sessions_from_ms: not a time from 1990 to 2199");
  if (!text_or_nothing(from.changed_by(), kUserTextBytesMax))
    return bad_user("account.changed_by: at most 200 bytes of text without control characters expected");
  to.name = from.name();
  to.revision = from.revision();
  to.full_name = from.full_name();
  to.change_password = from.change_password();
  to.disabled = from.disabled();
  to.changed = core::event_time(from.changed_ms());
  to.changed_by = from.changed_by();
  to.sessions_from = core::event_time(from.sessions_from_ms());
  return to;
}

// Of what sessions and tokens have alike.
template <class Message>
std::string wrong_with_secret(const Message& from, std::int64_t began_ms, const std::string& what) {
  if (!is_user_id(from.id())) return what + ".id: 16 hexadecimal digits expected";
  if (!is_account_name(from.account())) return what + ".account: 2 to 32 of a-z 0-9 . _ - expected";
  if (from.secret_sha256().size() != kHashBytes) return what + ".secret_sha256: 32 bytes expected";
  if (!wire::sane_time(began_ms)) return what + ": its beginning is not a time from 1990 to 2199";
  if (!wire::sane_time(from.expires_ms())) return what + ".expires_ms: not a time from 1990 to 2199";
  return {};
}

DecodedUser user_of(const v1::Session& from) {
  if (std::string wrong = wrong_with_secret(from, from.began_ms(), "session"); !wrong.empty())
    return bad_user(std::move(wrong));
  if (!text_or_nothing(from.peer(), wire::kNameBytesMax))
    return bad_user("session.peer: at most 64 bytes of text expected");
  if (!time_or_never(from.confirmed_ms())) return bad_user("session.confirmed_ms: not a time from 1990 to 2199");
  return StoredSession{from.id(),
                       from.account(),
                       from.secret_sha256(),
                       core::event_time(from.began_ms()),
                       core::event_time(from.expires_ms()),
                       from.peer(),
                       core::event_time(from.confirmed_ms())};
}

DecodedUser user_of(const v1::ApiToken& from) {
  if (std::string wrong = wrong_with_secret(from, from.made_ms(), "token"); !wrong.empty())
    return bad_user(std::move(wrong));
  if (!text_or_nothing(from.note(), kUserTextBytesMax))
    return bad_user("token.note: at most 200 bytes of text without control characters expected");
  StoredToken to;
  if (std::string wrong = take_grants(from.scope(), to.scope, "token.scope"); !wrong.empty())
    return bad_user(std::move(wrong));
  const auto is_admin = [](const Grant& g) { return g.role == Role::Admin; };
  if (std::any_of(to.scope.begin(), to.scope.end(), is_admin)) return bad_user("token.scope: admin never by token");
  to.id = from.id();
  to.account = from.account();
  to.secret_sha256 = from.secret_sha256();
  to.note = from.note();
  to.made = core::event_time(from.made_ms());
  to.expires = core::event_time(from.expires_ms());
  return to;
}

}  // namespace

bool is_account_name(std::string_view text) {
  return text.size() >= kAccountNameBytesMin && text.size() <= kAccountNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

bool is_user_id(std::string_view text) {
  return text.size() == kUserIdBytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_grant_region(std::string_view text) {
  return wire::printable(text, wire::kNameBytesMax);
}

std::optional<UserKey> parse_user_key(std::string_view key) {
  for (std::size_t i = 0; i < kUserKeyPrefixes.size(); ++i) {
    if (!key.starts_with(kUserKeyPrefixes[i])) continue;
    const UserKey found{static_cast<UserKind>(i), key.substr(kUserKeyPrefixes[i].size())};
    const bool fine = found.kind == UserKind::Account ? is_account_name(found.id) : is_user_id(found.id);
    return fine ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

std::string user_key(UserKind kind, std::string_view id) {
  return std::string(kUserKeyPrefixes.at(static_cast<std::size_t>(kind))) + std::string(id);
}

std::string encode(const StoredAccount& account) {
  v1::UserRecord record;
  v1::Account& out = *record.mutable_account();
  out.set_name(account.name);
  out.set_revision(account.revision);
  out.set_full_name(account.full_name);
  put_grants(account.grants, [&] { return out.add_grants(); });
  for (const std::string& office : account.offices) out.add_offices(office);
  if (account.password) {
    v1::PasswordHash& hash = *out.mutable_password();
    hash.set_scheme("scrypt");
    hash.set_log2_n(account.password->log2_n);
    hash.set_r(account.password->r);
    hash.set_p(account.password->p);
    hash.set_salt(account.password->salt);
    hash.set_hash(account.password->hash);
  }
  out.set_change_password(account.change_password);
  out.set_disabled(account.disabled);
  out.set_changed_ms(ms(account.changed));
  out.set_changed_by(account.changed_by);
  out.set_sessions_from_ms(ms(account.sessions_from));
  return record.SerializeAsString();
}

std::string encode(const StoredSession& session) {
  v1::UserRecord record;
  v1::Session& out = *record.mutable_session();
  out.set_id(session.id);
  out.set_account(session.account);
  out.set_secret_sha256(session.secret_sha256);
  out.set_began_ms(ms(session.began));
  out.set_expires_ms(ms(session.expires));
  out.set_peer(session.peer);
  out.set_confirmed_ms(ms(session.confirmed));
  return record.SerializeAsString();
}

std::string encode(const StoredToken& token) {
  v1::UserRecord record;
  v1::ApiToken& out = *record.mutable_token();
  out.set_id(token.id);
  out.set_account(token.account);
  out.set_secret_sha256(token.secret_sha256);
  out.set_note(token.note);
  put_grants(token.scope, [&] { return out.add_scope(); });
  out.set_made_ms(ms(token.made));
  out.set_expires_ms(ms(token.expires));
  return record.SerializeAsString();
}

DecodedUser decode_user(std::string_view key, std::string_view value) {
  wire::DecodeLimits limits;
  limits.record_bytes_max = kUserRecordBytesMax;
  if (auto wrong = wire::size_error(value, limits)) return *wrong;
  v1::UserRecord record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return wire::unreadable(value);
  const auto of_key = parse_user_key(key);
  if (!of_key) return bad_user("the key is none of account|NAME, session|ID, token|ID");
  DecodedUser decoded = user_refused(core::Reason::NotSupported, "neither an account nor a session nor a token");
  std::string expected;
  if (record.has_account()) {
    decoded = user_of(record.account());
    expected = user_key(UserKind::Account, record.account().name());
  } else if (record.has_session()) {
    decoded = user_of(record.session());
    expected = user_key(UserKind::Session, record.session().id());
  } else if (record.has_token()) {
    decoded = user_of(record.token());
    expected = user_key(UserKind::Token, record.token().id());
  }
  if (!std::holds_alternative<core::Rejected>(decoded) && key != expected)
    return bad_user("it stands under another key than its own");
  return decoded;
}

}  // namespace qc::console
