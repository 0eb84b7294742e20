// The inside of ReadingStage, shared by the files that implement it: reading_stage.cc (sites, readings),
// reading_stage_amend.cc (corrections), reading_stage_past.cc (those of hours that are no longer held),
// reading_stage_time.cc (what a tick closes, amends and publishes) and reading_stage_state.cc (saving and loading).
// Nobody else includes it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge.h"
#include "core/quality.h"
#include "core/reading_stage.h"
#include "core/site.h"
#include "core/site_index.h"
#include "core/windows.h"

namespace qc::core {

struct ReadingStage::Impl {
  explicit Impl(std::function<bool(std::string_view)> is_mine) : mine(std::move(is_mine)) {}

  std::function<bool(std::string_view)> mine;
  std::shared_ptr<const RuleSet> rules = std::make_shared<RuleSet>();
  std::string rules_hash;
  PlainTable plain;  // of the rules in use
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
  Site& make(const SiteInfo& info);
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

  // ---- corrections ----
  static void put(HourData& data, const Amend& amend, std::size_t column);  // into the slots of an hour that is held
  std::string brings_wrong(const Site& site, const PastAmend& past) const;  // why it cannot be used; empty: it can

  // ---- time ----
  void advance(EventTime to, Offset offset, Outputs& out);
  // `past`: the correction that brought some of those hours along.
  void publish_touched(Site& site, Judge& judge, Offset offset, Outputs& out, const PastAmend* past = nullptr);
  void close_hours(Site& site, EventTime from, EventTime to, Judge& judge, Offset offset, Outputs& out);
  void settle(Site& site, Judge& judge);
  void publish_running(Site& site, EventTime open_from, Offset offset, Outputs& out);
  bool publish(Site& site, HourEntry& entry, Status status, Offset offset, Outputs& out);
  bool valid_so_far(const HourValue& value, EventTime start) const;
};

}  // namespace qc::core
