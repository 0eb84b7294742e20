// InputDecoder: one record of `readings` to a core value, judged by everything that needs no state.
#include <google/protobuf/stubs/logging.h>

#include <array>
#include <mutex>
#include <string>

#include "qingchuan/v1/input.pb.h"
#include "wire/amend_codec.h"
#include "wire/codec.h"
#include "wire/limits.h"
#include "wire/packet.h"
#include "wire/wire_format.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;
using core::Reason;

core::Rejected refuse(Reason reason, std::string detail, std::int64_t readings = 1) {
  constexpr std::int64_t kMost = 0x7fffffff;
  const std::int64_t counted = readings < 1 ? 1 : readings > kMost ? kMost : readings;
  return core::Rejected{reason, static_cast<std::int32_t>(counted), std::move(detail)};
}

bool is_missing(const v1::Column& column, int row) {
  return row < static_cast<int>(column.flags().size()) && column.flags()[static_cast<std::size_t>(row)] == '-';
}

std::int64_t readings_of(const v1::Column& column) {
  std::int64_t n = 0;
  for (int i = 0; i < column.values_size(); ++i) n += is_missing(column, i) ? 0 : 1;
  return n;
}

std::int64_t readings_of(const v1::ReadingBatch& batch) {
  std::int64_t n = 0;
  for (const auto& column : batch.columns()) n += readings_of(column);
  return n;
}

// Groups by reason: a packet of a thousand negative values is one line for a person.
void add_rejected(core::ReadingBatch& batch, Reason reason, std::int64_t readings, auto&& detail) {
  if (readings == 0) return;
  for (auto& r : batch.rejected) {
    if (r.reason == reason) {
      r.readings += static_cast<std::int32_t>(readings);
      return;
    }
  }
  batch.rejected.push_back({reason, static_cast<std::int32_t>(readings), detail()});
}

std::string number_text(std::int64_t mantissa, int decimals) {
  if (decimals == 0) return std::to_string(mantissa);
  return std::to_string(mantissa) + "e-" + std::to_string(decimals);
}

std::string column_name(const v1::Column& column, int number) {
  std::string text = "column " + std::to_string(number);
  if (const auto f = known(column.factor(), core::Factor::AQI_PM24)) text += " (" + std::string(core::name(*f)) + ")";
  return text;
}

void take_rows(const v1::Column& in, int number, core::Factor factor, core::Unit unit, core::ReadingBatch& out) {
  const int rows = in.values_size();
  const Scale scale(unit, in.decimals());
  const std::string& flags = in.flags();
  out.columns.push_back({factor, static_cast<std::uint32_t>(out.values.size()), static_cast<std::uint32_t>(rows)});
  for (int i = 0; i < rows; ++i) {
    core::Concentration value;
    core::Flag flag = core::Flag::Normal;
    Reason bad = Reason::None;
    if (!flags.empty()) {
      const char letter = flags[static_cast<std::size_t>(i)];
      const auto parsed = core::parse_flag(letter);
      if (!parsed) bad = Reason::BadShape;
      flag = parsed.value_or(core::Flag::Missing);
    }
    if (flag != core::Flag::Missing) {
      bad = scale.apply(in.values(i), value);
      if (flag != core::Flag::Normal && bad != Reason::None) {
        bad = Reason::None;  // no measurement anyway: what stood in the field doesn't matter
        value = {};
      }
    }
    if (bad != Reason::None) {
      flag = core::Flag::Missing;  // the row keeps its place and is no reading
      value = {};
      add_rejected(out, bad, 1, [&] {
        std::string where = column_name(in, number) + ", row " + std::to_string(i) + ": ";
        if (bad == Reason::BadShape)
          return where + "unknown flag " +
                 std::to_string(static_cast<unsigned char>(flags[static_cast<std::size_t>(i)]));
        return where + number_text(in.values(i), in.decimals()) + ' ' + std::string(core::name(unit)) +
               (bad == Reason::Negative ? " is negative" : " is above what air can hold");
      });
    }
    out.values.push_back(value);
    out.flags.push_back(flag);
  }
}

