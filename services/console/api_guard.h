// Who sent a request, and whether a page of ours made the browser send it (cross-site request forgery). Functions; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "console/api.h"
#include "console/api_problem.h"
#include "platform/web_server.h"

namespace qc::console {

// "__Host-qingchuan" over TLS, which browsers tie to this very host; "qingchuan" otherwise.
std::string_view session_cookie(bool secure);
// Its Set-Cookie; `seconds` 0: it is to be forgotten.
std::string set_cookie(std::string_view secret, std::int64_t seconds, bool secure);

// Views of the request. Both a cookie and a token: the token alone counts, since no browser adds it by itself.
Credentials credentials_of(const platform::WebRequest& request, bool secure);

// The host and port of "https://host:port" or a Referer; empty: none.
std::string_view authority_of(std::string_view url);

// Of requests that change something. `signing_in`: there is no session yet, so none that could be misused; only what
// a browser says to come from elsewhere is refused.
std::optional<platform::WebResponse> refuse_foreign(const platform::WebRequest& request, const ApiOptions& options,
                                                    bool signing_in);
std::optional<platform::WebResponse> refuse_forged(const platform::WebRequest& request, const Principal& who,
                                                   const ApiOptions& options);

}  // namespace qc::console
