#include "wire/mean_decoder.h"

#include <google/protobuf/stubs/logging.h>

#include <array>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "qingchuan/v1/output.pb.h"
#include "wire/limits.h"
#include "wire/wire_format.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

// More than any window has.
constexpr std::int32_t kCountMax = 10'000'000;

core::Rejected refuse(Reason reason, std::string detail) {
  return core::Rejected{reason, 1, std::move(detail)};
}

template <class E>
std::optional<E> known(int number, E last) {
  if (number <= 0 || number > static_cast<int>(last)) return std::nullopt;
  return static_cast<E>(number);
}

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_value(std::int64_t pg) {
  return pg >= 0 && pg <= core::kConcentrationMax;
}

// Takes a varint off the front; false: there is none.
bool take_varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

std::optional<MeanKind> peek_mean(std::string_view bytes) {
  const auto record = only_field(bytes);
  if (!record || record->number != v1::MeanRecord::kMeanFieldNumber) return std::nullopt;
  std::array<std::uint64_t, 3> found{};  // factor, window, status
  std::string_view rest = record->content;
  std::uint64_t last = 0;
  // Fields come in the order of their numbers; the status is the last of the three.
  while (!rest.empty() && last < v1::Mean::kStatusFieldNumber) {
    std::uint64_t tag = 0;
    std::uint64_t value = 0;
    if (!take_varint(rest, tag) || !take_varint(rest, value)) return std::nullopt;
    const std::uint64_t number = tag >> 3;
    if (number <= last) return std::nullopt;
    last = number;
    if ((tag & 7U) == 2) {
      if (value > rest.size()) return std::nullopt;
      rest.remove_prefix(value);
      continue;
    }
    if ((tag & 7U) != 0) return std::nullopt;
    if (number == v1::Mean::kFactorFieldNumber) found[0] = value;
    if (number == v1::Mean::kWindowFieldNumber) found[1] = value;
    if (number == v1::Mean::kStatusFieldNumber) found[2] = value;
  }
  if (found[0] == 0 || found[0] >= core::kFactors || found[1] == 0 || found[1] >= core::kWindows || found[2] == 0 ||
      found[2] > static_cast<std::uint64_t>(core::Status::Amended)) {
    return std::nullopt;
  }
  return MeanKind{static_cast<core::Factor>(found[0]), static_cast<core::Window>(found[1]),
                  static_cast<core::Status>(found[2])};
}

struct MeanDecoder::Impl {
  DecodeLimits limits;
  v1::MeanRecord message;
  DecodedMean out;

  // Why the mean cannot be used; nullopt: it can.
  std::optional<core::Rejected> wrong(const v1::Mean& in) const {
    const auto bad = [](std::string_view what) { return refuse(Reason::BadShape, "mean: " + std::string(what)); };
    if (!printable(in.site(), kNameBytesMax)) return bad("site: 1 to 64 bytes of printable text expected");
    if (!printable(in.region(), kNameBytesMax)) return bad("region: 1 to 64 bytes of printable text expected");
    if (!in.root().empty() && !printable(in.root(), kNameBytesMax))
      return bad("root: at most 64 bytes of printable text expected");
    if (!known(in.factor(), core::Factor::AQI_PM24))
      return refuse(Reason::UnknownFactor, "mean: factor " + std::to_string(in.factor()) + " is not known");
    const auto window = known(in.window(), core::Window::Year);
    if (!window || *window == core::Window::Reading) return bad("a window of a mean expected");
    if (!sane_time(in.start_ms()) || !sane_time(in.end_ms()) || in.start_ms() >= in.end_ms())
      return bad("not an interval between 1990 and 2200");
    constexpr std::int64_t kHour = core::kHour.count();
    if (in.start_ms() % kHour != 0 || in.end_ms() % kHour != 0) return bad("whole hours expected");
    if (*window == core::Window::H1 && in.end_ms() - in.start_ms() != kHour) return bad("an hour of another length");
    if (!known(in.status(), core::Status::Amended)) return bad("running, closed or amended expected");
    if (in.revision() < 1) return bad("a revision of 1 or more expected");
    if (in.count() < 0 || in.count() > kCountMax || in.expected() < 0 || in.expected() > kCountMax)
      return bad("a count that no window has");
    if (in.source() < 0 || in.source() > static_cast<int>(core::Source::Amended)) return bad("source");
    if (!in.reason().empty() && !printable(in.reason(), 4 * kTextBytesMax))
      return bad("reason: printable text expected");
    if (!is_value(in.value()) || !is_value(in.min()) || !is_value(in.max()) || !is_value(in.percentile_value()) ||
        (in.has_limit() && !is_value(in.limit())) || in.sum() < 0) {
      return refuse(Reason::OutOfRange, "mean: a value that air cannot have");
    }
    if (in.has_remaining() && in.remaining() != -1 && !is_value(in.remaining()))
      return bad("a mean of the day's rest that air cannot have");
    if (in.multiple() < 0 || in.percentile() < 0 || in.percentile() > 100 || in.suspect() < 0)
      return bad("a negative share");
    const v1::Origin& from = in.origin();
    if (!is_hash(from.rules())) return bad("origin: a hash of 16 hex digits expected");
    if (from.partition() < 0 || from.offset() < 0 || from.first_offset() < -1) return bad("origin: no position");
    return std::nullopt;
  }

