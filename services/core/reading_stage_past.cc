// Corrections of hours that the stage no longer holds (past_amend.h). For the length of one record the site has again
// what the record brings along: hours, days, months, periods. What it still holds itself it believes rather. Then the
// way is that of any corrected hour, and settling forgets what no horizon covers, as ever. So the state stays bounded,
// and what is published remains a function of the records.
#include <algorithm>
#include <map>
#include <set>

#include "core/past_gather.h"
#include "core/reading_stage_impl.h"

namespace qc::core {
namespace {

constexpr int kSlotsMax = 720;  // of an hour: every 5 s

// A mean of an hour as it was made; nullopt: it cannot have been.
std::optional<HourValue> hour_value(const Mean& m) {
  const auto is_value = [](std::int64_t pg) { return pg >= 0 && pg <= kConcentrationMax; };
  if (m.count < 0 || m.count > kSlotsMax || m.expected < 1 || m.expected > kSlotsMax || m.suspect < 0 ||
      m.suspect > m.count || !is_value(m.min.pg) || !is_value(m.max.pg) || m.sum_pg < 0 ||
      m.sum_pg > kConcentrationMax * m.count || (m.valid && m.count == 0)) {
    return std::nullopt;
  }
  HourValue v;
  v.expected = m.expected;
  v.source = m.source;
  v.valid = m.valid;
  v.audited = m.audited;
  if (m.count == 0) return v;
  v.sums.sum_pg = m.sum_pg;
  v.sums.min_pg = m.min.pg;
  v.sums.max_pg = m.max.pg;
  v.sums.count = m.count;
  // How many had which mark is not published, only whether any had.
  v.sums.suspect = static_cast<std::uint32_t>(m.suspect) & 0x3ffU;
  v.sums.range = m.marks.has(Mark::Range) ? v.sums.suspect : 0;
  v.sums.clipped = m.marks.has(Mark::Clipped) ? v.sums.suspect : 0;
  if (v.sums.suspect > 0 && v.sums.range + v.sums.clipped == 0) return std::nullopt;
  return v;
}

bool is_outcome(const Mean& m) {
  const auto is_pollutant = [](Factor f) { return f != Factor::None && !is_index(f); };
  return m.sum_pg >= 0 && m.sum_pg <= 500 * kMillion && m.primary.size() <= kSixPollutants.size() &&
         m.sub_indices.size() <= kSixPollutants.size() &&
         std::all_of(m.primary.begin(), m.primary.end(), is_pollutant) &&
         std::all_of(m.sub_indices.begin(), m.sub_indices.end(),
                     [&](const SubIndex& s) { return is_pollutant(s.factor) && s.iaqi >= 0 && s.iaqi <= 500; });
}

// The site for the length of one record.
class Thaw {
 public:
  Thaw(Site& site, const RuleSet& rules, EventTime now, EventTime frontier, const PastReach& reach, Offset offset)
      : site_(site),
        rules_(rules),
        reach_(reach),
        offset_(offset),
        frontier_(frontier),
        hours_before_(now - rules.horizons.hours_kept - kHour + Duration(1)),
        days_before_(Windows::first_day(now, rules.horizons)) {}

  // Why it cannot be; empty: it is.
  std::string bring(const PastAmend& past) {
    for (const Mean& m : past.means) {
      if (m.window == Window::H1 && !is_index(m.factor) && !hour(m)) return what(m);
    }
    for (const Mean& m : past.means) {
      if (!rest(m)) return what(m);
    }
    for (auto& [start, values] : months_) site_.history.make_month(start).close(values);
    for (const Amend& a : past.amends) {
      for (EventTime h = a.interval.start; h < a.interval.end; h += kHour) whole_periods(h);
    }
    Outputs none;
    const Windows windows(rules_, frontier_, offset_, none);
    for (const Mean& m : past.means) {
      if (!adds_up(windows, m)) return what(m) + ": the hours and days that come with it do not make it";
    }
    return {};
  }
  bool brought(EventTime hour) const { return hours_.contains(hour); }

