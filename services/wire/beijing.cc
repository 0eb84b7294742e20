// `beijing`: the city's own publication: a row for each (date, hour, type), a column for each station. The rows of one
// hour become one packet a station. CO in mg/m3, others ug/m3; types such as PM2.5_24h and AQI are published results.
#include <algorithm>
#include <set>

#include "wire/csv_file.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

constexpr std::size_t kKeys = 3;     // date, hour, type
constexpr int kRowsPerHourMax = 64;  // a file has 5 to 8; bounds what is held where one hour never ends

class Beijing final : public CsvFile {
 public:
  using CsvFile::CsvFile;

 private:
  Result<void> header(const Fields& fields) override {
    if (fields.size() <= kKeys || fields[0] != "date" || fields[1] != "hour" || fields[2] != "type") {
      return malformed("the header date,hour,type,<station>... was expected");
    }
    std::set<std::string_view> names;
    for (std::size_t i = kKeys; i < fields.size(); ++i) {
      if (!printable(fields[i], kNameBytesMax))
        return malformed("column " + std::to_string(i + 1) + ": a station of 1 to 64 bytes was expected");
      if (!names.insert(fields[i]).second) return malformed("the station " + std::string(fields[i]) + " stands twice");
      Packet packet;
      packet.site = fields[i];
      packet.name = fields[i];
      packet.source = core::Source::Hour;
      hour_.push_back(std::move(packet));
      stations_.push_back(i);
    }
    return {};
  }

  void row(const Fields& fields) override {
    count(Fate::Other, static_cast<std::int64_t>(kKeys));
    const std::string_view type = fields[2];
    const auto factor = core::parse_factor(type);
    if (type.find('_') != std::string_view::npos || (factor && core::is_index(*factor))) {
      return skip(fields, stations_, Fate::Published, {});
    }
    const auto end = label(fields[0], fields[1]);
    if (!end) return skip(fields, stations_, Fate::BadTime, "not a time: date (YYYYMMDD), hour (0 to 23)");
    if (!factor)
      return skip(fields, stations_, Fate::UnknownFactor,
                  "type \"" + std::string(type.substr(0, 40)) + "\" is not a known factor");
    if (end_ != end || rows_ == kRowsPerHourMax) finish();
    end_ = end;
    ++rows_;
    const core::Unit unit = *factor == core::Factor::CO ? core::Unit::MgM3 : core::Unit::UgM3;
    for (std::size_t i = kKeys; i < fields.size(); ++i) {
      if (const auto number = value(fields[i], type)) {
        count(Fate::Reading);
        hour_[i - kKeys].rows.push_back({*factor, *number, unit, core::Flag::Normal});
      }
    }
  }

  void finish() override {
    for (Packet& station : hour_) {
      if (station.rows.empty()) continue;
      station.interval = hour_ending(*end_);
      emit(station);
      station.rows.clear();
    }
    rows_ = 0;
  }

  static std::optional<core::EventTime> label(std::string_view date, std::string_view hour_text) {
    const auto hour = whole_number(hour_text);
    const auto ymd = whole_number(date);
    if (date.size() != 8 || !ymd || !hour) return std::nullopt;
    return hour_label(static_cast<int>(*ymd / 10'000), *ymd / 100 % 100, *ymd % 100, *hour);
  }

  std::vector<std::size_t> stations_;  // their columns
  std::vector<Packet> hour_;           // one a station, all of the hour that ends at end_
  std::optional<core::EventTime> end_;
  int rows_ = 0;  // of the file, in that hour
};

}  // namespace

std::unique_ptr<CsvFile> make_beijing(std::string path, std::unique_ptr<ByteSource> source,
                                      const FileOptions& options) {
  return std::make_unique<Beijing>(std::move(path), std::move(source), options);
}

}  // namespace qc::wire
