// Runs the scripts tests/golden/warning_*.scn: what a region's index is, hour by hour, what is forecast and corrected,
// and what people are told. QC_UPDATE_GOLDEN=1 writes the answers anew: then read the difference. The grammar is in
// tests/golden/README.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/warning_oracle.h"
#include "core/warning_track.h"

namespace qc::core {
namespace {

namespace fs = std::filesystem;
using Mode = WarningMachine::Mode;

constexpr const char* kAnswer = "----\n";
constexpr std::array<const char*, kWarningLevels + 1> kLevels = {"none", "yellow", "orange", "red"};

std::string shown(EventTime t) {
  return to_iso(t).substr(0, 16);
}

struct Event {
  EventTime at{};
  bool amends = false;
  std::map<EventTime, IndexHour> hours;  // a forecast, or the corrected hours
  std::string reason;
};
struct Script {
  std::vector<WarningCriteria> criteria;
  Mode mode = Mode::Observed;
  std::map<EventTime, IndexHour> hours;
  std::vector<Event> events;
};

// Reads one script; a line that it does not understand is a failure of the test, with its text.
class Parser {
 public:
  explicit Parser(const std::string& text) : lines_(text) {}

  bool read(Script& script) {
    std::string line;
    while (std::getline(lines_, line)) {
      if (line.empty() || line[0] == '#') continue;
      words_ = std::istringstream(line);
      std::string word;
      words_ >> word;
      bool good = false;
      if (word == "criteria") good = criteria(script);
      if (word == "observed" || word == "live") {
        script.mode = word == "live" ? Mode::Live : Mode::Observed;
        good = true;
      }
      if (word == "from") good = stretches(script.hours) && word_.empty();
      if (word == "at") good = event(script);
      if (good) continue;
      ADD_FAILURE() << "this line is not understood: " << line;
      return false;
    }
    return true;
  }

 private:
  bool next() {
    word_.clear();
    return static_cast<bool>(words_ >> word_);
  }
  bool time(EventTime& t) {
    const auto parsed = next() ? parse_iso(word_) : std::nullopt;
    if (parsed) t = *parsed;
    return parsed.has_value();
  }
  bool number(int& n) {
    if (!next()) return false;
    n = std::atoi(word_.c_str());
    return n > 0 || word_ == "0";
  }
  // criteria 2018 [every_hour] [from DATE] [until DATE]
  bool criteria(Script& script) {
    if (!next() || (word_ != "2018" && word_ != "2024")) return false;
    WarningCriteria c = word_ == "2018" ? fixture::criteria_2018() : fixture::criteria_2024();
    c.dated = {};
    while (next()) {
      if (word_ == "every_hour") {
        c.lasting = Lasting::EveryHour;
      } else if (word_ == "from" || word_ == "until") {
        EventTime& t = word_ == "from" ? c.dated.from : c.dated.until;
        if (!time(t)) return false;
      } else {
        return false;
      }
    }
    script.criteria.push_back(c);
    return true;
  }
  // ... TIME hours N index X [ozone] [dust] | ... TIME hours N none; "then" goes on with the next hours. Leaves the
  // first word that is not part of it in word_.
  bool stretches(std::map<EventTime, IndexHour>& hours) {
    EventTime t{};
    if (!time(t)) return false;
    do {
      int n = 0;
      IndexHour hour;
      if (!next() || word_ != "hours" || !number(n) || !next()) return false;
      if (word_ == "index" ? !number(hour.index) : word_ != "none") return false;
      while (next() && (word_ == "ozone" || word_ == "dust")) (word_ == "ozone" ? hour.ozone : hour.dust) = true;
      for (; n > 0; --n) hours[t += kHour] = hour;
    } while (word_ == "then");
    return true;
  }
  // at TIME forecast from ... | at TIME forecast withdrawn | at TIME amended from ... because REASON
  bool event(Script& script) {
    Event e;
    if (!time(e.at) || !next()) return false;
    e.amends = word_ == "amended";
    if ((!e.amends && word_ != "forecast") || !next()) return false;
    if (word_ == "from") {
      if (!stretches(e.hours)) return false;
    } else if (e.amends || word_ != "withdrawn") {
      return false;
    }
    if (e.amends) {
      if (word_ != "because") return false;
      std::getline(words_ >> std::ws, e.reason);
    }
    script.events.push_back(std::move(e));
    return true;
  }

