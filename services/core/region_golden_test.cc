// Runs the scripts tests/golden/region_*.scn: what stations measure, what is forecast, ordered and corrected, and what
// people are told of the warnings of regions, each and together. QC_UPDATE_GOLDEN=1 writes the answers anew: then read
// the difference. The grammar is in tests/golden/README.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/region_stage.h"
#include "core/testing.h"
#include "core/warning_oracle.h"

namespace qc::core {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAnswer = "----\n";
constexpr std::array<const char*, kWarningLevels + 1> kLevels = {"none", "yellow", "orange", "red"};

std::string shown(EventTime t) {
  return to_iso(t).substr(0, 16);
}

struct Told {
  EventTime at{};
  std::variant<Event, Mean> what;
};
struct Script {
  std::shared_ptr<RuleSet> rules = std::make_shared<RuleSet>();
  std::map<EventTime, std::map<std::string, int>> hours;  // by start, of each station; < 0: missing
  std::vector<Told> told;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

// Reads one script; a line that it does not understand is a failure of the test, with its text.
class Parser {
 public:
  explicit Parser(const std::string& text) : lines_(text) {}

  bool read(Script& script) {
    RuleSet& rules = *script.rules;
    rules.hash = "00000000000000b1";
    rules.editions = {fixture::edition(false), fixture::edition(true)};
    rules.horizons.close_after = std::chrono::minutes(10);
    Validity& day = rules.validities.emplace_back();
    day.factors = {Factor::PM25};
    day.window = Window::H24;
    day.at_least = 20;
    std::string line;
    while (std::getline(lines_, line)) {
      if (line.empty() || line[0] == '#') continue;
      words_ = std::istringstream(line);
      if (!statement(script)) return ADD_FAILURE() << "not understood: " << line, false;
    }
    for (auto& [id, site] : rules.sites) site.root = "P";
    rules.prepare();
    return true;
  }

 private:
  bool statement(Script& script) {
    const std::string what = word();
    if (what == "criteria") {
      WarningCriteria criteria = word() == "2018" ? fixture::criteria_2018() : fixture::criteria_2024();
      criteria.dated = {};
      script.rules->warnings.push_back(criteria);
      return true;
    }
    if (what == "region") return region(*script.rules);
    if (what == "stations") {
      const std::string of = word();
      for (const std::string& id : split(word())) {
        SiteInfo& site = script.rules->sites[id];
        site.id = id;
        site.region = of;
        site.kind = SiteKind::Evaluation;
      }
      return !script.rules->sites.empty();
    }
    if (what == "from") return measured(script);
    if (what == "at") return said(script);
    return false;
  }

  bool region(RuleSet& rules) {
    const std::string id = word();
    Region& r = rules.regions[id];
    r.id = r.name = id;
    if (id != "P") r.parent = "P";
    for (std::string key = word(); !key.empty(); key = word()) {
      if (key == "members") r.members = split(word());
      if (key == "mean_of_members") r.mean_of_members = true;
      if (key == "joint") r.joint_members = std::stoi(word());
      if (key == "valid_percent") r.valid_percent = std::stoi(word());
    }
    return true;
  }

  // from TIME hours N pm25 VALUE|missing at STATIONS
  bool measured(Script& script) {
    const auto from = time();
    if (!from || word() != "hours") return false;
    const int n = std::stoi(word());
    if (word() != "pm25") return false;
    const std::string value = word();
    if (word() != "at") return false;
    for (const std::string& station : split(word())) {
      if (!script.rules->sites.contains(station)) return false;
      for (int h = 0; h < n; ++h) script.hours[*from + kHour * h][station] = value == "missing" ? -1 : std::stoi(value);
    }
    return true;
  }

  bool said(Script& script) {
    const auto at = time();
    const std::string what = word();
    if (!at) return false;
    Event event;
    event.received = *at;
    event.root = "P";
    if (what == "order" || what == "withdrawn") {  // order ID REGION LEVEL from TIME [until TIME] by NAME
      event.id = word();
      event.region = word();
      AreaOrder order;
      order.interval = {*at, EventTime::max()};
      if (what == "order") {
        const auto level = std::find(kLevels.begin(), kLevels.end(), word());
        if (level == kLevels.end() || word() != "from") return false;
        order.level = static_cast<int>(level - kLevels.begin());
        order.interval.start = *time();
      }
      for (std::string key = word(); !key.empty(); key = word()) {
        if (key == "until") order.interval.end = *time();
        if (key == "by") event.source = word();
      }
      event.what = order;
    } else if (what == "forecast") {  // forecast REGION from TIME hours N index I [hours N index I ...]
      event.region = word();
      event.source = "centre";
      ForecastIssue issue;
      issue.issued = *at;
      if (word() != "from") return false;
      EventTime hour = *time();
      for (std::string key = word(); key == "hours"; key = word()) {
        const int n = std::stoi(word());
        word();
        const int index = std::stoi(word());
        for (int i = 0; i < n; ++i) issue.hours[hour += kHour].index = index;
      }
      event.what = issue;
    } else if (what == "amended") {  // amended STATION from TIME hours N pm25 VALUE because REASON
      const std::string station = word();
      word();
      const auto from = time();
      word();
      const int n = std::stoi(word());
      word();
      const int value = std::stoi(word());
      word();
      std::string reason;
      std::getline(words_ >> std::ws, reason);
      for (int i = 0; i < n; ++i) {
        Mean m;
        m.site = station;
        m.status = Status::Amended;
        m.interval.start = *from + kHour * i;
        m.value = ug(value);
        m.reason = reason;
        script.told.push_back({*at, m});
      }
      return true;
    } else {
      return false;
    }
    script.told.push_back({*at, event});
    return true;
  }

