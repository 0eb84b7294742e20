// What is measured, over which window, in what unit, by what kind of data: the closed sets of the domain. The numbers
// are those of proto/qingchuan/v1/domain.proto (a test in `wire` holds them together), so that converting is a cast.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace qc::core {

enum class Factor : std::uint8_t { None = 0, PM25, PM10, SO2, NO2, CO, O3, TSP, NOx, Pb, BaP, AQI, AQI_PM24 };
inline constexpr std::size_t kFactors = 13;  // with None
inline constexpr std::array<Factor, 6> kSixPollutants = {Factor::PM25, Factor::PM10, Factor::SO2,
                                                         Factor::NO2,  Factor::CO,   Factor::O3};

// The last three are those of signals that are no concentration: a share, how long, how many.
enum class Unit : std::uint8_t { None = 0, UgM3, MgM3, NgM3, Point, Percent, Hours, Count };
enum class Window : std::uint8_t { None = 0, Reading, H1, H8, H24, Day, Mda8, Month, Quarter, Year };

inline constexpr std::size_t kWindows = 10;  // with None

// Why a value is suspect: it counts, and alerts, but labelled (architecture section 6, "mark, they don't hide").
enum class Mark : std::uint8_t {
  None = 0,
  Range,     // outside what is plausible in ambient air
  Clipped,   // at the end of the instrument's range: the truth may be higher
  Stuck,     // the same for hours, to the last digit
  Inverted,  // PM2.5 above PM10
  Spike      // one site alone left its neighbours for an hour
};
inline constexpr std::size_t kMarks = 6;  // with None
// A set of marks.
class Marks {
 public:
  constexpr Marks() = default;
  constexpr explicit Marks(std::uint8_t bits) : bits_(bits) {}
  constexpr Marks& add(Mark m) {
    if (m != Mark::None) bits_ = static_cast<std::uint8_t>(bits_ | 1U << (static_cast<unsigned>(m) - 1));
    return *this;
  }
  constexpr bool has(Mark m) const { return m != Mark::None && (bits_ >> (static_cast<unsigned>(m) - 1) & 1U) != 0; }
  constexpr bool any() const { return bits_ != 0; }
  constexpr std::uint8_t bits() const { return bits_; }
  bool operator==(const Marks&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

// HJ 212 kinds of data; the order is the rank: greater is preferred, hour by hour.
enum class Source : std::uint8_t { None = 0, Realtime, Minute, Hour, Amended };

enum class AreaClass : std::uint8_t { None = 0, Class1, Class2 };
enum class SiteKind : std::uint8_t { None = 0, Evaluation, Micro, Roadside, Park, Background };
enum class Status : std::uint8_t { None = 0, Running, Closed, Amended };
enum class Timeline : std::uint8_t { None = 0, Wall, Fed };

// HJ 212-2017 table 8. Only Normal is valid; Missing is a row that the packet leaves out.
enum class Flag : std::uint8_t {
  Normal = 0,
  Stopped,
  Maintenance,
  ManualSet,
  Fault,
  Calibrating,
  OverRange,
  Broken,
  Missing
};

constexpr std::size_t index(Factor f) {
  return static_cast<std::size_t>(f);
}
constexpr bool is_index(Factor f) {
  return f == Factor::AQI || f == Factor::AQI_PM24;
}

// The names people use: "PM2.5", "1h", "ug/m3", "hour", "closed". The publishing unit of CO is mg/m3, of an index
// point, of everything else ug/m3. None is the empty name.
std::string_view name(Factor f);
std::string_view name(Unit u);
std::string_view name(Window w);
std::string_view name(Mark m);  // "range", "stuck" ...
std::string_view name(Source s);
std::string_view name(Status s);
std::string_view name(SiteKind k);
std::string_view name(Timeline t);
Unit publishing_unit(Factor f);

// Accept "PM2.5", "pm25", "PM2_5" ...: case and punctuation don't matter, except that "PM1.0" (PM1) is never PM10.
std::optional<Factor> parse_factor(std::string_view text);
// Accepts "ug/m3", "µg/m3", "μg/m³", "mg/m3" ...
std::optional<Unit> parse_unit(std::string_view text);
std::optional<Window> parse_window(std::string_view text);
// N F M S D C T B, '-' (missing)
std::optional<Flag> parse_flag(char letter);
char letter(Flag f);

}  // namespace qc::core