  std::istringstream lines_;
  std::istringstream words_;
  std::string word_;
};

std::string met(const MetCondition& m) {
  std::string text = (m.condition.reaches ? ">= " : "> ") + std::to_string(m.condition.index) + " for " +
                     std::to_string(m.condition.hours) + " h by " + shown(m.first);
  if (m.last != m.first) text += (m.step == 1 ? " .. " : " + 24 h .. ") + shown(m.last);
  return text;
}

std::string told(EventTime now, const WarningEpisode& e) {
  const LevelChange& c = e.changes.back();
  std::string text = shown(now) + " #" + std::to_string(e.number) + "." + std::to_string(e.revision) + " " + e.reason;
  if (e.state == SignalState::Withdrawn) return text + "\n";
  text += std::string(": ") + kLevels[static_cast<std::size_t>(c.level)] + " at " + shown(c.at);
  if (!c.up()) return text + "\n";
  text += ", since " + shown(c.began) + ", " + std::string(name(c.basis)) + ", lead " + std::to_string(c.lead_hours()) +
          " h\n      ";
  for (const MetCondition& m : c.conditions) text += (&m == c.conditions.data() ? "" : "; ") + met(m);
  if (c.next.level > 0) {
    text += std::string("; ") + kLevels[static_cast<std::size_t>(c.next.level)] + " is " +
            std::to_string(c.next.points) + " points and " + std::to_string(c.next.hours) + " h away";
  }
  return text + "\n";
}

std::string summary(const WarningEpisode& e) {
  std::string text = "episode " + std::to_string(e.number) + " (" + e.criteria +
                     "): " + kLevels[static_cast<std::size_t>(e.level_max)] + ", " + shown(e.began) + " .. " +
                     (e.open() ? "open" : shown(e.end())) + ", " + std::string(name(e.state)) + ", peak ";
  text += e.peak == kNoIndex ? "none" : std::to_string(e.peak) + " at " + shown(e.peak_at);
  text += ", hours over " + std::to_string(e.hours_over[0]) + "/" + std::to_string(e.hours_over[1]) + "/" +
          std::to_string(e.hours_over[2]);
  if (e.hours_ozone > 0) text += ", ozone " + std::to_string(e.hours_ozone) + " h";
  if (e.hours_dust > 0) text += ", dust " + std::to_string(e.hours_dust) + " h";
  if (e.hours_missing > 0) text += ", no index " + std::to_string(e.hours_missing) + " h";
  return text + "\n";
}

std::string run(const Script& script) {
  const RuleSet rules = fixture::rules_of(script.criteria);
  WarningTrack track(script.mode);
  std::string answer;
  std::map<std::int64_t, WarningEpisode> last;
  std::vector<WarningEpisode> news;
  const auto say = [&](EventTime now) {
    for (WarningEpisode& e : news) answer += told(now, e);
    news.clear();
    for (const WarningEpisode& e : track.episodes()) last[e.number] = e;
  };
  auto event = script.events.begin();
  const auto events_until = [&](EventTime until) {
    for (; event != script.events.end() && event->at < until; ++event) {
      if (!event->amends) track.forecast(rules, event->hours, news);
      for (const auto& [at, hour] : event->amends ? event->hours : Forecast{}) {
        EXPECT_TRUE(track.hour(rules, at, hour, event->reason, news)) << shown(at) << " can't be amended any more";
        say(event->at);
      }
      say(event->at);
    }
  };
  for (const auto& [at, hour] : script.hours) {
    events_until(at);
    track.hour(rules, at, hour, {}, news);
    say(at);
  }
  events_until(EventTime::max());
  for (const auto& [number, e] : last) answer += summary(e);
  return answer.empty() ? "nothing\n" : answer;
}

TEST(WarningGolden, EveryScriptIsAnsweredAsItSays) {
  int scripts = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(QC_SOURCE_DIR) / "tests" / "golden")) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with("warning_") || entry.path().extension() != ".scn") continue;
    ++scripts;
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t cut = text.find(kAnswer);
    ASSERT_NE(cut, std::string::npos) << file << " has no line ----";
    Script script;
    if (!Parser(text.substr(0, cut)).read(script)) continue;
    const std::string answer = run(script);
    if (std::getenv("QC_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(entry.path()) << text.substr(0, cut) << kAnswer << answer;
    } else {
      EXPECT_EQ(answer, text.substr(cut + std::string(kAnswer).size())) << file;
    }
  }
  EXPECT_GE(scripts, 10);
}

}  // namespace
}  // namespace qc::core
