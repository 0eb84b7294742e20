#include "core/site.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace qc::core {
namespace {

void write_result(ByteWriter& out, const SeriesResult& r) {
  out.u64(static_cast<std::uint64_t>(r.revision));
  if (r.revision == 0) return;
  const HourValue& v = r.value;
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(v.source) << 2 | (v.audited ? 2U : 0U) | (v.valid ? 1U : 0U)));
  out.u64(static_cast<std::uint64_t>(v.expected));
  write_sums(out, v.sums);
}

constexpr Duration kFoldMax = std::chrono::hours(24 * 366);
constexpr int kSlotsMax = 720;  // of an hour: every 5 s
constexpr std::uint64_t kRevisionMax = std::numeric_limits<std::int32_t>::max();

SeriesResult read_result(ByteReader& in) {
  SeriesResult r;
  r.revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
  if (r.revision == 0) return r;
  const std::uint64_t head = in.u64_to(static_cast<std::uint64_t>(Source::Amended) << 2 | 3);
  r.value.valid = (head & 1) != 0;
  r.value.audited = (head & 2) != 0;
  r.value.source = static_cast<Source>(head >> 2);
  r.value.expected = static_cast<std::int32_t>(in.u64_to(static_cast<std::uint64_t>(kSlotsMax)));
  r.value.sums = read_sums(in, kSlotsMax);
  return r;
}

// Of a pollutant: indices are never series, and there is none without a factor.
Factor read_pollutant(ByteReader& in) {
  const auto f = static_cast<Factor>(in.u64_to(kFactors - 1));
  if (f == Factor::None || is_index(f)) in.bad();
  return f;
}

void write_index(ByteWriter& out, const IndexOutcome& index, std::int32_t revision) {
  out.u64(static_cast<std::uint64_t>(revision));
  if (revision == 0) return;
  out.i64(index.value);
  out.u64(index.primary.size());
  for (const Factor f : index.primary) out.u8(static_cast<std::uint8_t>(f));
  out.u64(index.sub_indices.size());
  for (const SubIndex& s : index.sub_indices) {
    out.u8(static_cast<std::uint8_t>(s.factor));
    out.u64(static_cast<std::uint64_t>(s.iaqi));
  }
}

void read_index(ByteReader& in, IndexOutcome& index, std::int32_t& revision) {
  revision = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
  if (revision == 0) return;
  index.value = static_cast<int>(in.i64_in(-1, 500));
  index.primary.resize(in.u64_to(kSixPollutants.size()));
  for (Factor& f : index.primary) f = read_pollutant(in);
  index.sub_indices.resize(in.u64_to(kSixPollutants.size()));
  for (SubIndex& s : index.sub_indices) {
    s.factor = read_pollutant(in);
    s.iaqi = static_cast<int>(in.u64_to(500));
  }
}

void write_data(ByteWriter& out, const HourData& data) {
  out.u64(data.results.size());
  for (const SeriesResult& r : data.results) write_result(out, r);
  write_index(out, data.index, data.index_revision);
  out.text(data.reason);
  data.slots.write(out);
}

bool read_data(ByteReader& in, HourData& data) {
  data.results.resize(in.u64_to(kFactors));
  for (SeriesResult& r : data.results) r = read_result(in);
  read_index(in, data.index, data.index_revision);
  data.reason = in.text();
  return data.slots.read(in) && in.done();
}

}  // namespace

// Format 2 of an hour: version, flags, then what freeze() keeps. Format 1 had no marks; its bytes read the same.
void HourEntry::write(std::string& out) const {
  ByteWriter w(out);
  w.u8(kHourVersion);
  w.u8(static_cast<std::uint8_t>((closed ? 1 : 0) | (touched ? 2 : 0) | (running ? 4 : 0) | (sealed ? 8 : 0)));
  if (data == nullptr) {
    out += packed;
  } else {
    write_data(w, *data);
  }
}

