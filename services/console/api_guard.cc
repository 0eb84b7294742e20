#include "console/api_guard.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "platform/web_text.h"

namespace qc::console {
namespace {

using platform::same_ignoring_case;
using platform::WebResponse;

bool same_csrf(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

WebResponse foreign() {
  return problem({.status = 403,
                  .code = "foreign_origin",
                  .detail = "this came from a page of another site; Origin must be this console's own"});
}

// The scheme and authority, without path.
std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

std::string_view session_cookie(bool secure) {
  return secure ? "__Host-qingchuan" : "qingchuan";
}

std::string set_cookie(std::string_view secret, std::int64_t seconds, bool secure) {
  std::string cookie(session_cookie(secure));
  cookie += "=" + std::string(secret) + "; HttpOnly; SameSite=Strict; Path=/; Max-Age=" + std::to_string(seconds);
  if (secure) cookie += "; Secure";
  return cookie;
}

Credentials credentials_of(const platform::WebRequest& request, bool secure) {
  Credentials given;
  given.peer = request.peer;
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view header = request.header("authorization");
  // Who says who they are is taken at that word alone: a cookie that came along makes no wrong token right.
  const bool said = std::any_of(request.headers.begin(), request.headers.end(),
                                [](const auto& h) { return h.first == "authorization"; });
  if (said) {
    if (header.size() > kScheme.size() && same_ignoring_case(header.substr(0, kScheme.size()), kScheme)) {
      given.bearer = header.substr(kScheme.size());
    }
    return given;
  }
  // The value as a view of the header: cookie_value() finds it (and refuses one that stands twice), and its place in
  // the header is that of the pair.
  const std::string_view cookies = request.header("cookie");
  const auto value = platform::cookie_value(cookies, session_cookie(secure));
  if (!value || value->empty()) return given;
  const std::string pair = std::string(session_cookie(secure)) + "=" + *value;
  const std::size_t at = cookies.find(pair);
  if (at == std::string_view::npos) return given;
  given.session = cookies.substr(at + pair.size() - value->size(), value->size());
  return given;
}

std::string_view authority_of(std::string_view url) {
  const std::string_view origin = origin_of(url);
  return origin.empty() ? origin : origin.substr(origin.find("://") + 3);
}

std::optional<WebResponse> refuse_foreign(const platform::WebRequest& request, const ApiOptions& options,
                                          bool signing_in) {
  std::string_view from = request.header("origin");
  if (from.empty()) from = request.header("referer");
  const std::string_view origin = origin_of(from);
  const bool listed = std::any_of(options.origins.begin(), options.origins.end(), [&](const std::string& one) {
    return !one.empty() && same_ignoring_case(one, origin);
  });
  if (listed) return std::nullopt;
  const std::string_view site = request.header("sec-fetch-site");
  if (same_ignoring_case(site, "cross-site") || same_ignoring_case(site, "same-site")) return foreign();
  if (from.empty()) {
    if (signing_in) return std::nullopt;
    return problem({.status = 403,
                    .code = "origin_missing",
                    .detail = "a request by cookie that changes something needs the header Origin"});
  }
  const std::string_view authority = authority_of(from);
  if (authority.empty() || !same_ignoring_case(authority, request.header("host"))) return foreign();
  // A page without TLS is not ours where ours has it.
  if (options.secure_cookies && !same_ignoring_case(origin.substr(0, 8), "https://")) return foreign();
  return std::nullopt;
}

std::optional<WebResponse> refuse_forged(const platform::WebRequest& request, const Principal& who,
                                         const ApiOptions& options) {
  if (who.by == SignedInBy::Token) return std::nullopt;
  if (auto refused = refuse_foreign(request, options, false)) return refused;
  if (who.csrf.empty() || !same_csrf(request.header("x-csrf-token"), who.csrf)) {
    return problem(
        {.status = 403, .code = "csrf", .detail = "the header X-CSRF-Token must say what GET session gives as csrf"});
  }
  return std::nullopt;
}

}  // namespace qc::console
