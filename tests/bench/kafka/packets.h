// The packets that both sides of the benchmark work off: 8 factors x 1 minute a packet, made of (site, factor, minute)
// alone, so that what should come out can be computed without reading anything: the checker is a naive recomputation.
//
// Event time begins at `start`, a full hour; minute m is the interval [start + m, start + m + 1 min), and its packet
// comes after the tick of its end. Values lie well below every limit. One packet in `exceed_every` carries an NO2 value
// above its 1 h limit, which must raise a signal at once. Values; threads: one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/factor.h"
#include "core/hour.h"
#include "core/time.h"
#include "wire/codec.h"

namespace qc::bench {

struct Plan {
  int sites = 1000;
  int partitions = 4;
  int exceed_every = 5000;  // packets; 0: none by themselves
  core::EventTime start = core::beijing_midnight(2026, 6, 1);
};

inline constexpr std::size_t kFactors = 8;
core::Factor factor_at(std::size_t i);

class Packets {
 public:
  explicit Packets(const Plan& plan);

  const Plan& plan() const { return plan_; }
  const std::string& site(int s) const { return sites_[static_cast<std::size_t>(s)]; }
  int site_number(std::string_view site) const;  // -1: none of ours
  int partition(int s) const { return partitions_[static_cast<std::size_t>(s)]; }
  core::EventTime end_of(int minute) const { return plan_.start + std::chrono::minutes(minute + 1); }

  // Serialised Inputs.
  std::string registration(int s) const;
  std::string packet(int s, int minute, bool exceed);

  // Whether this packet carries an exceedance by itself.
  bool exceeds(int s, int minute) const;
  // In pg/m3, as core stores it.
  std::int64_t value(int s, std::size_t factor, int minute, bool exceed) const;
  // The hour [start + hour, ...) of one series, as far as the first `minutes` minutes fill it.
  core::Sums hour(int s, std::size_t factor, int hour, int minutes) const;

  struct Change {
    bool began = false;  // or cleared
    core::EventTime at;
  };
  // What reading_over_limit must say of a site's NO2 in the first `minutes` minutes.
  std::vector<Change> changes(int s, int minutes) const;

 private:
  std::int64_t mantissa(int s, std::size_t factor, int minute) const;

  Plan plan_;
  std::vector<std::string> sites_;
  std::vector<int> partitions_;
  wire::BatchBuilder builder_;
};

}  // namespace qc::bench
