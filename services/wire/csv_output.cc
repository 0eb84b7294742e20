#include "wire/csv_output.h"

#include "core/concentration.h"
#include "core/time.h"
#include "qingchuan/v1/event.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/labels.h"

namespace qc::wire {
namespace {

namespace v1 = ::qingchuan::v1;

// One line: fields joined by commas.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}
  Line& text(std::string_view field) {
    if (!first_) out_ += ',';
    first_ = false;
    append_csv_field(field, out_);
    return *this;
  }
  Line& number(std::int64_t n) { return text(std::to_string(n)); }
  Line& time(std::int64_t ms) { return text(core::to_iso(core::event_time(ms))); }
  void end() { out_ += '\n'; }

 private:
  std::string& out_;
  bool first_ = true;
};

// A number of a newer version's enum has no name here: the number itself is still true.
template <class E>
std::string word(E value) {
  const std::string_view text = label(value);
  return text.empty() ? std::to_string(static_cast<int>(value)) : std::string(text);
}

core::Factor core_factor(v1::Factor factor) {
  const bool is_known = factor >= 0 && factor <= v1::AQI_PM24;
  return is_known ? static_cast<core::Factor>(factor) : core::Factor::None;
}

bool has_value(const v1::Mean& mean) {
  if (mean.count() <= 0) return false;
  return mean.valid() || mean.status() == v1::RUNNING;
}

// Of a mean, or of what a signal judged.
template <class Record>
std::string coverage(const Record& record) {
  if (record.expected() <= 0 || record.count() <= 0) return "0";
  return core::format_mean(record.count() * core::kMillion, record.expected(), core::Unit::UgM3);
}

std::string value_text(const v1::Mean& mean, core::Factor factor, core::Unit unit) {
  if (!has_value(mean)) return {};
  // An index is no mean; an MDA8's sum is that of its best 8 hours, its count that of the day's 8 h means.
  const bool is_its_value = core::is_index(factor) || mean.window() == v1::MDA8;
  if (is_its_value) return core::format(core::Concentration{mean.value()}, unit);
  return core::format_mean(mean.sum(), mean.count(), unit);
}

template <class Repeated>
std::string marks_text(const Repeated& marks) {
  std::string text;
  for (const int m : marks) {
    if (!text.empty()) text += '+';
    text += word(static_cast<v1::Mark>(m));
  }
  return text;
}

// In `unit`; what is no concentration stands in millionths of its unit as it is.
std::string quantity(std::int64_t millionths, v1::Unit unit) {
  const bool is_concentration = unit >= v1::UG_M3 && unit <= v1::NG_M3;
  return core::format(core::Concentration{millionths},
                      is_concentration ? static_cast<core::Unit>(unit) : core::Unit::Point);
}

std::string evidence_text(const v1::Signal& signal, core::Unit unit) {
  std::string text;
  for (const auto& e : signal.evidence()) {
    if (!text.empty()) text += ';';
    text += e.subject() + '=' + core::format(core::Concentration{e.value()}, unit);
  }
  return text;
}

std::string hundredths(std::int64_t n) {
  return core::format_mean(n * core::kMillion, 100, core::Unit::Point);
}

std::string primary_text(const v1::Mean& mean) {
  std::string text;
  for (const int f : mean.primary()) {
    if (!text.empty()) text += '+';
    text += word(static_cast<v1::Factor>(f));
  }
  return text;
}

}  // namespace

