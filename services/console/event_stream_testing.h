// A control room for tests of the stream: a log of several partitions, the state that follows from it, a connection
// that asks its source as the web server does, and a client that reads what arrives, byte by byte.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "console/stream.h"

namespace qc::console::testing {

inline const Slots kStreamSlots = {{"alerts", 0}, {"alerts", 1}, {"means", 0}, {"region-means", 0}};

// One record: "SLOT OFFSET KEY" is its data and the state of its key.
struct Written {
  std::size_t slot = 0;
  stream::Offset offset = 0;
  std::string key;
  std::string region;
  bool shown = true;  // else it is passed over
  std::string data() const { return std::to_string(slot) + " " + std::to_string(offset) + " " + key; }
};

// What a process has read of the log, as Model has it.
class ReadState {
 public:
  explicit ReadState(FeedOptions options) : feed(options, kStreamSlots) {}
  void apply(const Written& record) {
    if (record.shown) {
      state[record.key] = record;
      feed.add({feed.subject_of(record.slot), record.slot, record.offset, record.region, "alert",
                std::make_shared<const std::string>(record.data())});
    }
    feed.pass(record.slot, record.offset);
  }
  // What these see of the state.
  std::map<std::string, std::string> seen_by(const Subjects& subjects, const Sight& sight) const {
    std::map<std::string, std::string> out;
    for (const auto& [key, record] : state) {
      if (subjects.contains(feed.subject_of(record.slot)) && sight.sees(record.region)) out[key] = record.data();
    }
    return out;
  }
  Snapshot snapshot(const Subjects& subjects, const Sight& sight) const {
    Snapshot out;
    for (const auto& [key, data] : seen_by(subjects, sight)) {
      out.frames.push_back(std::make_shared<const std::string>(frame_of({}, "alert", data)));
    }
    out.sequence = feed.end();
    out.id = text(feed.positions());
    return out;
  }
  Feed feed;
  std::map<std::string, Written> state;
};

struct Event {
  std::string id;  // of the reader after it
  std::string event;
  std::string data;
};

// What a browser does with the bytes: the last id, and what was dispatched.
class EventReader {
 public:
  std::vector<Event> take(const std::string& bytes) {
    std::vector<Event> out;
    buffer_ += bytes;
    std::size_t at = 0;
    for (std::size_t end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', at)) {
      line(buffer_.substr(at, end - at), out);
      at = end + 1;
    }
    buffer_.erase(0, at);
    return out;
  }
  std::string last_id;
  int comments = 0;

 private:
  void line(const std::string& text, std::vector<Event>& out) {
    if (text.empty()) {
      last_id = id_;
      if (has_data_) out.push_back({last_id, event_, data_});
      has_data_ = false;
      event_.clear();
      data_.clear();
      return;
    }
    const std::size_t colon = text.find(':');
    ASSERT_NE(colon, std::string::npos) << text;
    const std::string field = text.substr(0, colon);
    std::string value = text.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field.empty()) {
      ++comments;
    } else if (field == "id") {
      id_ = value;
    } else if (field == "event") {
      event_ = value;
    } else if (field == "data") {
      data_ = value;
      has_data_ = true;
    } else {
      ASSERT_EQ(field, "retry");
    }
  }
  std::string buffer_;
  std::string id_;
  std::string event_;
  std::string data_;
  bool has_data_ = false;
};

// A connection: next() is called only when all that it gave before was taken, and not before it was woken.
class Connection final : public platform::WebStream {
 public:
  explicit Connection(const platform::WebResponse& response, std::size_t bytes_max = 4096) : bytes_max_(bytes_max) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/event-stream");
    if (!response.stream) return;
    source_ = response.stream();
    source_->opened(*this);
  }
  void wake() override {
    ready_ = true;
    ++wakes;
  }
  void end() override {
    ended_ = true;
    ready_ = true;
  }
  void drain() { source_->draining(); }

  // The socket takes up to so many bytes; what the client gets. Empty: there is nothing.
  std::string take(std::size_t bytes = 1 << 30) {
    std::string out;
    while (out.size() < bytes) {
      if (waiting_.empty() && !ask()) break;
      const std::size_t part = std::min(bytes - out.size(), waiting_.size());
      out += waiting_.substr(0, part);
      waiting_.erase(0, part);
    }
    return out;
  }
  bool closed() const { return closed_; }
  int wakes = 0;

 private:
  bool ask() {
    if (!ready_ || closed_) return false;
    std::vector<std::shared_ptr<const std::string>> frames;
    source_->next(frames, bytes_max_);
    std::size_t bytes = 0;
    for (const auto& frame : frames) {
      EXPECT_LT(bytes, std::max(bytes_max_, std::size_t{1024})) << "more than was asked for";
      bytes += frame->size();
      waiting_ += *frame;
    }
    if (frames.empty()) {
      ready_ = false;
      closed_ = ended_;
    }
    return !frames.empty();
  }
  std::unique_ptr<platform::WebSource> source_;
  std::size_t bytes_max_;
  std::string waiting_;
  bool ready_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

// Streams over a state, with a socket thread and a clock that are the test's.
class Console {
 public:
  explicit Console(FeedOptions feed = {}, StreamOptions options = {}) : read(feed) {
    options.tick = std::chrono::milliseconds(0);
    options.now = [this] { return now; };
    streams = std::make_unique<EventStreams>(
        read.feed, [this](const Subjects& subjects, const Sight& sight) { return read.snapshot(subjects, sight); },
        options);
    streams->use([this](std::function<void()> task) { tasks.push_back(std::move(task)); });
  }
  void write(const Written& record) {
    read.apply(record);
    read.feed.wake();
  }
  void run_tasks() {
    while (!tasks.empty()) {
      const auto task = std::move(tasks.front());
      tasks.pop_front();
      task();
    }
  }
  void pass_time(std::chrono::milliseconds time) {
    now += time;
    streams->tick();
  }
  std::chrono::steady_clock::time_point now{};
  ReadState read;
  std::deque<std::function<void()>> tasks;
  std::unique_ptr<EventStreams> streams;
};

}  // namespace qc::console::testing
