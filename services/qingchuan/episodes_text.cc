// Episodes for a terminal, and as CSV.
#include "core/aqi.h"
#include "qingchuan/columns.h"
#include "qingchuan/episodes.h"
#include "wire/csv_output.h"

namespace qc::commands {
namespace {

std::string minutes(core::EventTime t) {
  std::string text = core::to_iso(t).substr(0, 16);
  text[10] = ' ';
  return text;
}

std::string level_text(int level, Language language) {
  return std::string(warning_level_word(level, language));
}

std::string condition(const core::WarningCondition& c, Language l) {
  return "AQI " + std::string(c.reaches ? ">= " : "> ") + std::to_string(c.index) + " " + std::to_string(c.hours) +
         (l == Language::Chinese ? " 小时" : " h");
}

class Text {
 public:
  Text(const Episodes& episodes, Language language) : episodes_(episodes), l_(language) {}

  std::string all() {
    out_ = episodes_.spec.observed
               ? word("污染过程（按实况回判，不用预报）", "Episodes, judged by what was observed, without forecasts")
               : word("污染过程（实时发布的预警，用实况与预报）",
                      "Episodes as they were published, by observation and forecast");
    out_ += "\n";
    for (const core::WarningCriteria& c : episodes_.criteria) {
      out_ += word("  准则 ", "  criteria ") + c.id + ": " + c.clause + "\n";
    }
    for (const RegionEpisodes& r : episodes_.regions) region(r);
    return std::move(out_);
  }

 private:
  std::string word(const char* zh, const char* en) const { return l_ == Language::Chinese ? zh : en; }
  std::string hours(std::int64_t n) const { return std::to_string(n) + word(" 小时", " h"); }

  void region(const RegionEpisodes& r) {
    const bool named_en = l_ == Language::English && !r.region.name_en.empty();
    out_ += "\n" + (named_en ? r.region.name_en : r.region.name) + " (" + r.region.id + ")";
    if (!r.hours.empty()) {
      out_ += "  " + minutes(r.hours.begin()->first - core::kHour) + " .. " + minutes(r.hours.rbegin()->first);
    }
    out_ += "\n";
    if (r.episodes.empty()) out_ += word("  无污染过程", "  no episode") + "\n";
    int n = 0;
    for (const core::WarningEpisode& e : r.episodes) episode(++n, e);
  }

  void episode(int n, const core::WarningEpisode& e) {
    const std::string end = e.open() ? word("未结束", "still going on") : minutes(e.end());
    const std::string how = e.open() ? "" : " " + std::string(state_word(static_cast<int>(e.state), l_));
    out_ +=
        "  " + std::to_string(n) + ". " + level_text(e.level_max, l_) + "  " + minutes(e.began) + " .. " + end + how;
    if (e.peak != core::kNoIndex) {
      const std::string category(aqi_class_name(aqi_class(e.peak), l_));
      out_ += word("  峰值 ", "  peak ") + std::to_string(e.peak) + " " + category + " " + minutes(e.peak_at);
    }
    out_ += "\n     ";
    for (int level = 1; level <= core::kWarningLevels; ++level) {
      out_ += word("达", "at ") + level_text(level, l_) + word("限值 ", " or worse ") +
              hours(e.hours_over[static_cast<std::size_t>(level - 1)]) + (level < core::kWarningLevels ? ", " : "");
    }
    for (const auto& [n_hours, name] : {std::pair{e.hours_ozone, word("剔除臭氧 ", "without ozone ")},
                                        std::pair{e.hours_dust, word("剔除沙尘 ", "without dust ")},
                                        std::pair{e.hours_missing, word("无指数 ", "no index ")}}) {
      if (n_hours > 0) out_ += ", " + name + hours(n_hours);
    }
    out_ += "\n";
    for (const LevelSpan& s : spans_of(e)) level(s);
  }

