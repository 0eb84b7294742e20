// The picture of episodes: gnuplot draws it, from a script on its standard input, and its standard output is the file.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "qingchuan/episodes.h"

namespace qc::commands {
namespace {

constexpr int kWidth = 1200;
constexpr int kHeight = 320;  // of one region
constexpr std::array<const char*, core::kWarningLevels> kColours = {"#FFE800", "#FF7E00", "#FF0000"};

// A string of gnuplot's: nothing but the quote means anything in it.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out + "'";
}

// gnuplot knows no time zones: it is given Beijing's clock.
std::string clock(core::EventTime t) {
  return core::to_iso(t).substr(0, 16);
}

struct Span {
  core::EventTime from;
  core::EventTime until;
};

Span shown(const Episodes& episodes) {
  Span s{core::EventTime::max(), core::EventTime::min()};
  for (const RegionEpisodes& r : episodes.regions) {
    if (r.hours.empty()) continue;
    s.from = std::min(s.from, r.hours.begin()->first);
    s.until = std::max(s.until, r.hours.rbegin()->first);
  }
  return s;
}

void levels(const RegionEpisodes& r, const Span& all, std::string& out) {
  for (const core::WarningEpisode& e : r.episodes) {
    for (const LevelSpan& s : spans_of(e)) {
      const core::EventTime from = std::max(s.from, all.from);
      const core::EventTime until = std::min(s.until, all.until);
      if (from >= until) continue;
      out += "set object rectangle from " + quoted(clock(from)) + ", graph 0 to " + quoted(clock(until)) +
             ", graph 1 behind fillcolor rgb " + quoted(kColours[static_cast<std::size_t>(s.change->level - 1)]) +
             " fillstyle solid 0.4 noborder\n";
    }
  }
}

// The curve; an hour without an index breaks it.
void curve(const RegionEpisodes& r, std::string& out) {
  out += "$curve << EOD\n";
  core::EventTime last = core::EventTime::min();
  for (const auto& [at, hour] : r.hours) {
    const bool is_gap = last != core::EventTime::min() && at != last + core::kHour;
    if (hour.index == core::kNoIndex || is_gap) out += "\n";
    if (hour.index != core::kNoIndex) out += clock(at) + " " + std::to_string(hour.index) + "\n";
    last = at;
  }
  out += "EOD\n";
}

struct Closed {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

}  // namespace

std::string to_gnuplot(const Episodes& episodes, Language language) {
  const bool zh = language == Language::Chinese;
  const Span all = shown(episodes);
  std::string out = "set encoding utf8\nset terminal svg noenhanced size " + std::to_string(kWidth) + "," +
                    std::to_string(kHeight * static_cast<int>(episodes.regions.size())) +
                    " background rgb 'white'\nset xdata time\nset timefmt '%Y-%m-%dT%H:%M'\nset format x '%m-%d'\nset "
                    "grid\nset yrange [0:500]\n"
                    "set key left top\nset ylabel " +
                    quoted(zh ? "AQI (24 小时)" : "AQI (24 h)") + "\nset xrange [" + quoted(clock(all.from)) + ":" +
                    quoted(clock(all.until)) + "]\nset multiplot layout " + std::to_string(episodes.regions.size()) +
                    ",1\n";
  for (const RegionEpisodes& r : episodes.regions) {
    const bool named_en = !zh && !r.region.name_en.empty();
    out +=
        "unset object\nset title " + quoted((named_en ? r.region.name_en : r.region.name) + " " + r.region.id) + "\n";
    levels(r, all, out);
    curve(r, out);
    out += "plot $curve using 1:2 with lines linewidth 1.5 linecolor rgb 'black' notitle";
    // The index above which each set of criteria counts an hour for yellow and for red.
    for (const core::WarningCriteria& c : episodes.criteria) {
      for (const int level : {1, core::kWarningLevels}) {
        const std::string bar = std::to_string(c.bar(level) - 1);
        out += ", " + bar + " with lines dashtype 2 linecolor rgb " +
               quoted(kColours[static_cast<std::size_t>(level - 1)]) + " title " +
               quoted(c.id + " " + std::string(warning_level_word(level, language)) + " > " + bar);
      }
    }
    out += "\n";
  }
  return out + "unset multiplot\n";
}

Result<void> draw(const Episodes& episodes, const std::string& file, Language language) {
  if (episodes.regions.size() > kPicturesMax) {
    return fail(Errc::usage, "a picture holds " + std::to_string(kPicturesMax) + " regions, these are " +
                                 std::to_string(episodes.regions.size()) + ": name some with --region");
  }
  if (shown(episodes).from >= shown(episodes).until)
    return fail(Errc::usage, "there is nothing to draw in that interval");
  const std::string script = to_gnuplot(episodes, language);
  const std::unique_ptr<std::FILE, Closed> input(std::tmpfile());
  if (input == nullptr || std::fwrite(script.data(), 1, script.size(), input.get()) != script.size() ||
      std::fflush(input.get()) != 0) {
    return fail(Errc::file_unreadable, "no temporary file for the picture's script");
  }
  std::rewind(input.get());
  const std::unique_ptr<std::FILE, Closed> output(std::fopen(file.c_str(), "we"));
  if (output == nullptr) return fail(Errc::file_unreadable, "cannot write `" + file + "`");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(output.get()), STDOUT_FILENO);
  char name[] = "gnuplot";
  char* const arguments[] = {name, nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return fail(Errc::file_unreadable, "gnuplot, which draws the picture, is not installed (Debian: gnuplot-nox)");
  }
  if (error != 0) return fail(Errc::file_unreadable, "gnuplot could not be started");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Errc::file_unreadable, "gnuplot could not draw `" + file + "`; its own words are above");
  }
  return {};
}

}  // namespace qc::commands
