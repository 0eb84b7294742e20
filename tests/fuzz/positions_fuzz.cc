// Any text as a Last-Event-ID: what is read is written as the same text; and where it leads in a feed is a place from
// which every change that was not seen comes, and none else after what was passed over.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "console/feed.h"

namespace {

using namespace qc::console;

constexpr std::size_t kSlotsMax = 64;

Feed& small_feed() {
  static Feed feed({6, 1 << 20}, {{"alerts", 0}, {"means", 0}, {"region-means", 0}});
  if (feed.end() == 0) {
    const auto data = std::make_shared<const std::string>("{}");
    for (int i = 0; i < 9; ++i) {
      const auto slot = static_cast<std::size_t>(i % 3);
      feed.add({feed.subject_of(slot), slot, 10 + 2 * i, "A", "alert", data});
    }
  }
  return feed;
}

void check_resume(const Positions& seen, const Subjects& subjects) {
  const Feed& feed = small_feed();
  const Positions now = feed.positions();
  Feed::NoResume why{};
  const auto resume = feed.resume(seen, subjects, &why);
  bool ahead = false;
  for (std::size_t slot = 0; slot < seen.next.size(); ++slot) {
    ahead = ahead || (subjects.contains(feed.subject_of(slot)) && seen.next[slot] > now.next[slot]);
  }
  QC_ASSERT(ahead == (!resume && why == Feed::NoResume::Ahead));
  if (!resume) return;
  QC_ASSERT(resume->from >= feed.begin() && resume->from <= resume->end && resume->end == feed.end());
  feed.read(feed.begin(), [&](const Feed::Item& item) {
    const bool unseen = subjects.contains(item.subject) && item.offset >= seen.next[item.slot];
    QC_ASSERT(!unseen || item.sequence >= resume->from);
    if (item.sequence == resume->from) QC_ASSERT(unseen);
    return true;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text_given(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const std::size_t slots : {std::size_t{3}, data[0] % kSlotsMax}) {
    const auto positions = parse_positions(text_given, slots);
    if (!positions) continue;
    QC_ASSERT(positions->next.size() == slots && text(*positions) == text_given);
    for (const auto offset : positions->next) QC_ASSERT(offset >= 0);
    if (slots != 3) continue;
    check_resume(*positions, {Subject::Alerts});
    check_resume(*positions, {Subject::Means, Subject::RegionMeans});
    check_resume(*positions, {Subject::Alerts, Subject::Means, Subject::RegionMeans});
  }
  return 0;
}
