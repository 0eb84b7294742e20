#include "qingchuan/watch.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "platform/log.h"
#include "processor/regions_stage.h"
#include "qingchuan/signal_text.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

namespace v1 = ::qingchuan::v1;

std::string clock_of(std::int64_t ms) {
  return core::to_iso(core::event_time(ms)).substr(0, 16).replace(10, 1, " ");
}

// Of each rule, in a history that ends.
constexpr int kShownOfRule = 3;
constexpr std::int64_t kSixHours = 6 * core::kHour.count();

std::string value_text(std::int64_t pg, const v1::Signal& s) {
  const bool named = s.unit() != v1::UNIT_UNSPECIFIED && s.unit() <= v1::COUNT;
  return signal_value_text(pg, s.limit(), static_cast<core::Factor>(s.factor()),
                           named ? static_cast<core::Unit>(s.unit()) : core::Unit::None);
}

}  // namespace

RulesOf rules_in(processor::RulesStore& store) {
  return [&store](const std::string& hash) -> std::shared_ptr<const core::RuleSet> {
    auto rules = store.get(hash);
    return rules ? std::move(*rules) : nullptr;
  };
}

Watch::Watch(RulesOf rules_of, Language language, bool colour, core::EventTime brief_before)
    : rules_of_(std::move(rules_of)), language_(language), colour_(colour), brief_before_(brief_before) {}

std::string Watch::site_name(const std::string& id, const v1::Origin& origin) const {
  const auto rules = rules_of_(origin.rules());
  if (rules == nullptr) return id;
  const auto site = rules->sites.find(id);
  return site == rules->sites.end() ? id : site->second.name;
}

void Watch::on_mean(const v1::Mean& mean) {
  const bool day = mean.window() == v1::DAY;
  if (mean.factor() != v1::AQI || !mean.valid() || (!day && mean.window() != v1::H1)) return;
  if (day && mean.status() == v1::RUNNING) return;
  const bool brief = core::event_time(mean.end_ms()) < brief_before_;
  if (brief && (mean.status() != v1::CLOSED || (!day && mean.end_ms() % kSixHours != 0))) return;
  const auto aqi = static_cast<int>(mean.value() / core::kMillion);
  const int cls = aqi_class(aqi);
  std::string text = site_name(mean.site(), mean.origin()) + " " + coloured(std::to_string(aqi), cls, colour_) + " " +
                     std::string(aqi_class_name(cls, language_));
  for (int i = 0; i < mean.primary_size(); ++i) {
    text += i == 0 ? " " : "+";
    text += core::name(static_cast<core::Factor>(mean.primary(i)));
  }
  newest_ms_ = std::max(newest_ms_, mean.end_ms());
  history_ = history_ || (brief && brief_before_ != core::EventTime::max());
  lines_.push_back({day ? mean.start_ms() : mean.end_ms(), mean.status(), day, mean.site(), std::move(text)});
}

std::string Watch::take() {
  std::map<std::tuple<std::int64_t, bool, int>, std::vector<const Line*>> blocks;
  // The partitions of a history come hours apart: its blocks wait for the next ones, so that each is whole.
  std::vector<Line> waiting;
  const auto waits = [this](const Line& l) {
    return history_ && core::event_time(l.at_ms) < brief_before_ && l.at_ms + kSixHours > newest_ms_;
  };
  for (const Line& l : lines_) {
    if (waits(l)) {
      waiting.push_back(l);
    } else {
      blocks[{l.at_ms, l.day, l.status}].push_back(&l);
    }
  }
  std::string out;
  for (auto& [key, lines] : blocks) {
    // Of a site the last: values that were running for a while may come together.
    std::stable_sort(lines.begin(), lines.end(), [](const Line* a, const Line* b) { return a->site < b->site; });
    const auto last =
        std::unique(lines.rbegin(), lines.rend(), [](const Line* a, const Line* b) { return a->site == b->site; });
    lines.erase(lines.begin(), last.base());
    const auto& [at_ms, day, status] = key;
    if (day) {
      out += "[" + clock_of(at_ms).substr(0, 10) + "] " +
             (language_ == Language::Chinese ? "日 AQI " : "AQI of the day ") +
             (status == v1::CLOSED && language_ == Language::Chinese ? "日报"
                                                                     : std::string(status_word(status, language_)));
    } else {
      out += "[" + clock_of(at_ms) + "] AQI 1h " + std::string(status_word(status, language_));
    }
    out += ":";
    for (std::size_t i = 0; i < lines.size(); ++i) out += (i % 4 == 0 ? "\n    " : " · ") + lines[i]->text;
    out += "\n";
  }
  lines_ = std::move(waiting);
  return out;
}

