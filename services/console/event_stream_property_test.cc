// Whatever happens, a client has exactly the log's sequence of each partition after its snapshot, and the state that it
// folds from snapshot and changes is the console's: changes, reads of any size, connections that break in the middle of
// an event, clients that come back with the last id, consoles that start again and read the partitions in another
// order.
#include <gtest/gtest.h>

#include <sstream>

#include "console/event_stream_testing.h"

namespace qc::console {
namespace {

using testing::Connection;
using testing::Console;
using testing::Event;
using testing::EventReader;
using testing::Written;

struct Times {
  std::uint64_t resumed = 0;
  std::uint64_t resets = 0;
  std::uint64_t changes = 0;
};

// Reads a stream, folds it, and checks that nothing comes twice and nothing is left out.
class FoldingClient {
 public:
  FoldingClient(Subjects subjects, Sight sight) : subjects_(std::move(subjects)), sight_(std::move(sight)) {}

  StreamAsked asked(int number) const {
    StreamAsked out;
    out.subjects = subjects_;
    out.sight = sight_;
    out.who.id = "client-" + std::to_string(number);
    out.last_event_id = reader_.last_id;
    return out;
  }
  void connect(Console& console, int number, std::size_t bytes_max) {
    const std::string id = reader_.last_id;
    reader_ = EventReader();  // half an event is thrown away
    reader_.last_id = id;
    connection_ = std::make_unique<Connection>(console.streams->open(asked_with(number, id)), bytes_max);
    if (id.empty()) live_ = false;
  }
  bool connected() const { return connection_ != nullptr; }
  void disconnect() { connection_.reset(); }

  void take(const std::vector<std::vector<Written>>& log, std::size_t bytes, Times& times) {
    for (const Event& event : reader_.take(connection_->take(bytes))) use(log, event, times);
    if (connection_->closed()) disconnect();  // its snapshot took too long
  }
  void expect_same(const Console& console) const {
    EXPECT_TRUE(live_);
    EXPECT_EQ(state_, console.read.seen_by(subjects_, sight_));
  }
  // Everything of the log that it sees was here.
  void expect_all(const std::vector<std::vector<Written>>& log, const Console& console) {
    for (std::size_t slot = 0; slot < log.size(); ++slot) {
      EXPECT_EQ(next_of(log[slot], expected_[slot]), nullptr) << "slot " << slot << " has more than was told";
    }
    expect_same(console);
  }

 private:
  StreamAsked asked_with(int number, const std::string& id) const {
    StreamAsked out = asked(number);
    out.last_event_id = id;
    return out;
  }
  bool sees(const Written& record) const {
    return record.shown && subjects_.contains(*subject_named(testing::kStreamSlots[record.slot].topic)) &&
           sight_.sees(record.region);
  }
  const Written* next_of(const std::vector<Written>& records, stream::Offset from) const {
    auto it =
        std::partition_point(records.begin(), records.end(), [from](const Written& w) { return w.offset < from; });
    it = std::find_if(it, records.end(), [this](const Written& w) { return sees(w); });
    return it == records.end() ? nullptr : &*it;
  }
  void use(const std::vector<std::vector<Written>>& log, const Event& event, Times& times) {
    if (event.event == "hello") {
      if (event.data.find("\"resumed\":true") != std::string::npos) ++times.resumed;
    } else if (event.event == "reset") {
      ++times.resets;
      live_ = false;
      EXPECT_EQ(event.id, "");
    } else if (event.event == "snapshot") {
      EXPECT_FALSE(live_);
      state_.clear();
    } else if (event.event == "live") {
      live_ = true;
      const auto positions = parse_positions(event.id, log.size());
      ASSERT_TRUE(positions) << event.id;
      expected_ = positions->next;
    } else {
      ASSERT_EQ(event.event, "alert");
      change(log, event, times);
    }
  }
  void change(const std::vector<std::vector<Written>>& log, const Event& event, Times& times) {
    std::istringstream words(event.data);
    std::size_t slot = 0;
    stream::Offset offset = 0;
    std::string key;
    words >> slot >> offset >> key;
    state_[key] = event.data;
    if (!live_) return;
    ++times.changes;
    const Written* due = next_of(log[slot], expected_[slot]);
    ASSERT_NE(due, nullptr) << event.data;
    ASSERT_EQ(due->offset, offset) << "slot " << slot << (offset < due->offset ? ": twice" : ": a gap");
    expected_[slot] = offset + 1;
  }