bool HourEntry::read(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  if (version != 1 && version != kHourVersion) return false;
  const std::uint64_t flags = in.u64_to(15);
  closed = (flags & 1) != 0;
  touched = (flags & 2) != 0;
  running = (flags & 4) != 0;
  sealed = (flags & 8) != 0;
  if (!in.ok()) return false;
  data = std::make_unique<HourData>();
  return read_data(in, *data);
}

HourData& HourEntry::thaw() {
  if (data == nullptr) {
    data = std::make_unique<HourData>();
    ByteReader in(packed);
    QC_ASSERT(read_data(in, *data));
    std::string().swap(packed);
  }
  return *data;
}

void HourEntry::freeze() {
  if (data == nullptr) return;
  std::string bytes;
  bytes.reserve(4096);  // more than eight factors of minutes take
  ByteWriter w(bytes);
  write_data(w, *data);
  packed = std::string(bytes);  // as long as it is, no longer
  data.reset();
}

SeriesResult HourEntry::result(std::size_t wanted) const {
  if (data != nullptr) return wanted < data->results.size() ? data->results[wanted] : SeriesResult{};
  ByteReader in(packed);
  const std::size_t n = in.size();
  SeriesResult r;
  if (wanted >= n) return r;
  for (std::size_t i = 0; i <= wanted; ++i) r = read_result(in);
  return r;
}

IndexOutcome HourEntry::index() const {
  if (data != nullptr) return data->index;
  ByteReader in(packed);
  const std::size_t n = in.size();
  for (std::size_t i = 0; i < n; ++i) read_result(in);
  IndexOutcome outcome;
  std::int32_t revision = 0;
  read_index(in, outcome, revision);
  return outcome;
}

Offset HourEntry::first_offset() const {
  if (data != nullptr) return data->slots.first_offset();
  ByteReader in(packed);
  const std::size_t n = in.size();
  for (std::size_t i = 0; i < n; ++i) read_result(in);
  IndexOutcome outcome;
  std::int32_t revision = 0;
  read_index(in, outcome, revision);
  in.text();
  return HourSlots::first_offset(in);
}

std::size_t Site::column_of(Factor f, EventTime hour) {
  std::uint8_t& c = column[qc::core::index(f)];
  if (c == kNoColumn) {
    c = static_cast<std::uint8_t>(series.size());
    series.push_back({});
    series.back().factor = f;
    series.back().last_hour = hour;
    on_until = EventTime::min();
    dirty = true;
  }
  return c;
}

HourEntry* Site::find(EventTime start) {
  // Almost always the last one or the one before it.
  for (std::size_t i = hours.size(), steps = 0; i > 0 && steps < 3; --i, ++steps) {
    if (hours[i - 1].start == start) return &hours[i - 1];
    if (hours[i - 1].start < start) return nullptr;
  }
  const auto at =
      std::lower_bound(hours.begin(), hours.end(), start, [](const HourEntry& e, EventTime t) { return e.start < t; });
  return at != hours.end() && at->start == start ? &*at : nullptr;
}

HourEntry& Site::entry(EventTime start) {
  if (HourEntry* found = find(start)) return *found;
  const auto at =
      std::lower_bound(hours.begin(), hours.end(), start, [](const HourEntry& e, EventTime t) { return e.start < t; });
  cursor = {};
  HourEntry& made = *hours.insert(at, HourEntry{});
  made.start = start;
  made.data = std::make_unique<HourData>();
  return made;
}

std::size_t Site::bytes() const {
  std::size_t n = sizeof(*this) + info.id.capacity() + info.name.capacity() + info.region.capacity() +
                  series.capacity() * sizeof(Series) + hours.capacity() * sizeof(HourEntry) +
                  conditions.capacity() * sizeof(Condition) + history.bytes() + periods.capacity() * sizeof(Period);
  for (const HourEntry& e : hours) {
    n += e.packed.capacity();
    if (e.data != nullptr)
      n += sizeof(HourData) + e.data->slots.bytes() + e.data->results.capacity() * sizeof(SeriesResult);
  }
  return n;
}