  void level(const LevelSpan& s) {
    const core::LevelChange& c = *s.change;
    out_ += "     " + pad_right(level_text(c.level, l_), 8) + minutes(s.from) + " .. " +
            (s.until == core::EventTime::max() ? word("未结束", "still going on") : minutes(s.until));
    if (!c.up()) {
      out_ += word("  由高级别降下", "  down from a higher level") + "\n";
      return;
    }
    out_ += word("  始于 ", "  since ") + minutes(c.began) + "  " +
            std::string(basis_word(static_cast<int>(c.basis), l_)) + word("  提前 ", "  lead ") +
            hours(c.lead_hours()) + "\n";
    for (const core::MetCondition& m : c.conditions) {
      out_ += "             " + condition(m.condition, l_) + ": " + minutes(m.first);
      if (m.last != m.first) {
        out_ += " .. " + minutes(m.last) + word(", 每 ", ", every ") + hours(m.step);
      }
      out_ += word(", 最低 ", ", lowest ") + std::to_string(m.lowest) + "\n";
    }
    if (c.next.level == 0) return;
    out_ += "             " + word("距", "to ") + level_text(c.next.level, l_) + ": " + std::to_string(c.next.points) +
            word(" 点, ", " points, ") + hours(c.next.hours) + "\n";
  }

  const Episodes& episodes_;
  Language l_;
  std::string out_;
};

constexpr std::string_view kHeader =
    "region,name,episode,criteria,clause,state,began,ended,peak,peak_at,hours_yellow,hours_orange,hours_red,hours_"
    "ozone,"
    "hours_dust,hours_missing,level,level_from,level_until,level_began,decided,basis,lead_hours,conditions,next_level,"
    "next_points,next_hours";

}  // namespace

std::string to_text(const Episodes& episodes, Language language) {
  return Text(episodes, language).all();
}

std::string to_csv(const Episodes& episodes) {
  std::string out = std::string(kHeader) + "\n";
  const auto time = [](core::EventTime t) { return t == core::EventTime::max() ? std::string() : core::to_iso(t); };
  for (const RegionEpisodes& r : episodes.regions) {
    int number = 0;
    for (const core::WarningEpisode& e : r.episodes) {
      ++number;
      for (const LevelSpan& s : spans_of(e)) {
        const core::LevelChange& c = *s.change;
        std::string conditions;
        for (const core::MetCondition& m : c.conditions) {
          conditions += (conditions.empty() ? "" : "; ") + condition(m.condition, Language::English) + ": " +
                        core::to_iso(m.first) + "/" + core::to_iso(m.last) + " every " + std::to_string(m.step) +
                        " h, lowest " + std::to_string(m.lowest);
        }
        const bool known = e.peak != core::kNoIndex;
        std::vector<std::string> fields = {r.region.id,
                                           r.region.name,
                                           std::to_string(number),
                                           e.criteria,
                                           e.clause,
                                           std::string(core::name(e.state)),
                                           time(e.began),
                                           time(e.end()),
                                           known ? std::to_string(e.peak) : "",
                                           known ? time(e.peak_at) : ""};
        for (const int n : e.hours_over) fields.push_back(std::to_string(n));
        for (const int n : {e.hours_ozone, e.hours_dust, e.hours_missing}) fields.push_back(std::to_string(n));
        fields.insert(fields.end(),
                      {level_text(c.level, Language::English), time(s.from), time(s.until), time(c.began),
                       time(c.decided), std::string(core::name(c.basis)), std::to_string(c.lead_hours()), conditions});
        if (c.next.level > 0) {
          fields.insert(fields.end(), {level_text(c.next.level, Language::English), std::to_string(c.next.points),
                                       std::to_string(c.next.hours)});
        } else {
          fields.insert(fields.end(), 3, "");
        }
        for (std::size_t i = 0; i < fields.size(); ++i) {
          if (i > 0) out += ',';
          wire::append_csv_field(fields[i], out);
        }
        out += "\n";
      }
    }
  }
  return out;
}

}  // namespace qc::commands