 private:
  static std::string what(const Mean& m) {
    return std::string(name(m.factor)) + " " + std::string(name(m.window)) + " until " + to_iso(m.interval.end);
  }
  std::uint8_t column(const Mean& m) const { return site_.column[index(m.factor)]; }
  static int hour_in(const Day& day, EventTime hour) { return static_cast<int>((hour - day.start) / kHour); }

  // The day where the record speaks for it; nullptr: the site knows it, or that there is none.
  Day* day_of_record(EventTime t) {
    const EventTime start = day_of(t);
    if (start >= days_before_) return nullptr;
    if (days_.contains(start)) return site_.history.find_day(start);
    if (site_.history.find_day(start) != nullptr) return nullptr;
    days_.insert(start);
    Day& made = site_.history.make_day(start);
    made.closed = true;
    return &made;
  }

  HourEntry* hour_of_record(EventTime start) {
    const Interval again = reach_.hours_again();
    if (start >= hours_before_ || start < again.start || start >= again.end) return nullptr;
    if (hours_.contains(start)) return site_.find(start);
    if (site_.find(start) != nullptr) return nullptr;
    hours_.insert(start);
    HourEntry& made = site_.entry(start);
    made.closed = made.sealed = true;
    made.data->slots.seal();
    made.data->slots.note_offset(offset_);
    return &made;
  }

  bool hour(const Mean& m) {
    const auto value = hour_value(m);
    const std::uint8_t c = column(m);
    if (!value || c == kNoColumn) return false;
    const std::int64_t pg = value->valid ? value->mean().pg : Day::kNone;
    const EventTime start = m.interval.start;
    if (Day* day = day_of_record(start)) {
      const int h = hour_in(*day, start);
      Day::Column& into = day->column(c);
      into.published |= 1U << h;
      into.mean[static_cast<std::size_t>(h)] = pg;
      if (value->valid && value->flat()) into.flat |= 1U << h;
    } else if (site_.find(start) == nullptr || brought(start)) {
      // The mean is held, the hour that it came from is not.
      if (site_.history.mean(c, start).value_or(Day::kNone) != pg) return false;
    }
    if (HourEntry* e = hour_of_record(start)) {
      auto& results = e->data->results;
      if (results.size() <= c) results.resize(site_.series.size());
      results[c] = {*value, m.revision};
    }
    return true;
  }

  bool rest(const Mean& m) {
    if (is_index(m.factor) ? !is_outcome(m) : column(m) == kNoColumn) return false;
    const EventTime last = m.interval.end - kHour;
    switch (m.window) {
      case Window::H1:
        if (m.factor == Factor::AQI) return index_of_hour(m);
        if (m.factor == Factor::AQI_PM24) trailing(m, kPm24Kind, last);
        return true;
      case Window::H8:
        trailing(m, k8hKind, last);
        return true;
      case Window::H24:
        trailing(m, is_index(m.factor) ? kRollingKind : k24hKind, last);
        return true;
      case Window::Day:
      case Window::Mda8:
        return daily(m);
      case Window::Month:
      case Window::Quarter:
      case Window::Year:
        return period(m);
      case Window::None:
      case Window::Reading:
        break;
    }
    return false;
  }

  bool index_of_hour(const Mean& m) {
    HourEntry* e = hours_.contains(m.interval.start) ? site_.find(m.interval.start) : nullptr;
    if (e == nullptr) return true;
    e->data->index = {m.valid ? static_cast<int>(m.sum_pg / kMillion) : -1, m.primary, m.sub_indices};
    e->data->index_revision = m.revision;
    return true;
  }

  void trailing(const Mean& m, TrailingKind kind, EventTime hour) {
    Day* day = days_.contains(day_of(hour)) ? site_.history.find_day(day_of(hour)) : nullptr;
    if (day == nullptr || m.revision == 1) return;
    day->note_revision(kind, is_index(m.factor) ? 0 : column(m), hour_in(*day, hour), m.revision);
  }

