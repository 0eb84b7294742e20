// Golden bytes of every record type (tests/golden/records): <record>.hex is what a released version wrote, <record>.txt
// the same as text. What is encoded today must be those bytes, and those bytes must still be read as that text: a log
// is kept for years. QC_UPDATE_GOLDEN=1 writes the files of new records; existing ones only change with a reason. Where
// a record has more fields now, its old bytes stay, to be read (check_old), and its new ones stand beside them.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/config.pb.h"
#include "qingchuan/v1/event.pb.h"
#include "qingchuan/v1/input.pb.h"
#include "qingchuan/v1/later.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/alert_codec.h"
#include "wire/codec.h"
#include "wire/event_codec.h"
#include "wire/rules.h"

namespace qc::wire {
namespace {

namespace fs = std::filesystem;
namespace v1 = ::qingchuan::v1;
using google::protobuf::Message;
using google::protobuf::TextFormat;

constexpr std::int64_t kStart = 1'449'532'800'000;
constexpr Provenance kFrom{"0123456789abcdef", 2};

fs::path folder() {
  return fs::path(QC_SOURCE_DIR) / "tests" / "golden" / "records";
}
bool updating() {
  return std::getenv("QC_UPDATE_GOLDEN") != nullptr;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// 32 bytes a line, so that a change is seen where it is.
std::string hex(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out += kHex[byte >> 4];
    out += kHex[byte & 15u];
    if (i % 32 == 31 || i + 1 == bytes.size()) out += '\n';
  }
  return out;
}

std::string unhex(const std::string& text) {
  std::string out;
  int high = -1;
  for (const char c : text) {
    if (c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high >= 0) out += static_cast<char>(high << 4 | digit);
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

std::string text_of(const Message& message) {
  std::string text;
  TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  printer.PrintToString(message, &text);
  return text;
}

std::string deterministic(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::set<std::string>& checked() {
  static std::set<std::string> names;
  return names;
}

void check_read(const std::string& name, Message&& message) {
  ASSERT_TRUE(message.ParseFromString(unhex(slurp(folder() / (name + ".hex"))))) << name;
  EXPECT_EQ(text_of(message), slurp(folder() / (name + ".txt"))) << name << " is read differently now";
  // A number that lost its name would hide among the unknown fields.
  EXPECT_TRUE(message.GetReflection()->GetUnknownFields(message).empty()) << name;
}

// What an earlier version wrote and this one would write with more fields.
void check_old(const std::string& name, Message&& message) {
  checked().insert(name);
  ASSERT_TRUE(fs::exists(folder() / (name + ".hex"))) << "the old bytes of " << name << " are gone";
  check_read(name, std::move(message));
}

// `bytes` is what the code writes today.
void check(const std::string& name, const std::string& bytes, Message&& message) {
  checked().insert(name);
  const fs::path hex_path = folder() / (name + ".hex");
  const fs::path text_path = folder() / (name + ".txt");
  if (updating() && !fs::exists(hex_path)) {
    ASSERT_TRUE(message.ParseFromString(bytes));
    std::ofstream(hex_path, std::ios::binary) << hex(bytes);
    std::ofstream(text_path, std::ios::binary) << text_of(message);
  }
  ASSERT_TRUE(fs::exists(hex_path)) << "no golden bytes of " << name << ": run with QC_UPDATE_GOLDEN=1";
  EXPECT_EQ(hex(bytes), slurp(hex_path)) << name << " is written differently now";
  check_read(name, std::move(message));
}

// Messages that no code of ours writes yet: their text is written here.
template <class M>
void check_later(const std::string& name, const std::string& text) {
  M message;
  ASSERT_TRUE(TextFormat::ParseFromString(text, &message)) << name;
  check(name, deterministic(message), M());
}

core::PastAmend past_amend() {
  core::PastAmend past;
  past.site = "S1";
  past.as_of = core::event_time(kStart + 1000LL * 3'600'000);
  const core::Interval hour{core::event_time(kStart), core::event_time(kStart + 3'600'000)};
  past.amends = {{"a1", "S1", core::Factor::SO2, hour, core::Amend::Action::Restore, {}, "calibration", "li", true}};
  core::Mean mean;
  mean.factor = core::Factor::SO2;
  mean.window = core::Window::H1;
  mean.interval = hour;
  mean.revision = 2;
  mean.value = core::ug(42);
  mean.valid = true;
  mean.sum_pg = 60 * core::ug(42).pg;
  mean.count = mean.expected = 60;
  mean.min = core::ug(40);
  mean.max = core::ug(44);
  mean.source = core::Source::Minute;
  mean.audited = true;
  mean.suspect = 1;
  mean.marks.add(core::Mark::Clipped);
  past.means = past.measured = {mean};
  mean.factor = core::Factor::AQI;
  mean.primary = {core::Factor::SO2};
  mean.sub_indices = {{core::Factor::SO2, 101}};
  past.means.push_back(mean);
  core::Signal signal;
  signal.id = "hour_limit/S1/SO2/7";
  signal.revision = 1;
  signal.rule = "hour_limit";
  signal.factor = core::Factor::SO2;
  signal.window = core::Window::H1;
  signal.level = 1;
  signal.state = core::SignalState::Active;
  signal.at = signal.began = hour.end;
  signal.value = core::ug(600);
  signal.limit = core::ug(500);
  signal.clause = "GB 3095";
  signal.interval = hour;
  signal.count = signal.expected = 60;
  signal.unit = core::Unit::UgM3;
  signal.marks.add(core::Mark::Clipped);
  past.signals = {signal};
  return past;
}

TEST(Golden, InputRecords) {
  BatchBuilder builder;
  builder.begin("站-1", core::receive_time(kStart + 61'500), kStart + 60'000, core::Source::Minute,
                core::event_time(kStart), std::chrono::minutes(1));
  builder.add(0, core::Factor::PM25, core::Unit::UgM3, {355, 1});
  builder.add(0, core::Factor::CO, core::Unit::MgM3, {8, 1});
  builder.add(1, core::Factor::PM25, core::Unit::UgM3, {36, 0});
  builder.add(2, core::Factor::PM25, core::Unit::UgM3, {0, 0}, *core::parse_flag('D'));
  builder.add(2, core::Factor::O3, core::Unit::UgM3, {-4, 0});
  check("input_batch", builder.finish(), v1::Input());
  check("input_register",
        encode_register({"S1", "东四", core::SiteKind::Evaluation, core::AreaClass::Class2, "C", "P"}), v1::Input());
  check("input_tick", encode_tick(core::event_time(kStart)), v1::Input());
  check("input_rules", encode_rules_switch({"0123456789abcdef", core::Timeline::Fed}), v1::Input());
  check("input_amend",
        encode_amend({"a1",
                      "S1",
                      core::Factor::PM10,
                      {core::event_time(kStart), core::event_time(kStart + 3'600'000)},
                      core::Amend::Action::Replace,
                      core::ug(42),
                      "calibration",
                      "li",
                      true}),
        v1::Input());
  check("input_past_amend", encode_past_amend(past_amend()), v1::Input());
}

TEST(Golden, MeanRecords) {
  core::Mean mean;
  mean.site = "S1";
  mean.region = "C";
  mean.root = "P";
  mean.factor = core::Factor::AQI;
  mean.window = core::Window::H1;
  mean.interval = {core::event_time(kStart), core::event_time(kStart + 3'600'000)};
  mean.value = core::ug(187);
  mean.valid = true;
  mean.sum_pg = 2'220'000'000;
  mean.count = 57;
  mean.expected = 60;
  mean.min = core::ug(3);
  mean.max = core::ug(999);
  mean.status = core::Status::Amended;
  mean.revision = 2;
  mean.reason = "late";
  mean.source = core::Source::Minute;
  mean.audited = true;
  mean.primary = {core::Factor::PM25, core::Factor::PM10};
  mean.sub_indices = {{core::Factor::PM25, 187}, {core::Factor::O3, 12}};
  mean.clause = "HJ 633-2012 4.2";
  mean.origin = {17, 4242};
  check_old("mean", v1::MeanRecord());  // without its root
  check("mean_index", encode_mean(mean, kFrom), v1::MeanRecord());
  check("mean_tick", encode_mean_tick(core::event_time(kStart), "processor", 3), v1::MeanRecord());
}

TEST(Golden, MeansOfLongerWindows) {
  core::Mean year;
  year.site = "S1";
  year.region = "C";
  year.root = "P";
  year.factor = core::Factor::CO;
  year.window = core::Window::Year;
  year.interval = {core::event_time(kStart), core::event_time(kStart + 365LL * 86'400'000)};
  year.value = core::ug(5000);
  year.valid = true;
  year.sum_pg = 1'650'000'000'000;
  year.count = 330;
  year.expected = 365;
  year.min = core::ug(300);
  year.max = core::ug(10'000);
  year.status = core::Status::Closed;
  year.revision = 366;
  year.clause = "GB 3095-2026 table 1";
  year.limit = core::mg(4);
  year.exceeds = true;
  year.multiple = 25;
  year.percentile = 95;
  year.percentile_value = core::ug(9100);
  year.marks.add(core::Mark::Clipped).add(core::Mark::Stuck);
  year.suspect = 7;
  year.origin = {17, 4242};
  check("mean_year", encode_mean(year, kFrom), v1::MeanRecord());

  // A limit of 0 is a limit; no limit is none.
  year.limit = core::Concentration{0};
  v1::MeanRecord record;
  ASSERT_TRUE(record.ParseFromString(encode_mean(year, kFrom)));
  EXPECT_TRUE(record.mean().has_limit());
  year.limit.reset();
  ASSERT_TRUE(record.ParseFromString(encode_mean(year, kFrom)));
  EXPECT_FALSE(record.mean().has_limit());
}

TEST(Golden, SignalRecords) {
  core::Signal signal;
  signal.id = "hour_limit|S1|PM10|3";
  signal.revision = 1;
  signal.rule = "hour_limit";
  signal.subject = "S1";
  signal.region = "C";
  signal.root = "P";
  signal.factor = core::Factor::PM10;
  signal.window = core::Window::H1;
  signal.level = 1;
  signal.state = core::SignalState::Cleared;
  signal.at = core::event_time(kStart + 3'600'000);
  signal.began = core::event_time(kStart);
  signal.value = core::ug(120);
  signal.limit = core::ug(150);
  signal.clause = "GB 3095-2012 table 1";
  signal.reason = "below the limit";
  signal.interval = {core::event_time(kStart), core::event_time(kStart + 3'600'000)};
  signal.count = 57;
  signal.expected = 60;
  signal.origin = {17, 4242};
  check("signal", encode_signal(signal, kFrom), v1::SignalRecord());
  // Of a kind that is no concentration, with what it was compared with.
  signal.id = "hour_high|S1|PM10|4";
  signal.rule = "hour_high";
  signal.value = {212'500'000};
  signal.limit = {200'000'000};
  signal.unit = core::Unit::Percent;
  signal.marks.add(core::Mark::Range).add(core::Mark::Spike);
  signal.evidence = {{"S2", core::ug(80)}, {"S3", core::Concentration{80'500'000}}};
  check("signal_evidence", encode_signal(signal, kFrom), v1::SignalRecord());
  check("signal_tick", encode_signal_tick(core::event_time(kStart), "processor", 3), v1::SignalRecord());
}

TEST(Golden, DeadLetter) {
  const DeadLetter letter{"readings",           2, 4242, core::Reason::Truncated,
                          "ends in the middle", 1, "S1", std::string_view("\x0a\xff\x00!", 4),
                          "processor"};
  check("dead_letter", encode_dead_letter(letter, 3), v1::DeadLetter());
}

TEST(Golden, Event) {
  core::Event event{"f1", "C", "P", "centre", core::event_time(kStart + 5), core::ForecastIssue{}};
  auto& issue = std::get<core::ForecastIssue>(event.what);
  issue.issued = core::event_time(kStart);
  issue.hours = {{core::event_time(kStart + 3'600'000), {210, true, false}},
                 {core::event_time(kStart + 7'200'000), {0, false, true}}};
  check("event_forecast", encode_event(event), v1::Event());
  event.what = core::AreaOrder{3, {core::event_time(kStart), core::event_time(kStart + 3'600'000)}};
  check("event_order", encode_event(event), v1::Event());
  check_old("event", v1::Event());  // from before there was any
}

TEST(Golden, RuleSet) {
  v1::RuleSet rules;
  ASSERT_TRUE(TextFormat::ParseFromString(R"(
    standards { id: "GB 3095-2012" title: "Ambient air quality standards" source: "the standard" confidence: PRIMARY }
    limits { standard: "GB 3095-2012" clause: "table 1" factor: SO2 window: H1 class_1: 150000000 class_2: 500000000 unit: UG_M3 until: 1772294400000 }
    aqi_editions { standard: "GB 3095-2012" clause: "4" iaqi: 0 iaqi: 50 round_input: true minimum: 1
      items { factor: CO window: H1 unit: MG_M3 concentrations: 0 concentrations: 5000000 above: NONE decimals: 1 hourly: true } }
    signals { id: "aqi" kind: AQI_LEVEL on: 150000000 on: 200000000 dead_band_percent: 10 no_data: 7200000 stale_max: 86400000 }
    horizons { close_after: 600000 slots_kept: 21600000 hours_kept: 345600000 running_every: 0 ahead_max: 300000 valid_minutes: 45 }
    regions { id: "P" name: "吕梁市" name_en: "Lüliang" } regions { id: "C" name: "离石区" parent: "P" }
    sites { id: "S1" name: "站" region: "C" kind: EVALUATION area_class: CLASS_2 factors: [PM2_5, CO] lon: 111.5 lat: 37.5 from: 1400000000000 exempt: O3 }
  )",
                                          &rules));
  check("rule_set", canonical_bytes(rules), v1::RuleSet());
  ASSERT_TRUE(parse_rules(unhex(slurp(folder() / "rule_set.hex"))));
}

TEST(Golden, RuleSetOfEveryWindow) {
  v1::RuleSet rules;
  ASSERT_TRUE(TextFormat::ParseFromString(R"(
    standards { id: "A" source: "the standard" confidence: SINGLE }
    limits { standard: "A" clause: "t1" factor: O3 window: MDA8 class_1: 100000000 class_2: 160000000 unit: UG_M3 confidence: DERIVED }
    aqi_editions { standard: "A" clause: "t1" iaqi: [0, 50, 100] day_o3_1h: true
      items { factor: O3 window: H8 unit: UG_M3 concentrations: [0, 100000000] above: INSTEAD instead: H1 }
      items { factor: O3 window: H1 unit: UG_M3 concentrations: [0, 160000000, 200000000] above: CAP hourly: true } }
    signals { id: "stuck" kind: SUSPECT check: STUCK on: [0, 12000000] no_data: 7200000 stale_max: 86400000 hold_on: 1 hold_off: 2 clause: "c" }
    signals { id: "spike" kind: SPIKE_ALONE on: 300000000 no_data: 7200000 stale_max: 86400000 }
    regions { id: "P" name: "p" }
    sites { id: "S1" name: "s" region: "P" kind: EVALUATION area_class: CLASS_2 factors: [PM2_5] classes { area_class: CLASS_1 until: 1772294400000 } }
    validities { standard: "A" clause: "t4" factors: [PM2_5, CO] window: YEAR at_least: 324 month_at_least: 27 february_at_least: 25 from: 1772294400000 confidence: PRIMARY }
    validities { standard: "A" clause: "6.1.2" factors: O3 window: MDA8 at_least: 14 or_over_limit: true until: 1772294400000 }
    percentiles { standard: "A" clause: "t1" factor: CO percent: 95 from: 1772294400000 confidence: SECONDARY }
    composites { standard: "A" clause: "c" items { factor: CO percentile: true limit: 4000000 unit: MG_M3 weight: 2 } divisor: 10 until: 1900000000000 confidence: SINGLE }
    checks { factor: CO unit: MG_M3 low: 0 high: 50000000 clip: 10000000 stuck_hours: 18 rise: 2000000 }
    neighbourhood { radius_m: 20000 least: 2 most: 5 }
  )",
                                          &rules));
  check("rule_set_windows", canonical_bytes(rules), v1::RuleSet());
  ASSERT_TRUE(parse_rules(unhex(slurp(folder() / "rule_set_windows.hex"))));
}

core::ToldAlert told_alert() {
  core::ToldAlert told;
  told.telling = core::Telling::Update;
  told.annunciate = true;
  core::Alert& a = told.alert;
  a.key = {"aqi_level", "S1", core::Factor::AQI};
  const core::EventTime at = core::event_time(kStart);
  core::Signal& s = a.condition;
  s.id = "aqi_level/S1/AQI/1";
  s.revision = 2;
  s.rule = a.key.rule;
  s.subject = a.key.subject;
  s.factor = a.key.factor;
  s.window = core::Window::H1;
  s.level = 2;
  s.state = core::SignalState::Active;
  s.at = s.began = s.interval.start = s.interval.end = at;
  s.region = "C";
  s.root = "P";
  s.covers = {"D"};
  s.evidence = {{"S2", {5}}};
  s.origin = {3, 4};
  a.source = {"0123456789abcdef", 2};
  a.episode = 1;
  a.revision = 7;
  a.listed = true;
  a.level_max = 2;
  a.occurrences = 3;
  a.response = core::Response::Acked;
  a.acked_level = 2;
  a.acked_by = "li";
  a.acked_at = at + core::kHour;
  a.comment = "seen";
  a.assignee = "wang";
  a.handled = true;
  a.announced_at = at;
  a.announced_revision = 5;
  a.shown_at = at;
  a.shown_on = "wall";
  a.shelf = {true, at + core::kHour * 2, "li", "calibration"};
  a.out_of_service = {true, at + core::kHour * 3, "li", "repair"};
  a.inhibited_by = "warning/P/AQI";
  a.flapping = true;
  a.fold = "C/AQI/1";
  a.suppressed = true;
  a.notes = {{at, "li", "a note"}};
  a.begun_revision = 4;
  a.change = {at, "li", "acknowledge", "seen"};
  return told;
}

TEST(Golden, AlertRecords) {
  const AlertOrigin origin{1, 20, 30, "0123456789abcdef"};
  check_old("alert", v1::Alert());  // from before any was written
  check("alert_told", encode_alert(told_alert(), origin), v1::AlertRecord());
  core::FoldRow row;
  row.id = "C/PM2.5/1";
  row.region = "C";
  row.root = "P";
  row.factor = core::Factor::PM25;
  row.flood = 1;
  row.revision = 2;
  row.alerts = 3;
  row.began = row.at = core::event_time(kStart);
  check("alert_row", encode_row(row, origin), v1::AlertRecord());
  check_old("command", v1::Command());
  core::AlertCommand command{"c", told_alert().alert.key, 7, "li", core::Shelve{core::event_time(kStart), "noise"}};
  check("command_shelve", encode_command(command, "P", core::event_time(kStart)), v1::Command());
  check("command_outcome",
        encode_outcome({"c", command.key, core::Refusal::StaleRevision, 7, told_alert().alert}, origin),
        v1::CommandOutcome());
  check_old("ledger_entry", v1::LedgerEntry());
  check("ledger_entry_alert",
        encode_ledger_entry({"s", core::event_time(kStart), "li", "what", "why", "before", "after"}, "signals-0/1/2",
                            origin),
        v1::LedgerEntry());
}

TEST(Golden, MessagesOfLaterServices) {
  check_later<v1::Track>(
      "track", R"(batch { vehicle: "V1" received_ms: 5 stamp_ms: 4 start_ms: 3 step_ms: 1000 lon_e7: [1115000000, -1]
    lat_e7: [375000000, -2] columns { factor: PM10 unit: UG_M3 decimals: 1 values: [5, -6] flags: "N-" code: "a34002" } })");
  check_later<v1::Pass>("pass", R"(vehicle: "V1" start_ms: 1 end_ms: 2 revision: 3
    peaks { factor: O3 at_ms: 1 lon_e7: 2 lat_e7: 3 value: 4 background: 5 } origin { rules: "r" partition: 1 first_offset: 2 offset: 3 })");
  check_later<v1::Task>("task", R"(id: "t" revision: 1 state: "new" cause: "c" alert_key: "k" handler: "h")");
  check_later<v1::User>("user", R"(account: "li" revision: 1 roles: "dispatcher" password_hash: "\001\377")");
}

// Runs after the others (registered last): nothing stands in the folder that no test reads.
TEST(GoldenFolder, HoldsNothingElse) {
  if (checked().size() < 25) GTEST_SKIP() << "run together with the other golden tests";
  std::set<std::string> there;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() == ".hex") there.insert(entry.path().stem().string());
  }
  EXPECT_EQ(there, checked());
}

}  // namespace
}  // namespace qc::wire