  const Subjects subjects_;
  const Sight sight_;
  EventReader reader_;
  std::unique_ptr<Connection> connection_;
  std::map<std::string, std::string> state_;
  std::vector<stream::Offset> expected_ = std::vector<stream::Offset>(testing::kStreamSlots.size());
  bool live_ = false;
};

class Room {
 public:
  Room(unsigned seed, FeedOptions feed, std::size_t window) : random_(seed), feed_(feed) {
    options_.window = window;
    log_.resize(testing::kStreamSlots.size());
    read_to_.resize(log_.size());
    restart();
    const std::vector<Subjects> subjects = {{Subject::Alerts},
                                            {Subject::Alerts, Subject::Means},
                                            {Subject::RegionMeans},
                                            {Subject::Alerts, Subject::Means, Subject::RegionMeans}};
    const std::vector<Sight> sights = {{true, {}}, {false, {"S"}}, {false, {"N", "W"}}};
    for (const Subjects& s : subjects) {
      for (const Sight& sight : sights) clients_.emplace_back(s, sight);
    }
  }
  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        write(below(6));
        break;
      case 3:
      case 4:
        read(below(8));
        break;
      case 5:
        console_->run_tasks();
        break;
      case 6:
      case 7:
      case 8: {
        FoldingClient& client = any();
        if (client.connected()) client.take(log_, 1 + below(1'500), times_);
        break;
      }
      case 9:
        connect(static_cast<std::size_t>(below(static_cast<int>(clients_.size()))));
        break;
      case 10:
        if (below(4) == 0) any().disconnect();
        break;
      default:
        if (below(60) == 0)
          restart();
        else
          console_->pass_time(std::chrono::milliseconds(below(6'000)));
    }
  }
  void finish() {
    read(1 << 20);
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      // One may be cut yet, and one may wait until others have their snapshot.
      for (int tries = 0; tries < 3; ++tries) {
        connect(i);
        console_->run_tasks();
        clients_[i].take(log_, 1 << 30, times_);
        console_->pass_time(std::chrono::milliseconds(1'000));
      }
      clients_[i].expect_all(log_, *console_);
    }
  }
  const Times& times() const { return times_; }

 private:
  std::size_t below(int n) {
    return std::uniform_int_distribution<std::size_t>(0, static_cast<std::size_t>(n - 1))(random_);
  }
  FoldingClient& any() { return clients_[below(static_cast<int>(clients_.size()))]; }
  void connect(std::size_t i) {
    if (!clients_[i].connected()) clients_[i].connect(*console_, static_cast<int>(i), 1 + below(600));
  }
  void write(std::size_t count) {
    static const std::vector<std::string> regions = {"N", "S", "W", "E"};
    for (std::size_t i = 0; i < count; ++i) {
      auto& records = log_[below(static_cast<int>(log_.size()))];
      const auto slot = static_cast<std::size_t>(&records - log_.data());
      const stream::Offset after = records.empty() ? 0 : records.back().offset + 1;
      const std::size_t key = below(12);
      records.push_back({slot, after + static_cast<stream::Offset>(below(4) == 0 ? below(5) : 0),
                         "k" + std::to_string(slot) + "-" + std::to_string(key), regions[key % regions.size()],
                         below(5) != 0});
      // The first of a slot stands at 0, as in a new log.
      if (records.size() == 1) records.back().offset = 0;
    }
  }
  bool read_one() {
    std::vector<std::size_t> more;
    for (std::size_t slot = 0; slot < log_.size(); ++slot) {
      if (read_to_[slot] < log_[slot].size()) more.push_back(slot);
    }
    if (more.empty()) return false;
    const std::size_t slot = more[below(static_cast<int>(more.size()))];
    console_->read.apply(log_[slot][read_to_[slot]++]);
    return true;
  }
  void read(std::size_t count) {
    for (std::size_t i = 0; i < count && read_one(); ++i) {
    }
    console_->read.feed.wake();
  }
  void restart() {
    for (FoldingClient& client : clients_) client.disconnect();
    console_ = std::make_unique<Console>(feed_, options_);
    std::fill(read_to_.begin(), read_to_.end(), 0);
    // It answers when it has read what was there.
    read(1 << 20);
  }

  std::mt19937 random_;
  const FeedOptions feed_;
  StreamOptions options_;
  std::vector<std::vector<Written>> log_;
  std::vector<std::size_t> read_to_;
  std::unique_ptr<Console> console_;
  std::vector<FoldingClient> clients_;
  Times times_;
};

Times live_through(unsigned seeds, FeedOptions feed, std::size_t window) {
  Times all;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Room room(seed, feed, window);
    for (int i = 0; i < 4'000; ++i) room.step();
    room.finish();
    all.resumed += room.times().resumed;
    all.resets += room.times().resets;
    all.changes += room.times().changes;
    if (::testing::Test::HasFailure()) break;
  }
  return all;
}

TEST(EventStreamProperty, NothingTwiceNothingLeftOutAndNoResetWhileTheFeedHasAll) {
  const Times times = live_through(20, {}, 16);
  EXPECT_EQ(times.resets, 0U);
  EXPECT_GT(times.resumed, 500U);
  EXPECT_GT(times.changes, 10'000U);
}

TEST(EventStreamProperty, WithASmallFeedThereAreResetsAndTheStateIsStillTheSame) {
  const Times times = live_through(20, {60, 1 << 20}, 16);
  EXPECT_GT(times.resets, 100U);
  EXPECT_GT(times.resumed, 50U);
  EXPECT_GT(times.changes, 5'000U);
}

}  // namespace
}  // namespace qc::console
