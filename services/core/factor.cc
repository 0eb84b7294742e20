#include "core/factor.h"

#include <string>
#include <utility>

namespace qc::core {
namespace {

// Indexed by the enum's number; the empty name is None's.
constexpr std::array<std::string_view, kFactors> kFactorNames = {"",    "PM2.5", "PM10", "SO2", "NO2", "CO",      "O3",
                                                                 "TSP", "NOx",   "Pb",   "BaP", "AQI", "AQI_PM24"};
constexpr std::array<std::string_view, 8> kUnitNames = {"", "ug/m3", "mg/m3", "ng/m3", "point", "%", "h", "1"};
constexpr std::array<std::string_view, kMarks> kMarkNames = {"", "range", "clipped", "stuck", "inverted", "spike"};
constexpr std::array<std::string_view, 10> kWindowNames = {"",    "reading", "1h",    "8h",      "24h",
                                                           "day", "mda8",    "month", "quarter", "year"};
constexpr std::array<std::string_view, 5> kSourceNames = {"", "realtime", "minute", "hour", "amended"};
constexpr std::array<std::string_view, 4> kStatusNames = {"", "running", "closed", "amended"};
constexpr std::array<std::string_view, 6> kSiteKindNames = {"",         "evaluation", "micro",
                                                            "roadside", "park",       "background"};
constexpr std::array<std::string_view, 3> kTimelineNames = {"", "wall", "fed"};
constexpr std::string_view kFlagLetters = "NFMSDCTB-";

template <class Enum, std::size_t N>
constexpr std::string_view name_in(const std::array<std::string_view, N>& names, Enum value) {
  const auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : std::string_view();
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_separator(char c) {
  return c == '.' || c == '_' || c == '-' || c == ',' || c == ' ';
}

// Lower case without separators. Between two digits a separator is a decimal point and belongs to PM2.5 alone: "PM1.0"
// is another pollutant, and must never be read as PM10. nullopt where one stands elsewhere.
std::optional<std::string> squeezed(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_separator(text[i])) {
      out += lower(text[i]);
    } else if (i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]) &&
               (text[i - 1] != '2' || text[i + 1] != '5')) {
      return std::nullopt;
    }
  }
  return out;
}

// The number of the name that is written exactly so; None is never written.
template <std::size_t N>
std::optional<std::size_t> exact(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 1; i < N; ++i) {
    if (names[i] == text) return i;
  }
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string_view name(Factor f) {
  return name_in(kFactorNames, f);
}
std::string_view name(Mark m) {
  return name_in(kMarkNames, m);
}
std::string_view name(Unit u) {
  return name_in(kUnitNames, u);
}
std::string_view name(Window w) {
  return name_in(kWindowNames, w);
}
std::string_view name(Source s) {
  return name_in(kSourceNames, s);
}
std::string_view name(Status s) {
  return name_in(kStatusNames, s);
}
std::string_view name(SiteKind k) {
  return name_in(kSiteKindNames, k);
}
std::string_view name(Timeline t) {
  return name_in(kTimelineNames, t);
}

Unit publishing_unit(Factor f) {
  if (is_index(f)) return Unit::Point;
  return f == Factor::CO ? Unit::MgM3 : Unit::UgM3;
}

std::optional<Factor> parse_factor(std::string_view text) {
  // The usual case, in every row of a file.
  if (const auto i = exact(kFactorNames, text)) return static_cast<Factor>(*i);
  if (text.size() > 16) return std::nullopt;  // no spelling is so long
  const auto key = squeezed(text);
  if (!key) return std::nullopt;
  for (std::size_t i = 1; i < kFactors; ++i) {
    if (squeezed(kFactorNames[i]) == key) return static_cast<Factor>(i);
  }
  return std::nullopt;
}

std::optional<Unit> parse_unit(std::string_view text) {
  if (const auto i = exact(kUnitNames, text)) return static_cast<Unit>(*i);
  if (text.size() > 16) return std::nullopt;
  std::string key;
  for (const char c : text) key += lower(c);
  replace_all(key, "\xC2\xB5", "u");  // U+00B5 micro sign
  replace_all(key, "\xCE\xBC", "u");  // U+03BC Greek mu
  replace_all(key, "\xC2\xB3", "3");  // U+00B3 superscript three
  replace_all(key, "m^3", "m3");
  if (const auto i = exact(kUnitNames, key)) return static_cast<Unit>(*i);
  return std::nullopt;
}

std::optional<Window> parse_window(std::string_view text) {
  if (const auto i = exact(kWindowNames, text)) return static_cast<Window>(*i);
  return std::nullopt;
}

std::optional<Flag> parse_flag(char letter) {
  const std::size_t at = kFlagLetters.find(letter);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<Flag>(at);
}

char letter(Flag f) {
  return kFlagLetters[static_cast<std::size_t>(f)];
}

}  // namespace qc::core
