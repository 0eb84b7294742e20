#include "platform/web_text.h"

#include <algorithm>

namespace qc::platform {

namespace {

constexpr std::size_t kQueryPartsMax = 64;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char lower_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_unreserved(char c) {
  const char l = lower_letter(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 6265 4.1.1.
bool is_cookie_octet(char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

// Takes the text before the next `mark` off the front.
std::string_view take_piece(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

// RFC 9110 12.4.2, in thousandths: "0.5" is 500.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    weight += (text[i] - '0') * unit;
  }
  return weight > 1000 ? std::nullopt : std::optional<int>(weight);
}

// Takes one entity tag, W/"..." or "...", off the front and gives what stands between its quotes (RFC 9110 8.8.3).
std::optional<std::string_view> take_etag(std::string_view& text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.empty() || text.front() != '"') return std::nullopt;
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view opaque = text.substr(1, end - 1);
  const auto outside = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(opaque.begin(), opaque.end(), outside)) return std::nullopt;
  text.remove_prefix(end + 1);
  return opaque;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

std::optional<std::string> decode_path(std::string_view path, bool encoded_slashes) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  std::optional<std::string> decoded = percent_decode(path, false);
  if (!decoded || !is_utf8(*decoded)) return std::nullopt;
  const auto forbidden = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f || c == '\\'; };
  if (std::any_of(decoded->begin(), decoded->end(), forbidden)) return std::nullopt;
  if (!encoded_slashes &&
      std::count(decoded->begin(), decoded->end(), '/') != std::count(path.begin(), path.end(), '/')) {
    return std::nullopt;
  }
  // Decoded, so that neither "%2e%2e" nor "a%2F..%2Fb" leads up.
  std::string_view rest = std::string_view(*decoded).substr(1);
  while (!rest.empty()) {
    const std::string_view part = take_piece(rest, '/');
    if (part.empty() || part == "." || part == "..") return std::nullopt;
  }
  return decoded;
}

std::optional<std::vector<std::string>> path_parts(std::string_view raw_path) {
  if (!decode_path(raw_path)) return std::nullopt;
  std::vector<std::string> parts;
  std::string_view rest = raw_path.substr(1);
  for (;;) {
    const bool last = rest.find('/') == std::string_view::npos;
    std::optional<std::string> part = percent_decode(take_piece(rest, '/'), false);
    // An encoded character may not be spread over two parts, though the whole path is UTF-8 then.
    if (!part || !is_utf8(*part)) return std::nullopt;
    parts.push_back(*std::move(part));
    if (last) return parts;
  }
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view query, std::initializer_list<std::string_view> repeatable) {
  std::vector<std::pair<std::string, std::string>> parts;
  while (!query.empty()) {
    std::string_view value = take_piece(query, '&');
    if (value.empty()) continue;
    std::optional<std::string> name = percent_decode(take_piece(value, '='), true);
    std::optional<std::string> decoded = percent_decode(value, true);
    if (!name || !decoded || name->empty() || !is_utf8(*name) || !is_utf8(*decoded)) return std::nullopt;
    const auto same = [&](const auto& part) { return part.first == *name; };
    if (parts.size() == kQueryPartsMax) return std::nullopt;
    if (std::find(repeatable.begin(), repeatable.end(), *name) == repeatable.end() &&
        std::any_of(parts.begin(), parts.end(), same)) {
      return std::nullopt;
    }
    parts.emplace_back(*std::move(name), *std::move(decoded));
  }
  return parts;
}

std::optional<std::string> cookie_value(std::string_view header, std::string_view name) {
  std::optional<std::string> found;
  while (!header.empty()) {
    std::string_view value = take_piece(header, ';');
    if (value.find('=') == std::string_view::npos) continue;
    if (trim_blanks(take_piece(value, '=')) != name) continue;
    if (found) return std::nullopt;
    value = trim_blanks(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (!std::all_of(value.begin(), value.end(), is_cookie_octet)) return std::nullopt;
    found = std::string(value);
  }
  return found;
}

bool accepts_gzip(std::string_view header) {
  std::optional<int> gzip, any;
  while (!header.empty()) {
    std::string_view parameters = trim_blanks(take_piece(header, ','));
    if (parameters.empty()) continue;
    const std::string_view coding = trim_blanks(take_piece(parameters, ';'));
    parameters = trim_blanks(parameters);
    int weight = 1000;
    if (!parameters.empty()) {
      if (!same_ignoring_case(parameters.substr(0, 2), "q=")) return false;
      const std::optional<int> parsed = parse_weight(parameters.substr(2));
      if (!parsed) return false;
      weight = *parsed;
    }
    if (same_ignoring_case(coding, "gzip") || same_ignoring_case(coding, "x-gzip")) gzip = weight;
    if (coding == "*") any = weight;
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

bool matches_etag(std::string_view header, std::string_view etag) {
  const std::optional<std::string_view> wanted = take_etag(etag);
  if (!wanted || !etag.empty()) return false;
  header = trim_blanks(header);
  if (header == "*") return true;
  bool matches = false;
  while (!header.empty()) {
    if (header.front() == ',') {  // an empty element
      header = trim_blanks(header.substr(1));
      continue;
    }
    const std::optional<std::string_view> tag = take_etag(header);
    header = trim_blanks(header);
    if (!tag || (!header.empty() && header.front() != ',')) return false;
    matches = matches || *tag == *wanted;
  }
  return matches;
}

std::string_view media_type(std::string_view content_type) {
  return trim_blanks(content_type.substr(0, content_type.find(';')));
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i++]);
    if (first < 0x80) continue;
    int more = 0;
    if (first >= 0xc2 && first <= 0xdf) more = 1;
    if (first >= 0xe0 && first <= 0xef) more = 2;
    if (first >= 0xf0 && first <= 0xf4) more = 3;
    if (more == 0 || bytes.size() - i < static_cast<std::size_t>(more)) return false;
    // The second byte is narrower where a shorter form, a surrogate or a value beyond U+10FFFF would begin.
    const auto second = static_cast<unsigned char>(bytes[i]);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (; more > 0; --more) {
      if ((static_cast<unsigned char>(bytes[i++]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), lower_letter);
  return lower;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_letter(x) == lower_letter(y); });
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const char l = lower_letter(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace qc::platform
