// The reading stage's state as keyed bytes, and what others may see of it.
#include <algorithm>

#include "core/reading_stage_impl.h"
#include "core/site_state.h"

namespace qc::core {
namespace {

// "P" is the partition; sites have the other letters.
constexpr char kPartitionKey = 'P';
constexpr SiteKeys kSiteKeys{'S', 'H', 'D', 'M'};

}  // namespace

// ---- state ----------------------------------------------------------------------------------------------------------

// Format 1 of the partition: version, rules, timeline, now, frontier, the ledger.
void ReadingStage::save_changed(const Put& put) {
  Impl& s = *impl_;
  std::string bytes;
  if (s.dirty) {
    ByteWriter w(bytes);
    w.u8(kStateVersion);
    w.text(s.rules_hash);
    w.u8(static_cast<std::uint8_t>(s.timeline));
    w.u8(s.now == EventTime::min() ? 0 : 1);
    if (s.now != EventTime::min()) {
      w.time(s.now);
      w.time(s.frontier);
    }
    w.i64(s.ledger.in);
    for (const std::int64_t n : s.ledger.accounts) w.i64(n);
    for (const std::int64_t n : s.ledger.malformed) w.i64(n);
    put(std::string_view(&kPartitionKey, 1), bytes);
    s.dirty = false;
  }
  // Which site was touched first depends on when the last save was: the order of saving must not.
  std::sort(s.to_save.begin(), s.to_save.end(), [](const Site* a, const Site* b) { return a->info.id < b->info.id; });
  for (Site* site : s.to_save) {
    site->queued = false;
    site->cursor.marked = false;
    save_site(*site, kSiteKeys, put);
  }
  s.to_save.clear();
}

bool ReadingStage::load(std::string_view key, std::string_view bytes) {
  Impl& s = *impl_;
  if (key.empty()) return false;
  if (key[0] == kPartitionKey) {
    ByteReader in(bytes);
    if (in.u8() != kStateVersion) return false;
    s.rules_hash = in.text();
    s.timeline = static_cast<Timeline>(in.u64_to(static_cast<std::uint64_t>(Timeline::Fed)));
    if (in.flag()) {
      s.now = in.time();
      s.frontier = in.time();
      if (s.frontier > s.now || hour_of(s.frontier) != s.frontier) return false;
    }
    constexpr std::int64_t kCountMax = std::int64_t{1} << 56;  // sums of them stay numbers
    s.ledger.in = in.i64_in(0, kCountMax);
    for (std::int64_t& n : s.ledger.accounts) n = in.i64_in(0, kCountMax);
    for (std::int64_t& n : s.ledger.malformed) n = in.i64_in(0, kCountMax);
    return in.done() && s.ledger.balanced();
  }
  const auto site_named = [&s](std::string_view id) -> Site& {
    if (Site* known = s.by_id.find(id)) return *known;
    SiteInfo info;
    info.id = id;
    return s.make(info);
  };
  return load_site(kSiteKeys, key, bytes, site_named) == SiteLoaded::Done;
}

// ---- another log's offsets ------------------------------------------------------------------------------------------

void ReadingStage::renumber(const std::function<Offset(Offset)>& first) {
  for (Site& site : impl_->sites) {
    renumber_site(site, first);
    impl_->save_later(site);
  }
}

// ---- looking in -----------------------------------------------------------------------------------------------------

EventTime ReadingStage::now() const {
  return impl_->now;
}
Timeline ReadingStage::timeline() const {
  return impl_->timeline;
}
const std::string& ReadingStage::rules_hash() const {
  return impl_->rules_hash;
}
const Ledger& ReadingStage::ledger() const {
  return impl_->ledger;
}
std::size_t ReadingStage::sites() const {
  return impl_->sites.size();
}

std::size_t ReadingStage::series() const {
  std::size_t n = 0;
  for (const Site* site : impl_->ordered) n += site->series.size();
  return n;
}

std::size_t ReadingStage::bytes() const {
  std::size_t n = sizeof(Impl);
  for (const Site* site : impl_->ordered) n += site->bytes() + sizeof(void*) * 4;
  return n;
}

void ReadingStage::for_each_last_hour(const std::function<void(const LastHour&)>& visit) const {
  for (const Site* site : impl_->ordered) {
    for (auto e = site->hours.rbegin(); e != site->hours.rend(); ++e) {
      if (!e->closed) continue;
      for (std::size_t c = 0; c < site->series.size(); ++c) {
        const SeriesResult r = e->result(c);
        if (r.revision == 0) continue;
        visit({site->info.id, site->info.region, site->series[c].factor, r.value.mean(), r.value.valid,
               e->start + kHour});
      }
      const IndexOutcome index = e->index();
      if (index.value >= 0) {
        visit({site->info.id, site->info.region, Factor::AQI, {index.value * kMillion}, true, e->start + kHour});
      }
      break;
    }
  }
}

}  // namespace qc::core