  DecodedMeanRecord take(const v1::Mean& in) {
    if (auto why = wrong(in)) return std::move(*why);
    core::Mean& m = out.mean;
    m.site = in.site();
    m.region = in.region();
    m.root = in.root();
    m.factor = static_cast<core::Factor>(in.factor());
    m.window = static_cast<core::Window>(in.window());
    m.interval = {core::event_time(in.start_ms()), core::event_time(in.end_ms())};
    m.value = {in.value()};
    m.valid = in.valid();
    m.sum_pg = in.sum();
    m.count = in.count();
    m.expected = in.expected();
    m.min = {in.min()};
    m.max = {in.max()};
    m.status = static_cast<core::Status>(in.status());
    m.revision = in.revision();
    m.reason = in.reason();
    m.source = static_cast<core::Source>(in.source());
    m.audited = in.audited();
    m.primary.clear();
    for (const int f : in.primary()) {
      if (const auto factor = known(f, core::Factor::AQI_PM24)) m.primary.push_back(*factor);
    }
    m.sub_indices.clear();
    for (const v1::SubIndex& s : in.sub_indices()) {
      if (const auto factor = known(s.factor(), core::Factor::AQI_PM24)) m.sub_indices.push_back({*factor, s.iaqi()});
    }
    out.clause = in.clause();
    m.clause = out.clause;
    m.limit = in.has_limit() ? std::optional(core::Concentration{in.limit()}) : std::nullopt;
    m.exceeds = in.exceeds();
    m.multiple = in.multiple();
    m.percentile = in.percentile();
    m.percentile_value = {in.percentile_value()};
    m.marks = {};
    for (const int n : in.marks()) {
      if (const auto mark = known(n, core::Mark::Spike)) m.marks.add(*mark);
    }
    m.suspect = in.suspect();
    m.remaining_pg = in.has_remaining() ? std::optional(in.remaining()) : std::nullopt;
    m.origin = {in.origin().first_offset(), in.origin().offset()};
    out.partition = in.origin().partition();
    out.rules = in.origin().rules();
    return &out;
  }

  static DecodedMeanRecord take(const v1::Tick& in) {
    if (!sane_time(in.now_ms()))
      return refuse(Reason::BadShape, "tick " + std::to_string(in.now_ms()) + ": not between 1990 and 2200");
    if (!printable(in.upstream(), kNameBytesMax) || in.partition() < 0)
      return refuse(Reason::BadShape, "tick: whose time it is, and of which partition, expected");
    return UpstreamTick{{core::event_time(in.now_ms())}, in.upstream(), in.partition()};
  }
};

MeanDecoder::MeanDecoder(DecodeLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  // As for readings: text that is no UTF-8 is bad input, and no line on stderr.
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}
MeanDecoder::~MeanDecoder() = default;

DecodedMeanRecord MeanDecoder::decode(std::string_view bytes) {
  Impl& d = *impl_;
  if (bytes.size() > d.limits.record_bytes_max || bytes.size() > std::numeric_limits<int>::max()) {
    return refuse(Reason::Oversized, std::to_string(bytes.size()) + " bytes; the limit record_bytes_max is " +
                                         std::to_string(d.limits.record_bytes_max));
  }
  if (bytes.empty()) return refuse(Reason::Garbage, "an empty record");
  if (!d.message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    const std::string size = std::to_string(bytes.size()) + " bytes";
    if (ends_mid_field(bytes)) return refuse(Reason::Truncated, "the record ends in the middle, after " + size);
    return refuse(Reason::Garbage, "not a message of ours, " + size);
  }
  switch (d.message.record_case()) {
    case v1::MeanRecord::kMean:
      return d.take(d.message.mean());
    case v1::MeanRecord::kTick:
      return Impl::take(d.message.tick());
    case v1::MeanRecord::RECORD_NOT_SET:
      break;
  }
  return refuse(Reason::NotSupported, "a kind of record that this version doesn't know");
}

}  // namespace qc::wire
