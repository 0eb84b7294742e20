#include "console/series.h"

#include <algorithm>

namespace qc::console {
namespace {

SeriesPoint point_of(const core::Mean& mean) {
  SeriesPoint p;
  p.interval = mean.interval;
  p.value_pg = mean.value.pg;
  p.valid = mean.valid;
  p.status = mean.status;
  p.revision = mean.revision;
  p.count = mean.count;
  p.expected = mean.expected;
  p.exceeds = mean.exceeds;
  if (mean.limit) p.limit_pg = mean.limit->pg;
  p.marks = mean.marks;
  p.audited = mean.audited;
  p.primary = mean.primary;
  return p;
}

}  // namespace

bool take_point(std::deque<SeriesPoint>& points, const core::Mean& mean) {
  const auto at = std::lower_bound(points.begin(), points.end(), mean.interval.end,
                                   [](const SeriesPoint& p, core::EventTime end) { return p.interval.end < end; });
  if (at == points.end() || at->interval.end != mean.interval.end) {
    points.insert(at, point_of(mean));
    return true;
  }
  if (at->revision >= mean.revision) return false;
  *at = point_of(mean);
  return true;
}

bool SeriesTable::take(const core::Mean& mean, bool of_region) {
  SeriesKey key{mean.site, mean.factor, mean.window};
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= options_.series_max) {
      // Counted once each, and no more of them remembered than are kept.
      if (beyond_.size() < options_.series_max && beyond_.insert(std::move(key)).second) ++refused_;
      return false;
    }
    found = series_.emplace(std::move(key), Series{}).first;
    found->second.of_region = of_region;
  }
  Series& series = found->second;
  if (!mean.region.empty()) series.region = mean.region;
  if (of_region) series.region = mean.site;
  if (!mean.root.empty()) series.root = mean.root;
  if (!series.points.empty() && mean.interval.end <= series.points.back().interval.end - options_.kept) return false;
  if (!take_point(series.points, mean)) return false;
  while (series.points.front().interval.end <= series.points.back().interval.end - options_.kept) {
    series.points.pop_front();
  }
  return true;
}

const Series* SeriesTable::find(const SeriesKey& key) const {
  const auto found = series_.find(key);
  return found == series_.end() ? nullptr : &found->second;
}

}  // namespace qc::console
