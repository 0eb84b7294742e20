// `cnemc`: the national network: a row for each station and hour. CO in mg/m3, others ug/m3; AQI, 24 h and 8 h columns
// are published results.
#include "wire/csv_file.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

class Cnemc final : public CsvFile {
 public:
  using CsvFile::CsvFile;

 private:
  enum Key : std::size_t { Timepoint, StationCode, Position, Aqi, Primary };

  Result<void> header(const Fields& fields) override {
    constexpr std::array<std::string_view, 5> kKeys = {"timepoint", "stationcode", "position", "aqi", "primary"};
    constexpr std::array<std::string_view, 6> kValues = {"pm2_5", "pm10", "so2", "no2", "co", "o3"};  // kSixPollutants
    for (std::size_t k = 0; k < kKeys.size(); ++k) {
      const auto at = column(fields, kKeys[k]);
      if (!at) return tl::make_unexpected(at.error());
      keys_[k] = *at;
    }
    for (std::size_t f = 0; f < kValues.size(); ++f) {
      const auto at = column(fields, kValues[f]);
      if (!at) return tl::make_unexpected(at.error());
      values_[f] = *at;
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string_view name = fields[i];
      const bool published =
          name == "aqi" || name == "quality" || name == "primary" || name.ends_with("_24h") || name.ends_with("_8h");
      if (published) published_.push_back(i);
    }
    return {};
  }

  void row(const Fields& fields) override {
    count(Fate::Other, static_cast<std::int64_t>(fields.size() - values_.size() - published_.size()));
    skip(fields, published_, Fate::Published, {});
    const auto end = core::parse_iso(fields[keys_[Timepoint]]);
    const bool timed =
        end && core::floor_to(*end, core::kHour) == *end && sane_time(core::ms(*end) - core::kHour.count());
    const std::string_view station = fields[keys_[StationCode]];
    if (!timed) return skip(fields, values_, Fate::BadTime, "timepoint: a whole hour expected");
    if (!printable(station, kNameBytesMax)) {
      return skip(fields, values_, Fate::BadSite, "stationcode: 1 to 64 bytes of printable text expected");
    }
    Packet packet;
    packet.site = station;
    const std::string_view position = fields[keys_[Position]];
    packet.name = printable(position, kDisplayNameBytesMax) ? position : station;
    packet.source = core::Source::Hour;
    packet.interval = hour_ending(*end);
    packet.published_aqi = fields[keys_[Aqi]];
    packet.published_primary = fields[keys_[Primary]];
    for (std::size_t f = 0; f < values_.size(); ++f) {
      const core::Factor factor = core::kSixPollutants[f];
      if (const auto number = value(fields[values_[f]], core::name(factor))) {
        count(Fate::Reading);
        const core::Unit unit = factor == core::Factor::CO ? core::Unit::MgM3 : core::Unit::UgM3;
        packet.rows.push_back({factor, *number, unit, core::Flag::Normal});
      }
    }
    emit(std::move(packet));
  }

  void finish() override {}

  std::array<std::size_t, 5> keys_{};
  std::array<std::size_t, 6> values_{};
  std::vector<std::size_t> published_;
};

}  // namespace

std::unique_ptr<CsvFile> make_cnemc(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options) {
  return std::make_unique<Cnemc>(std::move(path), std::move(source), options);
}

}  // namespace qc::wire
