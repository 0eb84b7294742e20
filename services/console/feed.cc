#include "console/feed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"

namespace qc::console {
namespace {

constexpr std::array<std::string_view, kSubjects> kSubjectNames = {"alerts", "means", "region-means"};
constexpr std::string_view kIdField = "id: ";
// The string and its shared count beside the frame's bytes.
constexpr std::size_t kFrameOverhead = 64;

std::size_t cost_of(const Feed::Item& item) {
  return item.frame->size() + sizeof(Feed::Item) + kFrameOverhead;
}

bool one_line(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace

std::string_view name(Subject subject) {
  return kSubjectNames.at(static_cast<std::size_t>(subject));
}

std::optional<Subject> subject_named(std::string_view text) {
  const auto found = std::find(kSubjectNames.begin(), kSubjectNames.end(), text);
  if (found == kSubjectNames.end()) return std::nullopt;
  return static_cast<Subject>(found - kSubjectNames.begin());
}

std::string frame_of(std::string_view id, std::string_view event, std::string_view data) {
  QC_ASSERT(one_line(id) && one_line(event) && one_line(data));
  std::string out;
  out.reserve(id.size() + event.size() + data.size() + 24);
  if (!id.empty()) out.append(kIdField).append(id).append("\n");
  out.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
  return out;
}

std::string_view id_of(std::string_view frame) {
  if (!frame.starts_with(kIdField)) return {};
  frame.remove_prefix(kIdField.size());
  return frame.substr(0, frame.find('\n'));
}

Feed::Feed(FeedOptions options, Slots slots) : options_(options), slots_(std::move(slots)) {
  for (const stream::TopicPartition& tp : slots_) {
    const auto subject = subject_named(tp.topic);
    QC_ASSERT(subject.has_value());
    subject_of_.push_back(*subject);
  }
  of_slot_.resize(slots_.size());
  next_.next.resize(slots_.size());
  kept_.next.resize(slots_.size());
  begun_.resize(slots_.size());
}

void Feed::moved(std::size_t slot, stream::Offset offset) {
  // What stood before the first record that is here may be gone from the log: who has not seen that begins anew.
  if (!begun_[slot]) kept_.next[slot] = offset;
  begun_[slot] = true;
  next_.next[slot] = offset + 1;
}

void Feed::add(Change change) {
  QC_ASSERT(change.slot < slots_.size() && change.offset >= next_.next[change.slot]);
  QC_ASSERT(subject_of_[change.slot] == change.subject && change.data != nullptr);
  Positions after = next_;
  after.next[change.slot] = change.offset + 1;
  auto frame = std::make_shared<const std::string>(frame_of(text(after), change.event, *change.data));

  const std::lock_guard lock(mutex_);
  moved(change.slot, change.offset);
  const std::uint64_t sequence = first_ + items_.size();
  items_.push_back({sequence, change.subject, change.slot, change.offset, std::move(change.region), std::move(frame)});
  of_slot_[change.slot].push_back(sequence);
  bytes_ += cost_of(items_.back());
  trim();
}

void Feed::trim() {
  while (!items_.empty() && (items_.size() > options_.changes_max || bytes_ > options_.bytes_max)) {
    const Item& oldest = items_.front();
    kept_.next[oldest.slot] = oldest.offset + 1;
    of_slot_[oldest.slot].pop_front();
    bytes_ -= cost_of(oldest);
    items_.pop_front();
    ++first_;
    ++dropped_;
  }
}

void Feed::pass(std::size_t slot, stream::Offset offset) {
  QC_ASSERT(slot < slots_.size());
  if (offset < next_.next[slot]) return;
  const std::lock_guard lock(mutex_);
  moved(slot, offset);
}

std::uint64_t Feed::begin() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

std::uint64_t Feed::end() const {
  const std::lock_guard lock(mutex_);
  return first_ + items_.size();
}

Positions Feed::positions() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

std::optional<std::uint64_t> Feed::read(std::uint64_t from, const std::function<bool(const Item&)>& use) const {
  const std::lock_guard lock(mutex_);
  if (from < first_) return std::nullopt;
  const std::uint64_t end = first_ + items_.size();
  while (from < end) {
    const Item& item = items_[static_cast<std::size_t>(from - first_)];
    ++from;
    if (!use(item)) break;
  }
  return from;
}

std::optional<Feed::Resume> Feed::resume(const Positions& seen, const Subjects& subjects, NoResume* why) const {
  QC_ASSERT(seen.next.size() == slots_.size());
  const auto refuse = [why](NoResume reason) {
    if (why != nullptr) *why = reason;
    return std::nullopt;
  };
  const std::lock_guard lock(mutex_);
  const std::uint64_t end = first_ + items_.size();
  Resume found{end, end};
  bool too_old = false;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!subjects.contains(subject_of_[slot])) continue;
    const stream::Offset offset = seen.next[slot];
    if (offset > next_.next[slot]) return refuse(NoResume::Ahead);
    too_old = too_old || offset < kept_.next[slot];
    const auto& sequences = of_slot_[slot];
    const auto unseen = std::partition_point(sequences.begin(), sequences.end(), [&](std::uint64_t sequence) {
      return items_[static_cast<std::size_t>(sequence - first_)].offset < offset;
    });
    if (unseen != sequences.end()) found.from = std::min(found.from, *unseen);
  }
  if (too_old) return refuse(NoResume::TooOld);
  return found;
}

void Feed::on_change(std::function<void()> wake) {
  auto shared = std::make_shared<const std::function<void()>>(std::move(wake));
  const std::lock_guard lock(mutex_);
  wake_ = std::move(shared);
}

void Feed::wake() const {
  std::shared_ptr<const std::function<void()>> wake;
  {
    const std::lock_guard lock(mutex_);
    wake = wake_;
  }
  if (wake != nullptr && *wake) (*wake)();
}

Feed::Figures Feed::figures() const {
  const std::lock_guard lock(mutex_);
  return {items_.size(), bytes_, dropped_};
}

}  // namespace qc::console
