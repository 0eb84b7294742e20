// A helper of the integration tests: writes what no well-behaved program would write.
//
//   integration_inject create LOG CONFIG wall|fed   sets up an empty log, as `feed` (fed) or `up` (wall) would
//   integration_inject append LOG [CONFIG]          appends the records on standard input, each a line
//                                                     TOPIC PARTITION KEY VALUE
//                                                   with key and value in hexadecimal ("-": empty, "~": a tombstone);
//                                                   prints "PARTITION OFFSET" of each
//   integration_inject alerts LOG [CONFIG]          appends revisions of alerts, each a line
//                                                     SUBJECT REVISION LEVEL BEGAN_MS [suppressed] [quiet]
//                                                   (level 0: it is over; quiet: asks for no attention)
//
// LOG is a directory, or kafka:HOST:PORT,... with the configuration that says the rest of it.
#include <array>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "qingchuan/open_log.h"
#include "wire/alert_codec.h"
#include "wire/keys.h"

namespace qc {
namespace {

int failed(const std::string& what) {
  std::fprintf(stderr, "integration_inject: %s\n", what.c_str());
  return 1;
}

std::optional<std::string> bytes_of(const std::string& hex) {
  if (hex == "-") return std::string();
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const std::string pair = hex.substr(i, 2);
    if (pair.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
  }
  return bytes;
}

commands::Place place_of(const std::string& log, const std::string& config) {
  constexpr std::string_view kKafka = "kafka:";
  commands::Place place;
  place.config = config;
  if (log.starts_with(kKafka)) {
    place.kafka = log.substr(kKafka.size());
  } else {
    place.data = log;
  }
  return place;
}

int create(const commands::Place& place, const std::string& timeline) {
  std::string hash;
  const core::Timeline kind = timeline == "wall" ? core::Timeline::Wall : core::Timeline::Fed;
  const auto made = commands::create_log(place, kind, hash);
  return made ? 0 : failed(describe(made.error()));
}

int append(const commands::Place& place) {
  auto opened = commands::open_log(place);
  if (!opened) return failed(describe(opened.error()));
  stream::Log& log = *opened->log;
  auto appender = log.appender();
  if (!appender) return failed(describe(appender.error()));
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    stream::NewRecord record;
    std::string key;
    std::string value;
    if (!(words >> record.to.topic >> record.to.partition >> key >> value)) return failed("not a record: " + line);
    const auto key_bytes = bytes_of(key);
    if (!key_bytes) return failed("not hexadecimal: " + key);
    record.key = *key_bytes;
    if (value != "~") {
      record.value = bytes_of(value);
      if (!record.value) return failed("not hexadecimal: " + value);
    }
    const stream::TopicPartition to = record.to;
    const std::array records = {std::move(record)};
    if (auto done = (*appender)->append(records); !done) return failed(describe(done.error()));
    const auto range = log.range(to);
    if (!range) return failed(describe(range.error()));
    std::printf("%d %lld\n", to.partition, static_cast<long long>(range->end - 1));
  }
  return 0;
}

stream::NewRecord alert_record(const std::string& subject, std::int64_t revision, int level, core::EventTime began,
                               const std::string& marks) {
  core::ToldAlert told;
  told.telling = revision == 1 ? core::Telling::Alert : level > 0 ? core::Telling::Update : core::Telling::Cancel;
  told.annunciate = level > 0 && marks.find("quiet") == std::string::npos;
  core::Alert& a = told.alert;
  a.key = {"aqi_level", subject, core::Factor::AQI};
  a.episode = 1;
  a.revision = revision;
  a.begun_revision = 1;
  a.listed = level > 0;
  a.suppressed = marks.find("suppressed") != std::string::npos;
  core::Signal& s = a.condition;
  s.id = core::text(a.key) + "/1";
  s.revision = static_cast<std::int32_t>(revision);
  s.rule = a.key.rule;
  s.subject = subject;
  s.region = "C";
  s.root = "P";
  s.factor = core::Factor::AQI;
  s.window = core::Window::H1;
  s.unit = core::Unit::Point;
  s.level = level > 0 ? level : 1;
  s.state = level > 0 ? core::SignalState::Active : core::SignalState::Cleared;
  s.began = began;
  s.at = began + std::chrono::seconds(revision);
  s.interval = {began - core::kHour, began};
  s.value = {(level > 0 ? 166 : 120) * core::kMillion};
  s.limit = {150 * core::kMillion};
  s.clause = "HJ 633";
  a.level_max = s.level;
  a.occurrences = 1;
  a.change = {s.at, "signals", "injected", ""};
  return {{"alerts", 0}, wire::alert_key(a.key), wire::encode_alert(told, {}), {}};
}

int alerts(const commands::Place& place) {
  auto opened = commands::open_log(place);
  if (!opened) return failed(describe(opened.error()));
  auto appender = opened->log->appender();
  if (!appender) return failed(describe(appender.error()));
  constexpr std::size_t kTogether = 1000;
  std::vector<stream::NewRecord> records;
  const auto flush = [&] {
    const auto done = (*appender)->append(records);
    records.clear();
    return done;
  };
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string subject;
    std::int64_t revision = 0;
    int level = 0;
    std::int64_t began = 0;
    if (!(words >> subject >> revision >> level >> began)) return failed("not an alert: " + line);
    records.push_back(alert_record(subject, revision, level, core::event_time(began), line));
    if (records.size() < kTogether) continue;
    if (auto done = flush(); !done) return failed(describe(done.error()));
  }
  const auto done = flush();
  return done ? 0 : failed(describe(done.error()));
}

}  // namespace
}  // namespace qc

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 4 && args[0] == "create") return qc::create(qc::place_of(args[1], args[2]), args[3]);
  if (args.size() == 2 && args[0] == "append") return qc::append(qc::place_of(args[1], {}));
  if (args.size() == 3 && args[0] == "append") return qc::append(qc::place_of(args[1], args[2]));
  if (args.size() == 2 && args[0] == "alerts") return qc::alerts(qc::place_of(args[1], {}));
  if (args.size() == 3 && args[0] == "alerts") return qc::alerts(qc::place_of(args[1], args[2]));
  return qc::failed("create LOG CONFIG wall|fed, append LOG [CONFIG], or alerts LOG [CONFIG]");
}
