// The small texts of HTTP that Beast leaves alone: targets, queries, cookies, media types. Parsers of bytes from
// outside; functions, any thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qc::platform {

// Percent-decoding; with `plus` a '+' is a space (queries). nullopt: "%" without two hex digits, or a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus);
std::string percent_encode(std::string_view text);  // all but unreserved characters (RFC 3986)

// The path of an origin-form target, decoded once. nullopt: not beginning with "/", an empty part other than the last,
// "." or ".." (before or after decoding), a control character, a backslash, or an encoded "/" where `slashes` is false,
// bytes that are no UTF-8.
std::optional<std::string> decode_path(std::string_view path, bool encoded_slashes = true);

// The parts of a path after each of its slashes, decoded one by one, so that "%2F" stands in a part: "/a/b" is {a, b},
// "/a/" is {a, ""}, "/" is {""}. nullopt: as decode_path.
std::optional<std::vector<std::string>> path_parts(std::string_view raw_path);

// "a=1&b=x%20y" in its order; at most 64 of them, no name twice unless in `repeatable`. A name alone has an empty
// value; nothing between two "&" is nothing. nullopt: not so, an empty name, or no UTF-8.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query, std::initializer_list<std::string_view> repeatable = {});

// The value of a cookie in a Cookie header, without its quotes; nullopt: not there, there twice, or malformed. How
// other cookies look does not matter: they may be another program's.
std::optional<std::string> cookie_value(std::string_view header, std::string_view name);

// Whether an Accept-Encoding header takes gzip (RFC 9110 12.5.3; "gzip;q=0" does not).
bool accepts_gzip(std::string_view header);

// Whether an If-None-Match header names `etag` (weak comparison), or is "*".
bool matches_etag(std::string_view header, std::string_view etag);

// "application/json; charset=utf-8" is "application/json".
std::string_view media_type(std::string_view content_type);

bool is_utf8(std::string_view bytes);  // RFC 3629: no surrogates, no longer form than needed

std::string_view trim_blanks(std::string_view text);  // spaces and tabs at both ends
std::string lower_case(std::string_view text);        // ASCII letters, as is the next one
bool same_ignoring_case(std::string_view a, std::string_view b);
bool is_token(std::string_view text);  // RFC 9110 5.6.2, as methods and header names are

}  // namespace qc::platform
