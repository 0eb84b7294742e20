#include "wire/packet.h"

#include <array>

#include "core/concentration.h"
#include "qingchuan/v1/input.pb.h"
#include "wire/limits.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

constexpr std::size_t kColumnsMax = 32;  // of one packet that is read here

// The wire types of protobuf that a packet is made of.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kBytes = 2;
constexpr std::uint32_t tag(int field, std::uint32_t type) {
  return static_cast<std::uint32_t>(field) << 3 | type;
}

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool more() const { return at_ != end_; }
  // All that a packet has are of one byte.
  std::uint32_t tag() { return static_cast<unsigned char>(*at_++); }
  bool varint(std::uint64_t& value) {
    if (at_ == end_) return false;
    std::uint64_t byte = static_cast<unsigned char>(*at_++);
    value = byte & 0x7fu;
    for (unsigned shift = 7; (byte & 0x80u) != 0; shift += 7) {
      if (at_ == end_ || shift > 63) return false;
      byte = static_cast<unsigned char>(*at_++);
      value |= (byte & 0x7fu) << shift;
    }
    return true;
  }
  // Only what fits an int32 as it is; protobuf would cut the rest off.
  bool small(std::int64_t& value) {
    std::uint64_t v = 0;
    if (!varint(v) || v > 0x7fffffff) return false;
    value = static_cast<std::int64_t>(v);
    return true;
  }
  bool time(std::int64_t& value) {
    std::uint64_t v = 0;
    if (!varint(v)) return false;
    value = static_cast<std::int64_t>(v);
    return true;
  }
  bool bytes(std::string_view& value) {
    constexpr std::ptrdiff_t kLengthBytesMax = 4;  // written longer than it needs to be: protobuf has a view on that
    const char* begin = at_;
    std::uint64_t length = 0;
    if (!varint(length) || at_ - begin > kLengthBytesMax) return false;
    if (length > static_cast<std::uint64_t>(end_ - at_)) return false;
    value = {at_, static_cast<std::size_t>(length)};
    at_ += length;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

struct Column {
  std::int64_t factor = 0;
  std::int64_t unit = 0;
  std::int64_t decimals = 0;
  std::string_view values;  // packed
  std::string_view flags;
};

bool read_column(std::string_view bytes, Column& out) {
  Bytes in(bytes);
  while (in.more()) {
    bool good = false;
    switch (in.tag()) {
      case tag(v1::Column::kFactorFieldNumber, kVarint):
        good = in.small(out.factor);
        break;
      case tag(v1::Column::kUnitFieldNumber, kVarint):
        good = in.small(out.unit);
        break;
      case tag(v1::Column::kDecimalsFieldNumber, kVarint):
        good = in.small(out.decimals);
        break;
      case tag(v1::Column::kValuesFieldNumber, kBytes):
        good = out.values.empty() && in.bytes(out.values);
        break;
      case tag(v1::Column::kFlagsFieldNumber, kBytes):
        good = in.bytes(out.flags);
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return true;
}

bool take_flags(std::string_view letters, core::ReadingBatch& out, std::size_t first) {
  if (letters.size() != out.values.size() - first) return false;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const auto flag = core::parse_flag(letters[i]);
    if (!flag) return false;
    out.flags[first + i] = *flag;
    // What stands in the field of something that is not there is nothing.
    if (*flag == core::Flag::Missing) out.values[first + i] = {};
  }
  return true;
}

bool take_column(const Column& in, core::ReadingBatch& out) {
  const auto factor = known(in.factor, core::Factor::AQI_PM24);
  const auto unit = known(in.unit, core::Unit::NgM3);
  if (!factor || core::is_index(*factor) || !unit || in.decimals > kDecimalsMax) return false;
  const Scale scale(*unit, static_cast<int>(in.decimals));
  const std::size_t first = out.values.size();
  Bytes values(in.values);
  while (values.more()) {
    std::uint64_t zigzag = 0;
    core::Concentration value;
    if (!values.varint(zigzag)) return false;
    const auto mantissa = static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
    if (scale.apply(mantissa, value) != core::Reason::None) return false;
    out.values.push_back(value);
  }
  if (out.values.size() - first == 1) {
    out.flags.push_back(core::Flag::Normal);
  } else {
    out.flags.resize(out.values.size(), core::Flag::Normal);
  }
  out.columns.push_back(
      {*factor, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(out.values.size() - first)});
  return in.flags.empty() || take_flags(in.flags, out, first);
}

}  // namespace

std::string shape_error(const PacketHead& head) {
  if (!printable(head.site, kNameBytesMax)) return "site: 1 to 64 bytes of printable text expected";
  if (head.source < v1::REALTIME || head.source > v1::HOUR) {
    return "source " + std::to_string(head.source) + ": realtime, minute or hour expected";
  }
  const core::Duration step = std::chrono::seconds(head.step_s);
  if (!is_grid(step)) return "step " + std::to_string(head.step_s) + " s: 5, 60, 300 or 3600 expected";
  if (head.source == v1::HOUR && head.step_s != 3600)
    return "hour data with a step of " + std::to_string(head.step_s) + " s";
  if (head.source == v1::MINUTE && head.step_s != 60 && head.step_s != 300) {
    return "minute data with a step of " + std::to_string(head.step_s) + " s";
  }
  if (!sane_time(head.start_ms)) return "start " + std::to_string(head.start_ms) + ": not between 1990 and 2200";
  if (!sane_time(head.received_ms))
    return "received " + std::to_string(head.received_ms) + ": not between 1990 and 2200";
  if (head.stamp_ms != 0 && !sane_time(head.stamp_ms)) {
    return "stamp " + std::to_string(head.stamp_ms) + ": not between 1990 and 2200";
  }
  if (head.source != v1::REALTIME && head.start_ms % step.count() != 0) {
    return "start " + core::to_iso(core::event_time(head.start_ms)) + " is not on the grid of " +
           std::to_string(head.step_s) + " s";
  }
  return {};
}

Scale::Scale(core::Unit unit, int decimals) : unit_(unit), decimals_(decimals) {
  static constexpr std::array<std::int64_t, kDecimalsMax + 1> kPowers = {
      1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  static constexpr auto kMost = [] {
    std::array<std::int64_t, kDecimalsMax + 1> most{};
    for (std::size_t i = 0; i < most.size(); ++i) most[i] = core::kConcentrationMax / kPowers[i];
    return most;
  }();
  const int finest = unit == core::Unit::MgM3 ? 9 : unit == core::Unit::NgM3 ? 3 : 6;  // decimals of a picogram
  if (decimals > finest) return;
  const auto power = static_cast<std::size_t>(finest - decimals);
  factor_ = kPowers[power];
  most_ = kMost[power];
}

core::Reason Scale::apply_finer(std::int64_t mantissa, core::Concentration& out) const {
  const auto value = core::scaled(mantissa, decimals_, unit_);
  if (!value || value->pg > core::kConcentrationMax) return core::Reason::OutOfRange;
  out = *value;
  return core::Reason::None;
}

bool read_plain_packet(std::string_view bytes, const DecodeLimits& limits, core::ReadingBatch& out) {
  PacketHead head;
  std::array<std::string_view, kColumnsMax> columns;
  std::size_t n = 0;
  Bytes in(bytes);
  while (in.more()) {
    bool good = false;
    switch (in.tag()) {
      case tag(v1::ReadingBatch::kSiteFieldNumber, kBytes):
        good = head.site.empty() && in.bytes(head.site);  // of two, protobuf looks at both
        break;
      case tag(v1::ReadingBatch::kReceivedMsFieldNumber, kVarint):
        good = in.time(head.received_ms);
        break;
      case tag(v1::ReadingBatch::kStampMsFieldNumber, kVarint):
        good = in.time(head.stamp_ms);
        break;
      case tag(v1::ReadingBatch::kSourceFieldNumber, kVarint):
        good = in.small(head.source);
        break;
      case tag(v1::ReadingBatch::kStartMsFieldNumber, kVarint):
        good = in.time(head.start_ms);
        break;
      case tag(v1::ReadingBatch::kStepSFieldNumber, kVarint):
        good = in.small(head.step_s);
        break;
      case tag(v1::ReadingBatch::kColumnsFieldNumber, kBytes):
        good = n < kColumnsMax && in.bytes(columns[n++]);
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  if (!shape_error(head).empty()) return false;
  out.clear();
  out.site = head.site;
  out.received = core::receive_time(head.received_ms);
  out.stamp_ms = head.stamp_ms;
  out.source = static_cast<core::Source>(head.source);
  out.start = core::event_time(head.start_ms);
  out.step = std::chrono::seconds(head.step_s);
  for (std::size_t i = 0; i < n; ++i) {
    Column column;
    if (!read_column(columns[i], column) || !take_column(column, out)) return false;
    const std::int64_t last = head.start_ms + static_cast<std::int64_t>(out.columns.back().count) * out.step.count();
    if (!sane_time(last) || out.values.size() > limits.batch_readings_max) return false;
  }
  return true;
}

}  // namespace qc::wire