void append_csv_field(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string_view mean_csv_header() {
  return "site,factor,window,start,end,value,unit,count,coverage,status,revision,primary,"
         "valid,reason,source,region,min,max,clause,rules,partition,offset,"
         "limit,exceeds,multiple,percentile,percentile_value,marks,suspect,audited,remaining";
}

std::string_view signal_csv_header() {
  return "id,revision,rule,subject,factor,window,level,state,at,value,limit,clause,reason,"
         "unit,began,region,start,end,rules,partition,offset,marks,evidence,coverage,first_offset";
}

std::string_view event_csv_header() {
  return "region,kind,id,source,issued,received,time,aqi,ozone,dust,level,until,root";
}

void append_csv(const v1::Mean& mean, std::string& out) {
  const core::Factor factor = core_factor(mean.factor());
  const core::Unit unit = core::publishing_unit(factor);
  const auto extreme = [&](std::int64_t pg) {
    return mean.count() > 0 ? core::format(core::Concentration{pg}, unit) : std::string();
  };
  Line line(out);
  line.text(mean.site()).text(word(mean.factor())).text(word(mean.window()));
  line.time(mean.start_ms()).time(mean.end_ms());
  line.text(value_text(mean, factor, unit)).text(core::name(unit)).number(mean.count()).text(coverage(mean));
  line.text(word(mean.status())).number(mean.revision()).text(primary_text(mean));
  line.text(mean.valid() ? "true" : "false").text(mean.reason());
  line.text(mean.source() == v1::SOURCE_UNSPECIFIED ? std::string() : word(mean.source())).text(mean.region());
  line.text(extreme(mean.min())).text(extreme(mean.max())).text(mean.clause());
  line.text(mean.origin().rules()).number(mean.origin().partition()).number(mean.origin().offset());
  const auto value = [&](bool is_there, std::int64_t pg) {
    return is_there ? core::format(core::Concentration{pg}, unit) : std::string();
  };
  line.text(value(mean.has_limit(), mean.limit()));
  line.text(!mean.has_limit() ? "" : mean.exceeds() ? "true" : "false");
  line.text(mean.exceeds() ? hundredths(mean.multiple()) : std::string());
  const bool has_percentile = mean.percentile() > 0;
  line.text(has_percentile ? std::to_string(mean.percentile()) : std::string());
  line.text(value(has_percentile && has_value(mean), mean.percentile_value()));
  line.text(marks_text(mean.marks())).number(mean.suspect()).text(mean.audited() ? "true" : "false");
  line.text(mean.remaining() < 0 ? "lost" : value(mean.has_remaining(), mean.remaining()));
  line.end();
}

void append_csv(const v1::Signal& signal, std::string& out) {
  // Records of earlier versions say no unit: theirs is the factor's.
  const core::Unit publishing = core::publishing_unit(core_factor(signal.factor()));
  const v1::Unit unit = signal.unit() == v1::UNIT_UNSPECIFIED ? static_cast<v1::Unit>(publishing) : signal.unit();
  const auto value = [&](std::int64_t millionths) { return quantity(millionths, unit); };
  const bool has_window = signal.window_end_ms() > signal.window_start_ms();
  Line line(out);
  line.text(signal.id()).number(signal.revision()).text(signal.rule()).text(signal.subject());
  line.text(word(signal.factor())).text(word(signal.window())).number(signal.level()).text(word(signal.state()));
  line.time(signal.at_ms()).text(value(signal.value())).text(value(signal.limit()));
  line.text(signal.clause()).text(signal.reason());
  line.text(unit == v1::UNIT_UNSPECIFIED ? std::string() : word(unit)).time(signal.began_ms()).text(signal.region());
  if (has_window) {
    line.time(signal.window_start_ms()).time(signal.window_end_ms());
  } else {
    line.text("").text("");
  }
  line.text(signal.origin().rules()).number(signal.origin().partition()).number(signal.origin().offset());
  line.text(marks_text(signal.marks())).text(evidence_text(signal, publishing)).text(coverage(signal));
  const std::int64_t first = signal.origin().first_offset();
  line.text(first < 0 ? std::string() : std::to_string(first));
  line.end();
}

void append_csv(const v1::Event& event, std::string& out) {
  const auto begin = [&](std::string_view kind) {
    Line line(out);
    line.text(event.region()).text(kind).text(event.id()).text(event.source());
    line.time(event.at_ms()).time(event.received_ms());
    return line;
  };
  const auto flag = [](bool is) { return is ? "true" : "false"; };
  if (event.has_order()) {
    const v1::Order& order = event.order();
    Line line = begin("order");
    line.time(order.start_ms()).text("").text("").text("").number(order.level());
    line.text(order.has_end_ms() ? core::to_iso(core::event_time(order.end_ms())) : "").text(event.root()).end();
    return;
  }
  if (!event.has_forecast()) return;  // of a kind that a later version knows
  for (const v1::ForecastHour& hour : event.forecast().hours()) {
    Line line = begin("forecast");
    line.time(hour.end_ms()).number(hour.index()).text(flag(hour.ozone())).text(flag(hour.dust()));
    line.text("").text("").text(event.root()).end();
  }
  if (event.forecast().hours().empty()) {
    Line line = begin("forecast");
    line.text("").text("").text("").text("").text("").text("").text(event.root()).end();
  }
}

}  // namespace qc::wire