namespace {

void write_period(ByteWriter& out, const Period& p) {
  out.u8(static_cast<std::uint8_t>(p.window));
  out.time(p.start);
  out.time(p.end);
  out.u8(p.closed ? 1 : 0);
  out.i64(p.first_offset);
  out.u64(p.revisions.size());
  for (const std::int32_t r : p.revisions) out.u64(static_cast<std::uint64_t>(r));
}

bool read_period(ByteReader& in, Period& p) {
  p.window = static_cast<Window>(in.u64_to(kWindows - 1));
  p.start = in.time();
  p.end = in.time();
  p.closed = in.flag();
  p.first_offset = in.i64_in(-1, std::numeric_limits<std::int64_t>::max());
  p.revisions.resize(in.u64_to(kFactors));
  for (std::int32_t& r : p.revisions) r = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
  if (!in.ok()) return false;
  const Interval whole = p.window == Window::Month     ? month_of(p.start)
                         : p.window == Window::Quarter ? quarter_of(p.start)
                                                       : year_of(p.start);
  return p.window >= Window::Month && whole == Interval{p.start, p.end};
}

void write_condition(ByteWriter& out, const Condition& c) {
  out.text(c.rule);
  out.u8(static_cast<std::uint8_t>(c.watch.factor));
  c.track.write(out);
  c.base.write(out);
  out.time(c.base_time);
  out.time(c.next);
  out.time(c.last_active);
  out.u8(static_cast<std::uint8_t>(c.watch.kind));
  out.u8(static_cast<std::uint8_t>(c.watch.check));
  out.u8(static_cast<std::uint8_t>(c.watch.window));
  out.u64(static_cast<std::uint64_t>(c.silent));
  out.u64(static_cast<std::uint64_t>(c.base_silent));
}

bool read_condition(ByteReader& in, Condition& c, std::uint8_t version) {
  c.rule = in.text();
  c.watch.factor = static_cast<Factor>(in.u64_to(kFactors - 1));
  if (!c.track.read(in, version) || !c.base.read(in, version)) return false;
  c.base_time = in.time();
  c.next = in.time();
  c.last_active = in.time();
  c.watch.kind = is_index(c.watch.factor) ? SignalKind::AqiLevel : SignalKind::HourLimit;
  if (version >= 2) {
    c.watch.kind = static_cast<SignalKind>(in.u64_to(static_cast<std::uint64_t>(SignalKind::Spike)));
    c.watch.check = static_cast<Mark>(in.u64_to(kMarks - 1));
    c.watch.window = static_cast<Window>(in.u64_to(kWindows - 1));
    c.silent = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
    c.base_silent = static_cast<std::int32_t>(in.u64_to(kRevisionMax));
  }
  // A fold goes from one to the other step by step; it is never longer than the horizon.
  if (c.base_time > c.next || c.next - c.base_time > kFoldMax) return false;
  return in.ok() && c.watch.floor(c.base_time) == c.base_time && c.watch.floor(c.next) == c.next;
}

void write_hours(ByteWriter& out, const std::vector<EventTime>& hours) {
  out.u64(hours.size());
  for (const EventTime h : hours) out.time(h);
}

bool read_hours(ByteReader& in, std::vector<EventTime>& hours) {
  hours.resize(in.size());
  for (EventTime& h : hours) h = in.time();
  return in.ok() && std::is_sorted(hours.begin(), hours.end());
}

}  // namespace

