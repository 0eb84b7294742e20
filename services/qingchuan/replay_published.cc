#include "qingchuan/replay_published.h"

#include <array>

#include "stream/state_restore.h"

namespace qc::commands {
namespace {

constexpr std::size_t kRecordsOfPoll = 4096;
constexpr stream::Milliseconds kWait{100};

}  // namespace

Result<std::unique_ptr<PublishedStream>> PublishedStream::open(stream::Log& log, const stream::Stretch& of,
                                                               const Maker& by, const MadeBefore& before, Other other) {
  auto reader = stream::reader_of(log, {&of, 1});
  if (!reader) return tl::make_unexpected(reader.error());
  std::unique_ptr<PublishedStream> made(new PublishedStream(std::move(*reader), of, by, before, std::move(other)));
  made->ended_ = of.from >= of.until;
  return made;
}

Result<const Published*> PublishedStream::ahead(std::size_t places) {
  while (queue_.size() <= places && !ended_) {
    if (auto read = read_on(); !read) return tl::make_unexpected(read.error());
  }
  return places < queue_.size() ? &queue_[places] : nullptr;
}

Result<void> PublishedStream::read_on() {
  auto batch = std::make_shared<stream::Batch>();
  if (auto polled = reader_->poll(*batch, kRecordsOfPoll, kWait); !polled) return polled;
  for (const stream::Record& r : batch->records) {
    if (r.offset >= left_.until) {
      left_.from = left_.until;
      break;
    }
    left_.from = r.offset + 1;
    const auto made = made_of(r);
    if (made && made->by == by_) {
      if (before_.holds(*made)) {
        ++passed_over_;
        continue;
      }
      queue_.push_back({r, *made, batch});
    } else if (other_) {
      other_(r, made);
    }
  }
  ended_ = stream::reached(*reader_, left_.of, left_.from, left_.until, batch->records.empty());
  return {};
}

}  // namespace qc::commands