  bool daily(const Mean& m) {
    const EventTime start = m.interval.start;
    if (day_of(start) != start || m.interval.end != start + kDay) return false;
    Day* day = days_.contains(start) ? site_.history.find_day(start) : nullptr;
    if (is_index(m.factor)) {
      if (day != nullptr) day->index_revision = m.revision;
      return true;
    }
    const std::uint8_t c = column(m);
    if (day != nullptr) {
      (m.window == Window::Day ? day->column(c).revision : day->column(c).mda8_revision) = m.revision;
    }
    // Of ozone a period is made of the greatest 8 h means.
    if ((m.factor == Factor::O3) != (m.window == Window::Mda8)) return true;
    if (m.value.pg < 0 || m.value.pg > kConcentrationMax) return false;
    const Interval month = month_of(start);
    if (year_of(start).end >= days_before_ || site_.history.find_month(month.start) != nullptr) return true;
    auto& columns = months_[month.start].columns;
    if (columns.size() <= c) columns.resize(std::size_t{c} + 1);
    const auto d = static_cast<std::size_t>((start - month.start) / kDay);
    columns[c].published |= 1U << d;
    columns[c].value[d] = m.valid ? m.value.pg : Day::kNone;
    return true;
  }

  // The period where the record speaks for it.
  Period* period_of_record(Window window, EventTime t) {
    const Interval i = Windows::period_interval(window, t);
    const auto place = std::pair(i.start, window);
    const auto at = std::lower_bound(site_.periods.begin(), site_.periods.end(), place,
                                     [](const Period& p, const auto& q) { return std::pair(p.start, p.window) < q; });
    if (at != site_.periods.end() && std::pair(at->start, at->window) == place) {
      return periods_.contains(place) ? &*at : nullptr;
    }
    if (i.end >= days_before_) return nullptr;
    periods_.insert(place);
    return &*site_.periods.insert(at, Period{window, i.start, i.end, true, offset_, {}});
  }

  void whole_periods(EventTime hour) {
    for (const Window w : {Window::Month, Window::Quarter, Window::Year}) period_of_record(w, hour);
  }

  bool period(const Mean& m) {
    if (Windows::period_interval(m.window, m.interval.start) != m.interval) return false;
    Period* p = period_of_record(m.window, m.interval.start);
    if (p == nullptr) return true;
    const std::uint8_t c = column(m);
    if (p->revisions.size() <= c) p->revisions.resize(std::size_t{c} + 1);
    p->revisions[c] = m.revision;
    return true;
  }

  bool adds_up(const Windows& windows, const Mean& m) const {
    if (is_index(m.factor)) return true;
    if (m.window == Window::Day && days_.contains(m.interval.start)) {
      const Total t = site_.history.day(column(m), m.interval.start);
      return t.sum_pg == m.sum_pg && t.count == m.count;
    }
    if (m.window < Window::Month || !periods_.contains({m.interval.start, m.window})) return true;
    const auto p = std::find_if(site_.periods.begin(), site_.periods.end(),
                                [&m](const Period& q) { return q.window == m.window && q.start == m.interval.start; });
    return windows.adds_up(site_, *p, column(m), m);
  }

