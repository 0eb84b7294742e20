// `prsa`: UCI 501, Zhang et al. 2017: a row an hour of one station. All six in ug/m3; weather is not ours.
#include "wire/csv_file.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

class Prsa final : public CsvFile {
 public:
  using CsvFile::CsvFile;

 private:
  enum Key : std::size_t { Year, Month, Day, Hour, Station };

  Result<void> header(const Fields& fields) override {
    constexpr std::array<std::string_view, 5> kKeys = {"year", "month", "day", "hour", "station"};
    for (std::size_t k = 0; k < kKeys.size(); ++k) {
      const auto at = column(fields, kKeys[k]);
      if (!at) return tl::make_unexpected(at.error());
      keys_[k] = *at;
    }
    for (std::size_t f = 0; f < core::kSixPollutants.size(); ++f) {
      const auto at = column(fields, core::name(core::kSixPollutants[f]));
      if (!at) return tl::make_unexpected(at.error());
      values_[f] = *at;
    }
    return {};
  }

  void row(const Fields& fields) override {
    count(Fate::Other, static_cast<std::int64_t>(fields.size() - values_.size()));
    const auto end = label(fields);
    const std::string_view station = fields[keys_[Station]];
    if (!end) return skip(fields, values_, Fate::BadTime, "year, month, day, hour: not an hour");
    if (!printable(station, kNameBytesMax)) {
      return skip(fields, values_, Fate::BadSite, "station: 1 to 64 bytes of printable text expected");
    }
    Packet packet;
    packet.site = station;
    packet.name = station;
    packet.source = core::Source::Hour;
    packet.interval = hour_ending(*end);
    for (std::size_t f = 0; f < values_.size(); ++f) {
      const core::Factor factor = core::kSixPollutants[f];
      if (const auto number = value(fields[values_[f]], core::name(factor))) {
        count(Fate::Reading);
        packet.rows.push_back({factor, *number, core::Unit::UgM3, core::Flag::Normal});
      }
    }
    emit(std::move(packet));
  }

  void finish() override {}

  std::optional<core::EventTime> label(const Fields& fields) const {
    const auto year = whole_number(fields[keys_[Year]]);
    const auto month = whole_number(fields[keys_[Month]]);
    const auto day = whole_number(fields[keys_[Day]]);
    const auto hour = whole_number(fields[keys_[Hour]]);
    if (!year || !month || !day || !hour) return std::nullopt;
    return hour_label(static_cast<int>(*year), *month, *day, *hour);
  }

  std::array<std::size_t, 5> keys_{};
  std::array<std::size_t, 6> values_{};
};

}  // namespace

std::unique_ptr<CsvFile> make_prsa(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options) {
  return std::make_unique<Prsa>(std::move(path), std::move(source), options);
}

}  // namespace qc::wire
