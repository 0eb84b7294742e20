#include "platform/config_checks.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "platform/config_alerts.h"
#include "platform/config_console.h"
#include "platform/config_kafka.h"
#include "platform/yaml_schema.h"
#include "platform/yaml_value.h"

namespace qc::platform {

namespace schema = ::qingchuan::v1;

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::string path_of(const char* list, int index, const char* field) {
  return std::string(list) + "[" + std::to_string(index) + "]" + (*field == '\0' ? "" : ".") + field;
}

template <class Enum>
std::string label_of(Enum value) {
  const auto* found = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return found == nullptr ? "?" : found->options().GetExtension(schema::label);
}

// [from, until) of a message; 0 is "absent": no midnight in Beijing is the epoch.
struct Span {
  std::int64_t from;
  std::int64_t until;

  template <class Message>
  explicit Span(const Message& m)
      : from(m.from() == 0 ? std::numeric_limits<std::int64_t>::min() : m.from()),
        until(m.until() == 0 ? std::numeric_limits<std::int64_t>::max() : m.until()) {}

  bool empty() const { return from >= until; }
  bool overlaps(const Span& other) const { return from < other.until && other.from < until; }
};

template <class Message>
bool check_span(const Message& m, const std::string& path, YamlLoader& loader) {
  if (!Span(m).empty()) return true;
  loader.add_problem(path + ".until", "`until` must be after `from`");
  return false;
}

template <class Numbers>
bool is_rising(const Numbers& numbers) {
  for (int i = 1; i < numbers.size(); ++i) {
    if (numbers.Get(i) <= numbers.Get(i - 1)) return false;
  }
  return true;
}

// Between two entries of one thing there must be no day without any: a date was mistyped. Before the first and after
// the last one there may be.
template <class List, class Same>
void check_gaps(const List& list, const char* name, const std::string& what, Same same, YamlLoader& loader) {
  for (int i = 0; i < list.size(); ++i) {
    const Span span(list.Get(i));
    int next = -1;
    bool covered = span.empty();
    for (int other = 0; other < list.size(); ++other) {
      const Span after(list.Get(other));
      if (other == i || after.empty() || !same(list.Get(i), list.Get(other))) continue;
      covered = covered || (after.from <= span.until && span.until < after.until);
      if (after.from > span.until && (next < 0 || after.from < Span(list.Get(next)).from)) next = other;
    }
    if (covered || next < 0) continue;
    loader.add_problem(path_of(name, i, "until"), "from " + date_text(span.until) + " until " +
                                                      date_text(Span(list.Get(next)).from) + " there is no " + what +
                                                      "; the next one is at " +
                                                      loader.place(path_of(name, next, "")).str());
  }
}

void check_limits(const schema::RuleSet& rules, YamlLoader& loader) {
  std::map<std::pair<int, int>, std::vector<int>> earlier;  // (factor, window): indices of limits
  for (int i = 0; i < rules.limits_size(); ++i) {
    const schema::Limit& limit = rules.limits(i);
    const std::string path = path_of("limits", i, "");
    if (limit.class_1() > limit.class_2()) {
      loader.add_problem(path + ".class_1", "`class_1` is " + decimal_text(limit.class_1()) + ", above `class_2`, " +
                                                decimal_text(limit.class_2()) + "; class 1 is the stricter one");
    }
    if (limit.unit() == schema::POINT) loader.add_problem(path + ".unit", "a limit needs a unit of concentration");
    if (!check_span(limit, path, loader) || limit.factor() == 0 || limit.window() == 0) continue;
    std::vector<int>& same = earlier[{limit.factor(), limit.window()}];
    for (const int other : same) {
      if (!Span(limit).overlaps(Span(rules.limits(other)))) continue;
      loader.add_problem(path, "this limit of " + label_of(limit.factor()) + " " + label_of(limit.window()) +
                                   " overlaps in time with the one at " +
                                   loader.place(path_of("limits", other, "")).str());
    }
    same.push_back(i);
  }
  const auto same_limit = [](const schema::Limit& a, const schema::Limit& b) {
    return a.factor() == b.factor() && a.window() == b.window();
  };
  check_gaps(rules.limits(), "limits", "limit of this factor and window", same_limit, loader);
}

// What is dated must not be said twice for one time. `same` tells whether two entries speak of the same thing.
template <class List, class Same>
void check_dated(const List& list, const char* name, const std::string& what, Same same, YamlLoader& loader) {
  for (int i = 0; i < list.size(); ++i) {
    if (!check_span(list.Get(i), path_of(name, i, ""), loader)) continue;
    for (int other = 0; other < i; ++other) {
      if (!Span(list.Get(i)).overlaps(Span(list.Get(other))) || !same(list.Get(i), list.Get(other))) continue;
      loader.add_problem(path_of(name, i, ""), "this " + what + " overlaps in time with the one at " +
                                                   loader.place(path_of(name, other, "")).str());
    }
  }
}

void check_evaluation(const schema::RuleSet& rules, YamlLoader& loader) {
  const auto share_a_factor = [](const schema::Validity& a, const schema::Validity& b) {
    const std::set<int> factors(a.factors().begin(), a.factors().end());
    return a.window() == b.window() &&
           std::any_of(b.factors().begin(), b.factors().end(), [&](int f) { return factors.contains(f); });
  };
  check_dated(rules.validities(), "validities", "validity of a factor and window", share_a_factor, loader);
  const auto same_factor = [](const schema::Percentile& a, const schema::Percentile& b) {
    return a.factor() == b.factor();
  };
  check_dated(rules.percentiles(), "percentiles", "percentile", same_factor, loader);
  const auto any = [](const schema::Composite&, const schema::Composite&) { return true; };
  check_dated(rules.composites(), "composites", "composite index", any, loader);
  const auto any_criteria = [](const schema::WarningCriteria&, const schema::WarningCriteria&) { return true; };
  check_dated(rules.warnings(), "warnings", "set of warning criteria", any_criteria, loader);
  check_gaps(rules.warnings(), "warnings", "set of warning criteria", any_criteria, loader);
  check_gaps(rules.percentiles(), "percentiles", "percentile", same_factor, loader);
  check_gaps(rules.composites(), "composites", "composite index", any, loader);
}

void check_quality(const schema::RuleSet& rules, YamlLoader& loader) {
  std::map<int, int> earlier;  // factor: index
  for (int i = 0; i < rules.checks_size(); ++i) {
    const schema::QualityCheck& check = rules.checks(i);
    const std::string path = path_of("checks", i, "");
    const auto [first, is_new] = earlier.emplace(check.factor(), i);
    if (!is_new) {
      loader.add_problem(path, "this check of " + label_of(check.factor()) + " is the second, after the one at " +
                                   loader.place(path_of("checks", first->second, "")).str());
    }
    if (check.has_high() && check.low() >= check.high()) {
      loader.add_problem(path + ".high", "`high` is " + decimal_text(check.high()) + "; expected more than `low`, " +
                                             decimal_text(check.low()));
    }
  }
}

void check_item(const schema::AqiEdition& edition, const schema::AqiItem& item, const std::string& path,
                YamlLoader& loader) {
  const std::string place = path + ".concentrations";
  const int count = item.concentrations_size();
  if (count > edition.iaqi_size()) {
    loader.add_problem(place, "`concentrations` has " + std::to_string(count) + " numbers for " +
                                  std::to_string(edition.iaqi_size()) + " of `iaqi`; expected at most as many");
  } else if (count < 2) {
    loader.add_problem(place, "`concentrations` must have at least two numbers");
  }
  if (!is_rising(item.concentrations())) loader.add_problem(place, "`concentrations` must rise from number to number");
}

void check_editions(const schema::RuleSet& rules, YamlLoader& loader) {
  for (int i = 0; i < rules.aqi_editions_size(); ++i) {
    const schema::AqiEdition& edition = rules.aqi_editions(i);
    const std::string path = path_of("aqi_editions", i, "");
    if (!is_rising(edition.iaqi())) loader.add_problem(path + ".iaqi", "`iaqi` must rise from number to number");
    std::set<std::pair<int, int>> seen;
    for (int j = 0; j < edition.items_size(); ++j) {
      const schema::AqiItem& item = edition.items(j);
      const std::string item_path = path + ".items[" + std::to_string(j) + "]";
      check_item(edition, item, item_path, loader);
      if (!seen.emplace(item.factor(), item.window()).second && item.factor() != 0 && item.window() != 0) {
        loader.add_problem(item_path,
                           label_of(item.factor()) + " " + label_of(item.window()) + " stands twice in this edition");
      }
    }
    if (!check_span(edition, path, loader)) continue;
    for (int other = 0; other < i; ++other) {
      if (!Span(edition).overlaps(Span(rules.aqi_editions(other)))) continue;
      loader.add_problem(path, "this edition overlaps in time with the one at " +
                                   loader.place(path_of("aqi_editions", other, "")).str());
    }
  }
  const auto any = [](const schema::AqiEdition&, const schema::AqiEdition&) { return true; };
  check_gaps(rules.aqi_editions(), "aqi_editions", "edition", any, loader);
}

bool has_levels(schema::SignalKind kind) {
  return kind == schema::AQI_LEVEL || kind == schema::NO_DATA || kind == schema::SUSPECT || kind == schema::HOUR_HIGH ||
         kind == schema::SPIKE_ALONE;
}

void check_signals(const schema::RuleSet& rules, YamlLoader& loader) {
  for (int i = 0; i < rules.signals_size(); ++i) {
    const schema::SignalRule& rule = rules.signals(i);
    const std::string path = path_of("signals", i, "");
    const std::string kind = label_of(rule.kind());
    if (has_levels(rule.kind()) && rule.on().empty()) {
      loader.add_problem(path, "`on` is missing; a rule of the kind " + kind + " needs one to three levels");
    } else if (!has_levels(rule.kind()) && !rule.on().empty()) {
      loader.add_problem(path + ".on",
                         "`on` means nothing in a rule of the kind " + kind + "; there the limit itself is the level");
    } else if (!is_rising(rule.on())) {
      loader.add_problem(path + ".on", "`on` must rise from level to level");
    }
    if ((rule.kind() == schema::SUSPECT) != (rule.check() != schema::MARK_UNSPECIFIED)) {
      loader.add_problem(path + ".check", "`check` belongs to rules of the kind suspect, and they need one");
    }
    if (rule.stale_max() != 0 && rule.stale_max() <= rule.no_data()) {
      loader.add_problem(path + ".stale_max", "`stale_max` is " + duration_text(rule.stale_max()) +
                                                  "; expected more than `no_data`, " + duration_text(rule.no_data()));
    }
  }
}

void check_horizons(const schema::Horizons& horizons, YamlLoader& loader) {
  const auto whole_hours = [&](const char* field, std::int64_t ms) {
    if (ms % kHourMs == 0) return;
    loader.add_problem(std::string("horizons.") + field,
                       shown(field) + " is " + duration_text(ms) + "; expected whole hours");
  };
  whole_hours("slots_kept", horizons.slots_kept());
  whole_hours("hours_kept", horizons.hours_kept());
  if (horizons.hours_kept() <= horizons.slots_kept()) {
    loader.add_problem("horizons.hours_kept", "`hours_kept` is " + duration_text(horizons.hours_kept()) +
                                                  "; expected more than `slots_kept`, " +
                                                  duration_text(horizons.slots_kept()));
  }
  // A site must be able to hold every hour that may still be amended, the current one, and the next (readings ahead).
  const std::int64_t hours = horizons.hours_kept() / kHourMs + 2;
  if (horizons.site_hours_max() < hours) {
    loader.add_problem("horizons.site_hours_max", "`site_hours_max` is " + std::to_string(horizons.site_hours_max()) +
                                                      "; expected at least " + std::to_string(hours) +
                                                      " (`hours_kept` and two)");
  }
}

void check_regions(const schema::RuleSet& rules, YamlLoader& loader) {
  std::map<std::string, int> index;
  for (int i = 0; i < rules.regions_size(); ++i) index.emplace(rules.regions(i).id(), i);
  // A region has one parent, so a walk upwards either ends or comes back. Each region is walked over once.
  enum class State { unseen, on_path, done };
  std::vector<State> state(static_cast<std::size_t>(rules.regions_size()), State::unseen);
  const auto state_of = [&](int i) -> State& { return state[static_cast<std::size_t>(i)]; };
  for (int start = 0; start < rules.regions_size(); ++start) {
    std::vector<int> path;
    int at = start;
    while (state_of(at) == State::unseen) {
      state_of(at) = State::on_path;
      path.push_back(at);
      const auto parent = index.find(rules.regions(at).parent());
      if (rules.regions(at).parent().empty() || parent == index.end()) break;  // a root, or reported as dangling
      at = parent->second;
      if (state_of(at) == State::on_path) {
        loader.add_problem(path_of("regions", at, "parent"),
                           "region " + shown(rules.regions(at).id()) + " is, through its parents, its own parent");
      }
    }
    for (const int i : path) state_of(i) = State::done;
  }
}

void check_sites(const schema::RuleSet& rules, YamlLoader& loader) {
  for (int i = 0; i < rules.sites_size(); ++i) {
    const schema::Site& site = rules.sites(i);
    check_span(site, path_of("sites", i, ""), loader);
    if ((site.lon() == 0) != (site.lat() == 0)) {
      loader.add_problem(path_of("sites", i, ""), "`lon` and `lat` go together; here is only one of them");
    }
    check_dated(
        site.classes(), (path_of("sites", i, "classes")).c_str(), "class", [](auto&, auto&) { return true; }, loader);
    std::set<int> seen;
    for (int j = 0; j < site.factors_size(); ++j) {
      if (seen.insert(site.factors(j)).second) continue;
      loader.add_problem(path_of("sites", i, "factors") + "[" + std::to_string(j) + "]",
                         label_of(site.factors(j)) + " stands twice in `factors`");
    }
  }
}

// One stage reads both, the same partition of each: that of the root regions in it.
void check_partitions(const schema::System& system, YamlLoader& loader) {
  int means = 0;
  int events = 0;
  int at = -1;
  for (int i = 0; i < system.topics_size(); ++i) {
    if (system.topics(i).name() == "means") means = system.topics(i).partitions();
    if (system.topics(i).name() != "events") continue;
    events = system.topics(i).partitions();
    at = i;
  }
  if (means == 0 || at < 0 || means == events) return;
  loader.add_problem(
      path_of("topics", at, "partitions"),
      "`events` has " + std::to_string(events) + " partitions; expected as many as `means`, " + std::to_string(means));
}

}  // namespace

void check_rules(const schema::RuleSet& rules, YamlLoader& loader) {
  check_limits(rules, loader);
  check_evaluation(rules, loader);
  check_quality(rules, loader);
  check_editions(rules, loader);
  check_signals(rules, loader);
  check_horizons(rules.horizons(), loader);
  check_regions(rules, loader);
  check_sites(rules, loader);
}

void check_system(const schema::System& system, YamlLoader& loader) {
  for (int i = 0; i < system.topics_size(); ++i) {
    const schema::Topic& topic = system.topics(i);
    if (topic.compaction_lag() != 0 && topic.cleanup() == schema::DELETE) {
      loader.add_problem(path_of("topics", i, "compaction_lag"),
                         "`compaction_lag` means nothing in a topic that is not compacted");
    }
  }
  check_partitions(system, loader);
  check_kafka(system.kafka(), loader);
  check_alerts(system.alerts(), loader);
  check_console(system.console(), loader);
}

}  // namespace qc::platform