  Site& site_;
  const RuleSet& rules_;
  const PastReach& reach_;
  Offset offset_;
  EventTime frontier_;
  EventTime hours_before_;  // hours that start before it can no longer be held
  EventTime days_before_;   // likewise days, and periods that end before it
  std::set<EventTime> hours_;
  std::set<EventTime> days_;
  std::map<EventTime, MonthValues> months_;
  std::set<std::pair<EventTime, Window>> periods_;
};

const Mean* find_hour(const std::vector<Mean>& means, Factor factor, EventTime hour) {
  const auto at = std::find_if(means.begin(), means.end(), [&](const Mean& m) {
    return m.window == Window::H1 && m.factor == factor && m.interval.start == hour;
  });
  return at == means.end() ? nullptr : &*at;
}

}  // namespace

std::string ReadingStage::Impl::brings_wrong(const Site& site, const PastAmend& past) const {
  if (past.amends.empty()) return "no correction";
  for (const Amend& a : past.amends) {
    const Interval& i = a.interval;
    if (a.site != past.site) return "corrections of more than one site";
    if (a.factor == Factor::None || is_index(a.factor) || site.column[index(a.factor)] == kNoColumn)
      return "a factor that the site does not measure";
    if (a.action == Amend::Action::None || i.start >= i.end || hour_of(i.start) != i.start || hour_of(i.end) != i.end)
      return "wants an action and an interval of whole hours";
    if (i.end > frontier) return "an hour can be amended once it is closed";
  }
  const Interval all = hours_of(past.amends);
  if (all.end - all.start > kPastSpanMax) return "its hours are too far apart for one record";
  const auto open = [this](const Mean& m) { return m.interval.end > frontier || m.revision < 1; };
  if (std::any_of(past.means.begin(), past.means.end(), open)) return "it brings along what is not over";
  if (past.as_of > now || now - past.as_of > kPastAgeMax || past.as_of <= site.past_changed) {
    return "what it brings along was read as of " + to_iso(past.as_of) + " and has changed since: make it again";
  }
  return {};
}

void ReadingStage::apply(const PastAmend& past, Offset offset, Outputs& out) {
  Impl& s = *impl_;
  s.dirty = true;
  Site* site = s.find(past.site);
  const auto refuse = [&](Reason reason, const std::string& why) {
    const std::string id = past.amends.empty() ? past.site : past.amends.front().id;
    out.rejected.push_back({reason, 0, "amend " + id + ": " + why});
  };
  if (site == nullptr) return refuse(Reason::UnknownSite, "site " + past.site + " is not known");
  if (std::string wrong = s.brings_wrong(*site, past); !wrong.empty()) return refuse(Reason::BadShape, wrong);

  const PastReach reach(hours_of(past.amends), past.as_of, s.rules->horizons);
  Judge judge(*s.rules, s.now, s.frontier, offset, out);
  Thaw thaw(*site, *s.rules, s.now, s.frontier, reach, offset);
  std::string wrong = thaw.bring(past);
  // First all is looked at, then something is changed.
  struct Change {
    const Amend* amend;
    HourEntry* entry;
    std::optional<HourValue> value;  // where the hour was brought along
  };
  std::vector<Change> changes;
  for (const Amend& a : past.amends) {
    const std::size_t column = site->column[index(a.factor)];
    for (EventTime hour = a.interval.start; wrong.empty() && hour < a.interval.end; hour += kHour) {
      HourEntry* e = site->find(hour);
      if (e == nullptr || !e->closed || (thaw.brought(hour) && e->result(column).revision == 0)) {
        wrong = to_iso(hour) + " was not published, or is not brought along";
        continue;
      }
      Change change{&a, e, std::nullopt};
      if (thaw.brought(hour) && a.action == Amend::Action::Restore) {
        const Mean* measured = find_hour(past.measured, a.factor, hour);
        change.value = measured == nullptr ? std::nullopt : hour_value(*measured);
        if (!change.value) wrong = "what was measured at " + to_iso(hour) + " is not brought along";
      } else if (thaw.brought(hour)) {
        HourData scratch;
        Impl::put(scratch, a, 0);
        change.value = scratch.slots.value(0, 0, 3600);
      }
      changes.push_back(change);
    }
  }
  for (const Change& c : wrong.empty() ? changes : std::vector<Change>()) {
    const std::size_t column = site->column[index(c.amend->factor)];
    HourData& data = c.entry->thaw();
    if (c.value) {
      std::erase_if(data.brought, [column](const BroughtValue& b) { return b.column == column; });
      data.brought.push_back({column, *c.value});
    } else {
      Impl::put(data, *c.amend, column);
    }
    data.slots.note_offset(offset);
    data.reason = reason_of(*c.amend);
    c.entry->dirty = c.entry->touched = true;
  }
  if (wrong.empty()) {
    s.publish_touched(*site, judge, offset, out, &past);
    site->past_changed = s.now;
    site->dirty = true;
  }
  s.settle(*site, judge);
  s.save_later(*site);
  if (!wrong.empty()) refuse(Reason::BadShape, wrong);
}

}  // namespace qc::core
