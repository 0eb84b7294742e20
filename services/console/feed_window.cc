#include "console/feed_window.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace qc::console {

View::View(Subjects subjects_seen, Sight sight_seen)
    : subjects(std::move(subjects_seen)), sight(std::move(sight_seen)) {
  for (const Subject subject : subjects) mask |= 1U << static_cast<unsigned>(subject);
  key = std::to_string(mask);
  if (sight.everything) {
    key += '*';
    return;
  }
  for (const std::string& region : sight.regions) key.append("\n").append(region);
}

FeedWindow::FeedWindow(const Feed& feed, std::size_t capacity) : feed_(feed), items_(capacity) {
  QC_ASSERT(capacity > 0 && (capacity & (capacity - 1)) == 0);
  skip();
}

void FeedWindow::skip() {
  // What is kept here keeps frames alive that the feed may have let go.
  for (; first_ < end_; ++first_) items_[place(first_)].frame.reset();
  first_ = end_ = feed_.end();
}

bool FeedWindow::take() {
  const auto end = feed_.read(end_, [this](const Feed::Item& item) {
    items_[place(item.sequence)] = item;
    return true;
  });
  if (!end) {
    skip();
    return false;
  }
  end_ = *end;
  if (end_ - first_ > items_.size()) first_ = end_ - items_.size();
  return true;
}

Audience& FeedWindow::join(const std::shared_ptr<const View>& view) {
  auto& audience = audiences_[view->key];
  if (audience == nullptr) {
    audience = std::make_unique<Audience>(view);
    audience->visible.resize(items_.size());
    static_cast<void>(sees_since(*audience, first_));
  }
  ++audience->streams;
  return *audience;
}

void FeedWindow::leave(Audience& audience) {
  QC_ASSERT(audience.streams > 0);
  if (--audience.streams > 0) return;
  const std::string key = audience.view->key;
  audiences_.erase(key);
}

bool FeedWindow::sees_since(Audience& audience, std::uint64_t from) {
  // More came at once than is kept here: what is no longer here may have been for them.
  bool any = from < first_;
  for (std::uint64_t sequence = std::max(from, first_); sequence < end_; ++sequence) {
    const bool sees = audience.view->sees(at(sequence));
    audience.visible[place(sequence)] = sees ? 1 : 0;
    any = any || sees;
  }
  return any;
}

}  // namespace qc::console