void take_column(const v1::Column& in, int number, core::ReadingBatch& out) {
  if (!in.flags().empty() && in.flags().size() != static_cast<std::size_t>(in.values_size())) {
    // Which rows are missing cannot be told: all are counted.
    return add_rejected(out, Reason::BadShape, in.values_size(), [&] {
      return column_name(in, number) + ": " + std::to_string(in.values_size()) + " values, " +
             std::to_string(in.flags().size()) + " flags";
    });
  }
  if (in.decimals() < 0 || in.decimals() > kDecimalsMax) {
    return add_rejected(out, Reason::BadShape, readings_of(in), [&] {
      return column_name(in, number) + ": " + std::to_string(in.decimals()) + " decimals, 0 to 9 expected";
    });
  }
  const auto factor = known(in.factor(), core::Factor::AQI_PM24);
  if (!factor || core::is_index(*factor)) {
    return add_rejected(out, Reason::UnknownFactor, readings_of(in), [&] {
      std::string text = column_name(in, number) + ": factor " + std::to_string(in.factor());
      if (!in.code().empty()) text += ", code \"" + code_text(in.code()) + '"';
      return text + (factor ? ": an index is no reading" : " is not known");
    });
  }
  const auto unit = known(in.unit(), core::Unit::NgM3);
  if (!unit) {
    return add_rejected(out, Reason::WrongUnit, readings_of(in), [&] {
      const auto wrong = known(in.unit(), core::Unit::Point);
      return column_name(in, number) + ": unit " +
             (wrong ? std::string(core::name(*wrong)) : std::to_string(in.unit())) + ", a mass concentration expected";
    });
  }
  take_rows(in, number, *factor, *unit, out);
}

Decoded take_register(const v1::Register& in) {
  const auto kind = known(in.kind(), core::SiteKind::Background);
  const auto area = known(in.area_class(), core::AreaClass::Class2);
  if (!printable(in.site(), kNameBytesMax))
    return refuse(Reason::BadShape, "register: site: 1 to 64 bytes of printable text expected");
  if (!kind || !area) return refuse(Reason::BadShape, "register of " + in.site() + ": kind and class expected");
  if (!printable(in.region(), kNameBytesMax) || !printable(in.root(), kNameBytesMax)) {
    return refuse(Reason::BadShape, "register of " + in.site() + ": region and root expected");
  }
  if (!in.name().empty() && !printable(in.name(), kDisplayNameBytesMax)) {
    return refuse(Reason::BadShape,
                  "register of " + in.site() + ": name: at most 256 bytes of printable text expected");
  }
  return core::Register{in.site(), in.name(), *kind, *area, in.region(), in.root()};
}

Decoded take_tick(const v1::Tick& in) {
  if (!sane_time(in.now_ms()))
    return refuse(Reason::BadShape, "tick " + std::to_string(in.now_ms()) + ": not between 1990 and 2200");
  return core::Tick{core::event_time(in.now_ms())};
}

Decoded take_rules(const v1::Rules& in) {
  const bool hash = in.hash().size() == 16 && in.hash().find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hash) return refuse(Reason::BadShape, "rules: a hash of 16 hex digits expected");
  if (in.timeline() < 0 || in.timeline() > v1::FED)
    return refuse(Reason::BadShape, "rules: timeline " + std::to_string(in.timeline()));
  return core::RulesSwitch{in.hash(), static_cast<core::Timeline>(in.timeline())};
}

}  // namespace

struct InputDecoder::Impl {
  DecodeLimits limits;
  // Reused: a oneof gives its message back when it is cleared, so the batch, the hot path, has one of its own.
  v1::ReadingBatch message;
  core::ReadingBatch batch;
  std::string site;  // of the batch, where it was read without a message

