// Means and indices of the last hours, of every site and region: a bounded table. A point is the latest revision of
// (subject, factor, window, end).
//
// Lifecycle: part of the model. Threads: as the model says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/output.h"

namespace qc::console {

struct SeriesKey {
  std::string subject;  // a site, or a region
  core::Factor factor = core::Factor::None;
  core::Window window = core::Window::None;
  auto operator<=>(const SeriesKey&) const = default;
};

struct SeriesPoint {
  core::Interval interval{};
  std::int64_t value_pg = 0;  // where count > 0
  bool valid = false;
  core::Status status = core::Status::None;
  std::int32_t revision = 0;
  std::int32_t count = 0;
  std::int32_t expected = 0;
  bool exceeds = false;
  std::optional<std::int64_t> limit_pg;
  core::Marks marks;
  bool audited = false;
  std::vector<core::Factor> primary;  // of an index
};

struct Series {
  std::string region;
  std::string root;
  bool of_region = false;
  std::deque<SeriesPoint> points;  // by end, each once
  const SeriesPoint* latest() const { return points.empty() ? nullptr : &points.back(); }
};

// Puts a mean among points that are in the order of their ends; false: a revision that is no newer.
bool take_point(std::deque<SeriesPoint>& points, const core::Mean& mean);

struct SeriesOptions {
  core::Duration kept = std::chrono::hours(72);
  std::size_t series_max = 50'000;
};

class SeriesTable {
 public:
  explicit SeriesTable(SeriesOptions options) : options_(options) {}

  // false: nothing new (an older revision, before what is kept, or beyond series_max).
  bool take(const core::Mean& mean, bool of_region);
  const Series* find(const SeriesKey& key) const;
  const std::map<SeriesKey, Series>& all() const { return series_; }
  std::size_t refused() const { return refused_; }  // series beyond series_max

 private:
  SeriesOptions options_;
  std::map<SeriesKey, Series> series_;
  std::set<SeriesKey> beyond_;
  std::size_t refused_ = 0;
};

}  // namespace qc::console