  std::string word() {
    std::string w;
    words_ >> w;
    return w;
  }
  std::optional<EventTime> time() { return parse_iso(word()); }

  std::istringstream lines_;
  std::istringstream words_;
};

class Replayed {
 public:
  explicit Replayed(const Script& script) : script_(script), stage_(1) { stage_.know(script.rules); }

  std::string answer() {
    const EventTime first = script_.hours.begin()->first;
    const EventTime end = script_.hours.rbegin()->first + kHour;
    tick(first);
    auto next = script_.told.begin();
    for (EventTime at = first; at <= end; at += kHour) {
      // What is said within the hour, then the hour itself.
      for (; next != script_.told.end() && next->at < at + std::chrono::minutes(10); ++next) {
        tick(next->at);
        if (const auto* event = std::get_if<Event>(&next->what)) {
          const auto refused = stage_.apply(*event, event_offset_++, out_);
          if (refused) text_ += shown(next->at) + " refused: " + refused->detail + "\n";
          take();
        } else {
          mean(std::get<Mean>(next->what));
        }
      }
      if (const auto hour = script_.hours.find(at - kHour); hour != script_.hours.end()) {
        for (const auto& [station, value] : hour->second) {
          Mean m;
          m.site = station;
          m.status = Status::Closed;
          m.interval.start = hour->first;
          m.value = ug(std::max(value, 0));
          mean(m, value >= 0);
        }
      }
      tick(at + std::chrono::minutes(10));
    }
    return text_;
  }

 private:
  void mean(Mean m, bool valid = true) {
    m.region = script_.rules->sites.at(m.site).region;
    m.root = "P";
    m.factor = Factor::PM25;
    m.window = Window::H1;
    m.interval.end = m.interval.start + kHour;
    m.valid = valid;
    m.count = valid ? 60 : 0;
    m.expected = 60;
    stage_.apply(m, {0, script_.rules->hash}, offset_++, out_);
  }
  void tick(EventTime now) {
    stage_.apply(Tick{now}, 0, offset_++, out_);
    take();
  }
  void take() {
    for (const Signal& s : out_.signals) {
      text_ += shown(s.at) + " " + s.id + " #" + std::to_string(s.revision) + " " +
               kLevels.at(static_cast<std::size_t>(s.level)) + " " + std::string(name(s.state)) + ": " + s.reason;
      if (s.rule == kWarningRule) {
        text_ += "; > " + std::to_string(s.limit.pg / kMillion) + ", lowest " + std::to_string(s.value.pg / kMillion) +
                 ", " + std::to_string(s.count) + " of " + std::to_string(s.expected) + " observed, " +
                 shown(s.interval.start) + " .. " + shown(s.interval.end);
      }
      std::string covers;
      for (const std::string& region : s.covers) covers += (covers.empty() ? "" : " ") + region;
      if (!covers.empty()) text_ += "; covers " + covers;
      text_ += "\n";
    }
    out_.clear();
  }

  const Script& script_;
  RegionStage stage_;
  Offset offset_ = 0;
  Offset event_offset_ = 0;
  Outputs out_;
  std::string text_;
};

std::vector<fs::path> scripts() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(fs::path(QC_SOURCE_DIR) / "tests/golden")) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("region_") && file.ends_with(".scn")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class RegionGolden : public ::testing::TestWithParam<fs::path> {};

TEST_P(RegionGolden, IsWhatPeopleAreTold) {
  std::ifstream in(GetParam());
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::size_t cut = text.find(kAnswer);
  Script script;
  ASSERT_TRUE(Parser(text.substr(0, cut)).read(script));
  const std::string answer = Replayed(script).answer();
  if (std::getenv("QC_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GetParam()) << text.substr(0, cut) << kAnswer << answer;
    return;
  }
  ASSERT_NE(cut, std::string::npos) << "no answer";
  EXPECT_EQ(text.substr(cut + std::string(kAnswer).size()), answer);
}

INSTANTIATE_TEST_SUITE_P(Scripts, RegionGolden, ::testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param.stem().string(); });

}  // namespace
}  // namespace qc::core