// Format 3 of a site's header; format 2 had no hours of single readings, format 1 no periods, and conditions over hours
// alone.
void Site::write(std::string& out) const {
  ByteWriter w(out);
  w.u8(kSiteVersion);
  w.u8(registered ? 1 : 0);
  w.text(info.id);
  w.text(info.name);
  w.text(info.region);
  w.text(info.root);
  w.u8(static_cast<std::uint8_t>(info.kind));
  w.u8(static_cast<std::uint8_t>(info.area_class));
  w.i64(next_episode);
  w.time_or(EventTime::min(), judged_from);
  w.u64(series.size());
  for (const Series& s : series) {
    w.u8(static_cast<std::uint8_t>(s.factor));
    w.u64(static_cast<std::uint64_t>(s.step_s));
    w.time_or(EventTime::min(), s.last_hour);
  }
  w.u64(conditions.size());
  for (const Condition& c : conditions) write_condition(w, c);
  w.u64(reading_conditions.size());
  for (const ReadingCondition& c : reading_conditions) {
    w.text(c.rule);
    w.u8(static_cast<std::uint8_t>(c.factor));
    c.track.write(w);
    w.time(c.last);
  }
  w.u64(periods.size());
  for (const Period& p : periods) write_period(w, p);
  for (const ReadingCondition& c : reading_conditions) {
    w.u8(c.stands ? 1 : 0);
    write_hours(w, c.hours);
  }
  w.u64(reading_episodes.size());
  for (const ReadingEpisode& e : reading_episodes) {
    w.text(e.rule);
    w.u8(static_cast<std::uint8_t>(e.factor));
    write_episode(w, e.episode);
    write_hours(w, e.hours);
  }
  w.time_or(EventTime::min(), past_changed);
}

bool Site::read_format_3(ByteReader& in) {
  for (ReadingCondition& c : reading_conditions) {
    c.stands = in.flag();
    if (!read_hours(in, c.hours)) return false;
  }
  reading_episodes.resize(in.u64_to(kReadingEpisodesMax));
  for (ReadingEpisode& e : reading_episodes) {
    e.rule = in.text();
    e.factor = read_pollutant(in);
    e.episode = read_episode(in);
    if (!read_hours(in, e.hours)) return false;
  }
  past_changed = in.time_or(EventTime::min());
  return in.ok();
}

bool Site::read(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint8_t version = in.u8();
  if (version < 1 || version > kSiteVersion) return false;
  registered = in.flag();
  info.id = in.text();
  info.name = in.text();
  info.region = in.text();
  info.root = in.text();
  info.kind = static_cast<SiteKind>(in.u64_to(static_cast<std::uint64_t>(SiteKind::Background)));
  info.area_class = static_cast<AreaClass>(in.u64_to(static_cast<std::uint64_t>(AreaClass::Class2)));
  next_episode = in.i64_in(1, std::int64_t{1} << 60);
  judged_from = in.time_or(EventTime::min());
  const std::uint64_t count = in.u64_to(kFactors);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const Factor f = read_pollutant(in);
    if (!in.ok() || column_of(f, {}) != i) return false;
    const auto step_s = static_cast<int>(in.u64_to(3600));
    if (step_s != 5 && step_s != 60 && step_s != 300 && step_s != 3600) return false;
    series[i].step_s = step_s;
    series[i].last_hour = in.time_or(EventTime::min());
  }
  conditions.resize(in.size());
  for (Condition& c : conditions) {
    if (!read_condition(in, c, version)) return false;
  }
  reading_conditions.resize(in.size());
  for (ReadingCondition& c : reading_conditions) {
    c.rule = in.text();
    c.factor = read_pollutant(in);
    if (!c.track.read(in, version)) return false;
    c.last = in.time();
  }
  if (version >= 2) {
    periods.resize(in.size());
    for (std::size_t i = 0; i < periods.size(); ++i) {
      if (!read_period(in, periods[i])) return false;
      const bool in_order = i == 0 || std::pair(periods[i - 1].start, periods[i - 1].window) <
                                          std::pair(periods[i].start, periods[i].window);
      if (!in_order) return false;
    }
  }
  if (version >= 3 && !read_format_3(in)) return false;
  dirty = false;
  return in.done();
}

}  // namespace qc::core
