// `csv`: our own format, time,site,factor,value,unit[,flag], described for its users in docs/csv.md.
#include <algorithm>

#include "wire/csv_file.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

enum Key : std::size_t { Time, Site, FactorName, Value, UnitName, FlagLetter };
constexpr std::array<std::string_view, 6> kColumns = {"time", "site", "factor", "value", "unit", "flag"};

core::Source source_of(core::Duration interval) {
  if (interval == core::kHour) return core::Source::Hour;
  return interval >= std::chrono::minutes(1) ? core::Source::Minute : core::Source::Realtime;
}

class PlainCsv final : public CsvFile {
 public:
  using CsvFile::CsvFile;

 private:
  Result<void> header(const Fields& fields) override {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto known = std::find(kColumns.begin(), kColumns.end(), fields[i]);
      // A misspelt `flag` must not pass as a file without flags.
      if (known == kColumns.end()) {
        return malformed("unknown column \"" + std::string(fields[i].substr(0, 40)) +
                         "\"; time,site,factor,value,unit[,flag] expected");
      }
      auto& at = columns_[static_cast<std::size_t>(known - kColumns.begin())];
      if (at) return malformed("the column " + std::string(fields[i]) + " stands twice");
      at = i;
    }
    for (std::size_t k = 0; k < FlagLetter; ++k) {
      if (!columns_[k])
        return malformed("no column " + std::string(kColumns[k]) + "; time,site,factor,value,unit[,flag] expected");
    }
    return {};
  }

  void row(const Fields& fields) override {
    count(Fate::Other, static_cast<std::int64_t>(fields.size()) - 1);
    const auto field = [&](Key k) { return fields[*columns_[k]]; };
    core::Flag flag = core::Flag::Normal;
    if (columns_[FlagLetter] && !field(FlagLetter).empty()) {
      const std::string_view letter = field(FlagLetter);
      const auto parsed = letter.size() == 1 ? core::parse_flag(letter[0]) : std::nullopt;
      if (!parsed) return bad(Fate::BadFlag, "flag " + quoted(letter) + ": one of N F M S D C T B - expected");
      flag = *parsed;
    }
    // A device that says why it has no value has said something: the flag goes on with the value 0.
    const bool empty = is_missing(field(Value));
    if (flag == core::Flag::Missing || (empty && flag == core::Flag::Normal)) return count(Fate::Missing);
    const auto factor = core::parse_factor(field(FactorName));
    if (factor && core::is_index(*factor)) return count(Fate::Published);
    const auto at = interval(field(Time));
    if (!at)
      return bad(Fate::BadTime,
                 "time " + quoted(field(Time)) +
                     (core::parse_iso(field(Time)) ? " is not on the interval's grid" : " is not ISO 8601"));
    if (!printable(field(Site), kNameBytesMax))
      return bad(Fate::BadSite, "site: 1 to 64 bytes of printable text expected");
    if (!factor || *factor == core::Factor::None)
      return bad(Fate::UnknownFactor, "factor " + quoted(field(FactorName)) + " is not known");
    const auto unit = core::parse_unit(field(UnitName));
    if (!unit || *unit == core::Unit::None || *unit > core::Unit::NgM3) {
      return bad(Fate::WrongUnit, "unit " + quoted(field(UnitName)) + ": ug/m3, mg/m3 or ng/m3 expected");
    }
    core::Decimal decimal;
    if (!empty) {
      const auto number = value(field(Value), "value");
      if (!number) return;
      decimal = *number;
    }
    count(Fate::Reading);
    add(field(Site), *at, {*factor, decimal, *unit, flag});
  }

  void add(std::string_view site, core::Interval at, const Row& row) {
    const bool same =
        packet_.site == site && packet_.interval == at && packet_.rows.size() < options().packet_readings_max;
    if (!same || packet_.rows.empty()) {
      finish();
      packet_.site = site;
      packet_.name = site;
      packet_.source = source_of(options().interval);
      packet_.interval = at;
    }
    packet_.rows.push_back(row);
  }

  void finish() override {
    emit(packet_);
    packet_.rows.clear();
  }

  std::optional<core::Interval> interval(std::string_view text) const {
    const auto time = core::parse_iso(text);
    if (!time || !sane_time(core::ms(*time))) return std::nullopt;
    const core::Duration length = options().interval;
    const core::EventTime start = options().label == Label::End ? *time - length : *time;
    if (!sane_time(core::ms(start))) return std::nullopt;
    if (source_of(length) != core::Source::Realtime && core::floor_to(start, length) != start) return std::nullopt;
    return core::Interval{start, start + length};
  }

  static std::string quoted(std::string_view text) { return '"' + std::string(text.substr(0, 40)) + '"'; }

  std::array<std::optional<std::size_t>, kColumns.size()> columns_;
  Packet packet_;  // the one being gathered
};

}  // namespace

std::unique_ptr<CsvFile> make_plain(std::string path, std::unique_ptr<ByteSource> source, const FileOptions& options) {
  return std::make_unique<PlainCsv>(std::move(path), std::move(source), options);
}

}  // namespace qc::wire