  Decoded take_batch() {
    const v1::ReadingBatch& in = message;
    std::size_t rows = 0;
    for (const auto& column : in.columns()) rows += static_cast<std::size_t>(column.values_size());
    if (rows > limits.batch_readings_max) {
      return refuse(Reason::Oversized,
                    std::to_string(rows) + " readings in one packet; the limit batch_readings_max is " +
                        std::to_string(limits.batch_readings_max),
                    readings_of(in));
    }
    const PacketHead head{in.site(), in.received_ms(), in.stamp_ms(), in.source(), in.start_ms(), in.step_s()};
    if (std::string wrong = shape_error(head); !wrong.empty())
      return refuse(Reason::BadShape, std::move(wrong), readings_of(in));
    batch.clear();
    batch.site = in.site();
    batch.received = core::receive_time(in.received_ms());
    batch.stamp_ms = in.stamp_ms();
    batch.source = static_cast<core::Source>(in.source());
    batch.start = core::event_time(in.start_ms());
    batch.step = std::chrono::seconds(in.step_s());
    for (int i = 0; i < in.columns_size(); ++i) {
      // A tail that would leave the centuries is no data; it cannot happen within batch_readings_max steps otherwise.
      const std::int64_t last = in.start_ms() + in.columns(i).values_size() * batch.step.count();
      if (!sane_time(last)) {
        add_rejected(batch, Reason::BadShape, readings_of(in.columns(i)),
                     [&] { return column_name(in.columns(i), i) + ": its rows go beyond the year 2200"; });
        continue;
      }
      take_column(in.columns(i), i, batch);
    }
    return &batch;
  }

  static Decoded broken(std::string_view bytes) {
    if (bytes.empty()) return refuse(Reason::Garbage, "an empty record");
    if (ends_mid_field(bytes))
      return refuse(Reason::Truncated,
                    "the record ends in the middle, after " + std::to_string(bytes.size()) + " bytes");
    return refuse(Reason::Garbage, "not a message of ours, " + std::to_string(bytes.size()) + " bytes");
  }
};

InputDecoder::InputDecoder(DecodeLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  // Protobuf writes a line to stderr for every string that is not UTF-8; here that is bad input like other bad input,
  // counted and kept, and must not fill the logs.
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}
InputDecoder::~InputDecoder() = default;

Decoded InputDecoder::decode(std::string_view bytes) {
  Impl& d = *impl_;
  if (bytes.size() > d.limits.record_bytes_max) {
    return refuse(Reason::Oversized, std::to_string(bytes.size()) + " bytes; the limit record_bytes_max is " +
                                         std::to_string(d.limits.record_bytes_max));
  }
  const auto field = only_field(bytes);
  if (field && field->number == v1::Input::kBatchFieldNumber) {
    if (read_plain_packet(field->content, d.limits, d.batch)) {
      d.batch.site = d.site.assign(d.batch.site);
      return &d.batch;
    }
    if (!d.message.ParseFromArray(field->content.data(), static_cast<int>(field->content.size())))
      return Impl::broken(bytes);
    return d.take_batch();
  }
  v1::Input input;
  if (bytes.size() > 0x7fffffff || !input.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Impl::broken(bytes);
  switch (input.input_case()) {
    case v1::Input::kBatch:
      d.message.Swap(input.mutable_batch());
      return d.take_batch();
    case v1::Input::kAmend:
      return decode_amend(input.amend());
    case v1::Input::kPastAmend:
      return decode_past_amend(input.past_amend());
    case v1::Input::kRegister:
      return take_register(input.register_());
    case v1::Input::kTick:
      return take_tick(input.tick());
    case v1::Input::kRules:
      return take_rules(input.rules());
    case v1::Input::INPUT_NOT_SET:
      break;
  }
  if (bytes.empty()) return Impl::broken(bytes);
  return refuse(Reason::NotSupported, "a kind of record that this version doesn't know");
}

}  // namespace qc::wire
