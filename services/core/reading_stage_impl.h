// The inside of ReadingStage, shared by the files that implement it: reading_stage.cc (sites, readings, corrections),
// reading_stage_time.cc (what a tick closes, amends and publishes) and reading_stage_state.cc (saving and loading).
// Nobody else includes it.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge.h"
#include "core/reading_stage.h"
#include "core/site.h"

namespace qc::core {

// Sites by id: open addressing, because a lookup stands before every packet. Nothing is ever taken out.
class SiteIndex {
 public:
  Site* find(std::string_view id) const {
    if (places_.empty()) return nullptr;
    const std::size_t hash = std::hash<std::string_view>{}(id);
    for (std::size_t i = hash;; ++i) {
      const Place& place = places_[i & (places_.size() - 1)];
      if (place.site == nullptr) return nullptr;
      if (place.hash == hash && place.site->info.id == id) return place.site;
    }
  }
  // REQUIRES: no site of that id is there.
  void add(Site& site) {
    if (++size_ * 2 > places_.size()) {
      std::vector<Place> old(std::max<std::size_t>(16, places_.size() * 2));
      old.swap(places_);
      for (const Place& place : old) {
        if (place.site != nullptr) put(place);
      }
    }
    put({std::hash<std::string_view>{}(site.info.id), &site});
  }

 private:
  struct Place {
    std::size_t hash = 0;
    Site* site = nullptr;
  };
  void put(const Place& place) {
    std::size_t i = place.hash;
    while (places_[i & (places_.size() - 1)].site != nullptr) ++i;
    places_[i & (places_.size() - 1)] = place;
  }

  std::vector<Place> places_;  // a power of two, at most half full
  std::size_t size_ = 0;
};

struct ReadingStage::Impl {
  explicit Impl(std::function<bool(std::string_view)> is_mine) : mine(std::move(is_mine)) {}

  std::function<bool(std::string_view)> mine;
  std::shared_ptr<const RuleSet> rules = std::make_shared<RuleSet>();
  std::string rules_hash;
  Timeline timeline = Timeline::None;
  EventTime now = EventTime::min();
  EventTime frontier = EventTime::min();  // hours that start before it are closed
  Ledger ledger;
  bool dirty = false;

  std::deque<Site> sites;
  SiteIndex by_id;
  std::vector<Site*> ordered;  // by id: the order of everything a tick publishes
  bool unordered = false;
  std::vector<Site*> to_save;

  // ---- sites ----
  Site* find(std::string_view id);
  Site& make(SiteInfo info);
  void learn(Site& site, const SiteInfo& info);
  const std::vector<Site*>& in_order();
  void save_later(Site& site) {
    if (site.queued) return;
    site.queued = true;
    to_save.push_back(&site);
  }

  // ---- readings ----
  void store(Site& site, const ReadingBatch& batch, Offset offset, Outputs& out);
  enum class Opened { Yes, Sealed, TooManyHours };
  Opened open(Site& site, EventTime hour, const ReadingBatch& batch, std::size_t column, Offset offset);

  // ---- time ----
  void advance(EventTime to, Offset offset, Outputs& out);
  void publish_touched(Site& site, Judge& judge, Offset offset, Outputs& out);
  void close_hours(Site& site, EventTime from, EventTime to, Judge& judge, Offset offset, Outputs& out);
  void settle(Site& site, Judge& judge);
  void publish_running(Site& site, EventTime open_from, Offset offset, Outputs& out);
  bool publish(Site& site, HourEntry& entry, Status status, Offset offset, Outputs& out);
  bool publish_index(Site& site, HourEntry& entry, Status status, Offset offset, Outputs& out);
  bool valid_so_far(const HourValue& value, EventTime start) const;
  static Mean& add_mean(const Site& site, const HourEntry& entry, Factor factor, Status status, std::int32_t revision,
                        Offset offset, Outputs& out);
};

}  // namespace qc::core