std::string Watch::on_tick(core::EventTime now) {
  if (!history_ || now < brief_before_) return {};
  history_ = false;
  std::string out = take();
  out += language_ == Language::Chinese ? "[" + clock_of(core::ms(now)) + "] 历史播放完毕，其间信号:"
                                        : "[" + clock_of(core::ms(now)) + "] the history is played; signals in it:";
  bool first = true;
  for (const auto& [rule, count] : began_) {
    out += (first ? " " : " · ") + std::string(rule_word(rule, language_)) + " " + std::to_string(count);
    first = false;
  }
  return out + "\n";
}

std::string Watch::on_signal(const v1::Signal& s) {
  if (core::event_time(s.at_ms()) < brief_before_) {
    if (brief_before_ == core::EventTime::max()) {
      if (s.level() < 2) return {};
    } else {
      history_ = true;
      if (s.revision() != 1 || ++began_[s.rule()] > kShownOfRule) return {};
    }
  }
  const auto factor = static_cast<core::Factor>(s.factor());
  const bool ends = s.state() == v1::CLEARED || s.state() == v1::ENDED_NO_DATA || s.state() == v1::WITHDRAWN;
  std::string out = "[" + clock_of(s.at_ms()) + "] " + (ends ? "▽ " : "▲ ");
  out += site_name(s.subject(), s.origin()) + " " + std::string(core::name(factor)) + " " +
         std::string(rule_word(s.rule(), language_)) + " " + std::string(state_word(s.state(), language_));
  out +=
      language_ == Language::Chinese ? " " + std::to_string(s.level()) + "级" : " level " + std::to_string(s.level());
  out += ": " + value_text(s.value(), s) + (s.value() > s.limit() ? " > " : " <= ") + value_text(s.limit(), s);
  for (int i = 0; i < s.marks_size(); ++i) out += (i == 0 ? " [" : " ") + std::string(mark_word(s.marks(i), language_));
  if (s.marks_size() > 0) out += "]";
  if (!s.clause().empty()) out += " (" + s.clause() + ")";
  return out + "\n";
}

Watcher::Watcher(stream::Log& log, Watch watch) : watch_(std::move(watch)) {
  for (const char* topic : {"means", "signals"}) {
    const auto whole = stream::whole_topic(log, topic);
    if (!whole) continue;  // no such topic
    for (const stream::Stretch& s : *whole) from_.emplace_back(s.of, s.until);
  }
  thread_ = std::jthread([this, &log](std::stop_token stop) { run(std::move(stop), log); });
}

void Watcher::run(std::stop_token stop, stream::Log& log) {
  auto reader = log.reader(from_);
  if (!reader) {
    platform::log_warn("nothing can be shown", {{"error", reader.error()}});
    return;
  }
  stream::Batch batch;
  while (!stop.stop_requested()) {
    if (const auto polled = (*reader)->poll(batch, 4096, stream::Milliseconds(200)); !polled) {
      platform::log_limited("watch", 1, platform::Level::warn, "the log cannot be read", {{"error", polled.error()}});
      continue;
    }
    std::string out;
    for (const stream::Record& r : batch.records) {
      if (r.tombstone) continue;
      const auto size = static_cast<int>(r.value.size());
      if (r.from->topic == "signals") {
        v1::SignalRecord record;
        if (!record.ParseFromArray(r.value.data(), size)) continue;
        if (record.has_signal()) out += watch_.on_signal(record.signal());
        if (!record.has_tick() || record.tick().upstream() != processor::kRegionsService) continue;
        // The regions have seen what all partitions gave up to then.
        out += watch_.on_tick(core::event_time(record.tick().now_ms()));
      } else {
        v1::MeanRecord record;
        if (record.ParseFromArray(r.value.data(), size) && record.has_mean()) watch_.on_mean(record.mean());
      }
    }
    out += watch_.take();
    if (out.empty()) continue;
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
  }
}

}  // namespace qc::commands
