#include "qingchuan/replay_published.h"

#include <algorithm>

namespace qc::commands {

Result<const Published*> PublishedStream::ahead(std::size_t places) {
  while (queue_.size() <= places) {
    const auto more = own_ ? read_own() : of_.read_on();
    if (!more) return tl::make_unexpected(more.error());
    if (!*more) break;
  }
  return places < queue_.size() ? &queue_[places] : nullptr;
}

void PublishedStream::add(const stream::Record& record, const Made& made, const std::shared_ptr<stream::Batch>& batch) {
  if (before_.holds(made)) {
    ++passed_over_;
  } else {
    queue_.push_back({record, made, batch});
  }
}

Result<bool> PublishedStream::read_own() {
  const auto batch = std::make_shared<stream::Batch>();
  const auto more = own_->next(*batch);
  if (!more || !*more) return more;
  for (const stream::Record& r : batch->records) {
    const auto made = made_of(r);
    if (made && made->by == by_) add(r, *made, batch);
  }
  return true;
}

Result<std::unique_ptr<PublishedPartition>> PublishedPartition::open(stream::Log& log, const stream::Stretch& of,
                                                                     Other other, std::stop_token stop,
                                                                     std::size_t waiting_max) {
  std::unique_ptr<PublishedPartition> made(
      new PublishedPartition(log, of, std::move(other), std::move(stop), waiting_max));
  auto reader = stream::StretchReader::open(log, of, made->stop_);
  if (!reader) return tl::make_unexpected(reader.error());
  made->reader_ = std::move(*reader);
  return made;
}

PublishedStream& PublishedPartition::add(const Maker& by, const MadeBefore& before) {
  streams_.push_back(std::unique_ptr<PublishedStream>(new PublishedStream(*this, by, before)));
  return *streams_.back();
}

PublishedStream* PublishedPartition::stream_of(const Maker& by) {
  for (const auto& s : streams_) {
    if (s->by_ == by) return s.get();
  }
  return nullptr;
}

// One that nothing waits in any more, or a new one.
const std::shared_ptr<stream::Batch>& PublishedPartition::free_batch() {
  for (const auto& b : batches_) {
    if (b.use_count() == 1) return b;
  }
  return batches_.emplace_back(std::make_shared<stream::Batch>());
}

Result<bool> PublishedPartition::read_on() {
  if (ended_) return false;
  const std::shared_ptr<stream::Batch> batch = free_batch();
  const auto more = reader_->next(*batch);
  if (!more) return more;
  ended_ = !*more;
  if (ended_) return false;
  for (const stream::Record& r : batch->records) {
    const auto made = made_of(r);
    PublishedStream* to = made ? stream_of(made->by) : nullptr;
    if (to == nullptr) {
      if (other_) other_(r, made);
    } else if (!to->own_) {
      to->add(r, *made, batch);
    }
  }
  if (auto done = let_go(); !done) return tl::make_unexpected(done.error());
  return true;
}

// Those that wait too far behind.
Result<void> PublishedPartition::let_go() {
  const stream::Offset next = reader_->position();
  for (const auto& s : streams_) {
    const Published* waits = s->waiting();
    if (s->own_ || waits == nullptr) continue;
    if (static_cast<std::size_t>(next - waits->record.offset) <= waiting_max_) continue;
    auto own = stream::StretchReader::open(log_, {stretch_.of, next, stretch_.until}, stop_);
    if (!own) return tl::make_unexpected(own.error());
    s->own_ = std::move(*own);
  }
  return {};
}

Result<PublishedStream*> PublishedPartition::first() {
  while (true) {
    PublishedStream* found = nullptr;
    for (const auto& s : streams_) {
      const Published* waits = s->waiting();
      if (waits == nullptr) continue;
      if (found == nullptr || waits->record.offset < found->waiting()->record.offset) found = s.get();
    }
    if (found != nullptr) return found;
    const auto more = read_on();
    if (!more) return tl::make_unexpected(more.error());
    if (*more) continue;
    // What those have left that read alone, one after the other.
    for (const auto& s : streams_) {
      if (!s->own_) continue;
      const auto head = s->ahead();
      if (!head) return tl::make_unexpected(head.error());
      if (*head != nullptr) return s.get();
    }
    return nullptr;
  }
}

}  // namespace qc::commands
