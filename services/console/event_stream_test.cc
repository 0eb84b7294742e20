#include <gtest/gtest.h>

#include "console/event_stream_testing.h"

namespace qc::console {
namespace {

using std::chrono::milliseconds;
using testing::Connection;
using testing::Console;
using testing::Event;
using testing::EventReader;

const Subjects kEverything = {Subject::Alerts, Subject::Means, Subject::RegionMeans};

StreamAsked everything(std::string last_event_id = {}) {
  StreamAsked asked;
  asked.subjects = kEverything;
  asked.last_event_id = std::move(last_event_id);
  asked.who.id = "session-1";
  asked.sight.everything = true;
  return asked;
}

testing::Written alert(stream::Offset offset, std::string region = "A", std::size_t slot = 0) {
  return {slot, offset, "key-" + std::to_string(slot) + "-" + std::to_string(offset), std::move(region), true};
}

std::vector<std::string> names(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const Event& event : events) out.push_back(event.event);
  return out;
}
using Names = std::vector<std::string>;

TEST(EventStream, BeginsWithASnapshotAndGoesOnWithChanges) {
  Console console;
  console.write(alert(0));
  console.write(alert(1));
  Connection connection(console.streams->open(everything()));
  EXPECT_EQ(connection.take(),
            "retry: 2000\nevent: hello\n"
            "data: {\"subjects\":[\"alerts\",\"means\",\"region-means\"],\"heartbeat_ms\":15000,\"resumed\":false}\n\n"
            "event: snapshot\ndata: {\"count\":2}\n\n"
            "event: alert\ndata: 0 0 key-0-0\n\nevent: alert\ndata: 0 1 key-0-1\n\n"
            "id: 1.2.0.0.0\nevent: live\ndata: {}\n\n");
  console.run_tasks();
  EXPECT_EQ(connection.take(), "");
  console.write(alert(2));
  EXPECT_EQ(connection.take(), "");  // the socket thread has not heard of it
  console.run_tasks();
  EXPECT_EQ(connection.take(), "id: 1.3.0.0.0\nevent: alert\ndata: 0 2 key-0-2\n\n");
  const auto figures = console.streams->figures();
  EXPECT_EQ(figures.open, 1U);
  EXPECT_EQ(figures.snapshots, 1U);
  EXPECT_EQ(figures.delivered, 6U);
}

TEST(EventStream, ChangesWhileTheSnapshotIsSentComeAfterIt) {
  Console console;
  for (int i = 0; i < 50; ++i) console.write(alert(i));
  Connection connection(console.streams->open(everything()), 64);
  EventReader reader;
  auto events = reader.take(connection.take(300));
  console.write(alert(50));
  console.run_tasks();
  for (const Event& event : reader.take(connection.take())) events.push_back(event);
  ASSERT_EQ(events.size(), 2U + 50 + 1 + 1);
  EXPECT_EQ(events[52].event, "live");
  EXPECT_EQ(events[52].id, "1.50.0.0.0");
  EXPECT_EQ(events[53].data, "0 50 key-0-50");
}

TEST(EventStream, ComesBackWhereItWas) {
  Console console;
  for (int i = 0; i < 5; ++i) console.write(alert(i));
  Connection connection(console.streams->open(everything("1.3.0.0.0")));
  EventReader reader;
  const auto events = reader.take(connection.take());
  EXPECT_EQ(names(events), (Names{"hello", "alert", "alert"}));
  EXPECT_NE(events[0].data.find("\"resumed\":true"), std::string::npos);
  EXPECT_EQ(events[0].id, "1.3.0.0.0");  // a parser begins with an empty one
  EXPECT_EQ(events[1].data, "0 3 key-0-3");
  EXPECT_EQ(console.streams->figures().resumed, 1U);
}

// The process before had read slot 1 later: the ids here are behind what the client has seen of slot 0.
TEST(EventStream, AnIdIsNeverBehindWhatTheClientHasSeen) {
  Console console;
  console.write(alert(0, "A", 1));
  console.write(alert(0));
  console.write(alert(1));
  EventReader reader;
  {
    Connection connection(console.streams->open(everything("1.2.0.0.0")));
    const auto events = reader.take(connection.take());
    ASSERT_EQ(names(events), (Names{"hello", "alert"}));
    EXPECT_EQ(events[1].data, "1 0 key-1-0");
    EXPECT_EQ(events[1].id, "1.2.1.0.0");
  }
  Connection again(console.streams->open(everything(reader.last_id)));
  EXPECT_EQ(names(reader.take(again.take())), (Names{"hello"}));
}

TEST(EventStream, WhoCannotGoOnIsResetAndItsIdIsVoid) {
  Console console({3, 1 << 20});
  for (int i = 0; i < 10; ++i) console.write(alert(i));
  const auto reason_of = [&](const std::string& id) {
    Connection connection(console.streams->open(everything(id)));
    EventReader reader;
    const std::string bytes = connection.take();
    EXPECT_NE(bytes.find("id:\nevent: reset\n"), std::string::npos);
    const auto events = reader.take(bytes);
    EXPECT_EQ(names(events).size(), 3U + 10 + 1);
    EXPECT_EQ(events[1].id, "");
    EXPECT_EQ(events.back().event, "live");
    return events[1].data;
  };
  EXPECT_EQ(reason_of("1.6.0.0.0"), "{\"reason\":\"too_old\"}");
  EXPECT_EQ(reason_of("1.11.0.0.0"), "{\"reason\":\"ahead\"}");
  EXPECT_EQ(reason_of("4711"), "{\"reason\":\"unknown_id\"}");
  EXPECT_EQ(reason_of("1.7.0.0"), "{\"reason\":\"unknown_id\"}");
  EXPECT_EQ(console.streams->figures().resets, 4U);
}

TEST(EventStream, WhoIsTooSlowBeginsAgainAndCostsNothing) {
  StreamOptions options;
  options.window = 4;
  Console console({8, 1 << 20}, options);
  Connection slow(console.streams->open(everything()), 1);
  EventReader reader;
  EXPECT_EQ(names(reader.take(slow.take())), (Names{"hello", "snapshot", "live"}));
  console.write(alert(0));
  console.run_tasks();
  static_cast<void>(reader.take(slow.take(10)));  // the socket is full in the middle of it
  for (int i = 1; i < 40; ++i) {
    console.write(alert(i));
    console.run_tasks();
  }
  const auto events = reader.take(slow.take());
  ASSERT_EQ(events.size(), 1U + 2 + 40 + 1);
  EXPECT_EQ(events[0].data, "0 0 key-0-0");  // whole
  EXPECT_EQ(events[1].data, "{\"reason\":\"behind\"}");
  EXPECT_EQ(reader.last_id, "1.40.0.0.0");
}

TEST(EventStream, SeesOnlyItsSubjectsAndRegionsAndIsNotWokenForOthers) {
  Console console;
  StreamAsked asked = everything();
  asked.subjects = {Subject::Alerts};
  asked.sight = {false, {"S"}};
  Connection connection(console.streams->open(asked));
  static_cast<void>(connection.take());
  const int woken = connection.wakes;
  console.write(alert(0, "N"));
  console.write(alert(0, "S", 2));
  console.run_tasks();
  EXPECT_EQ(connection.wakes, woken);
  console.write(alert(1, "S"));
  console.run_tasks();
  EXPECT_EQ(connection.wakes, woken + 1);
  EXPECT_EQ(connection.take(), "id: 1.2.0.1.0\nevent: alert\ndata: 0 1 key-0-1\n\n");
}

TEST(EventStream, ManyChangesAreOneTaskOfTheSocketThread) {
  Console console;
  Connection connection(console.streams->open(everything()));
  static_cast<void>(connection.take());
  for (int i = 0; i < 100; ++i) console.write(alert(i));
  EXPECT_EQ(console.tasks.size(), 1U);
  console.run_tasks();
  EventReader reader;
  EXPECT_EQ(reader.take(connection.take()).size(), 100U);
}

TEST(EventStream, SignOfLifeCarriesTheLatestIdOfWhatWasNotForIt) {
  Console console;
  StreamAsked asked = everything();
  asked.sight = {false, {"S"}};
  Connection connection(console.streams->open(asked));
  EventReader reader;
  static_cast<void>(reader.take(connection.take()));
  console.write(alert(0, "N"));
  console.run_tasks();
  console.pass_time(milliseconds(14'999));
  EXPECT_EQ(connection.take(), "");
  console.pass_time(milliseconds(1));
  EXPECT_EQ(reader.take(connection.take()).size(), 0U);
  EXPECT_EQ(reader.comments, 1);
  EXPECT_EQ(reader.last_id, "1.1.0.0.0");
  console.pass_time(milliseconds(14'999));
  EXPECT_EQ(connection.take(), "");
  console.write(alert(1, "S"));
  console.run_tasks();
  EXPECT_NE(connection.take(), "");
  console.pass_time(milliseconds(1));
  EXPECT_EQ(connection.take(), "");  // something else was said meanwhile
}

TEST(EventStream, SignOfLifeIsNeverBehindTheSnapshot) {
  Console console;
  Connection other(console.streams->open(everything()));
  static_cast<void>(other.take());
  console.write(alert(0));
  console.run_tasks();
  console.write(alert(1));  // the socket thread has not heard of this one, but the snapshot has it
  console.pass_time(milliseconds(2'000));
  Connection connection(console.streams->open(everything()));
  EventReader reader;
  static_cast<void>(reader.take(connection.take()));
  EXPECT_EQ(reader.last_id, "1.2.0.0.0");
  console.pass_time(milliseconds(15'000));
  EXPECT_EQ(connection.take(), ": \n\n");
  console.run_tasks();
  EXPECT_EQ(connection.take(), "");
}

TEST(EventStream, EndsWithTheSessionAndWithItsRights) {
  Console console;
  std::optional<Sight> sight = Sight{true, {}};
  StreamAsked asked = everything();
  asked.still = [&] { return sight; };
  Connection one(console.streams->open(asked));
  static_cast<void>(one.take());
  console.pass_time(milliseconds(5'000));
  EXPECT_EQ(one.take(), "");
  sight = Sight{false, {"S"}};
  console.pass_time(milliseconds(4'999));
  EXPECT_EQ(one.take(), "");
  console.pass_time(milliseconds(1));
  EXPECT_EQ(one.take(), "id:\nevent: bye\ndata: {\"reason\":\"rights\"}\n\n");
  EXPECT_TRUE(one.closed());

  sight = asked.sight;
  Connection two(console.streams->open(asked));
  static_cast<void>(two.take());
  sight.reset();
  console.pass_time(milliseconds(5'000));
  console.write(alert(0));
  console.run_tasks();
  EXPECT_EQ(two.take(), "id:\nevent: bye\ndata: {\"reason\":\"signed_out\"}\n\n");
  EXPECT_TRUE(two.closed());
}

TEST(EventStream, SaysGoodbyeWhenTheServerStops) {
  Console console;
  Connection connection(console.streams->open(everything()));
  static_cast<void>(connection.take());
  connection.drain();
  const std::string bytes = connection.take();
  EXPECT_EQ(bytes.find("retry: "), 0U);
  EXPECT_NE(bytes.find("event: bye\ndata: {\"reason\":\"stopping\"}\n\n"), std::string::npos);
  EXPECT_EQ(bytes.find("id:"), std::string::npos);  // what it has seen holds
  EXPECT_TRUE(connection.closed());
}

TEST(EventStream, StreamsOfOnePrincipalAreBounded) {
  StreamOptions options;
  options.per_principal_max = 2;
  Console console({}, options);
  auto one = std::make_unique<Connection>(console.streams->open(everything()));
  const auto never_streamed = std::make_unique<platform::WebResponse>(console.streams->open(everything()));
  const platform::WebResponse refused = console.streams->open(everything());
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(refused.stream);
  EXPECT_EQ(console.streams->figures().refused, 1U);
  StreamAsked other = everything();
  other.who.id = "session-2";
  EXPECT_EQ(console.streams->open(other).status, 200);
  one.reset();
  EXPECT_EQ(console.streams->open(everything()).status, 200);
}

TEST(EventStream, SnapshotsThatAreSentAtATimeAreBounded) {
  StreamOptions options;
  options.snapshots_max = 1;
  Console console({}, options);
  for (int i = 0; i < 20; ++i) console.write(alert(i));
  Connection slow(console.streams->open(everything()), 64);
  static_cast<void>(slow.take(300));
  console.pass_time(milliseconds(2'000));
  Connection waits(console.streams->open(everything()));
  EventReader reader;
  EXPECT_EQ(names(reader.take(waits.take())), (Names{"hello"}));
  console.pass_time(milliseconds(15'000));
  EXPECT_EQ(waits.take(), ": \n\n");
  // Who does not take its snapshot within the time is cut, and others have theirs.
  console.pass_time(milliseconds(110'000));
  EXPECT_EQ(slow.take().find("event: live"), std::string::npos);
  EXPECT_TRUE(slow.closed());
  console.pass_time(milliseconds(500));
  const auto events = reader.take(waits.take());
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().event, "live");
}

TEST(EventStream, AfterClosingNothingIsPosted) {
  Console console;
  console.streams->close();
  console.write(alert(0));
  EXPECT_TRUE(console.tasks.empty());
}

TEST(EventStream, TicksByItself) {
  Feed feed({}, testing::kStreamSlots);
  StreamOptions options;
  options.tick = milliseconds(1);
  EventStreams streams(
      feed, [](const Subjects&, const Sight&) { return Snapshot{}; }, options);
  std::mutex mutex;
  std::condition_variable ticked;
  int ticks = 0;
  streams.use([&](const std::function<void()>& task) {
    task();
    const std::lock_guard lock(mutex);
    ++ticks;
    ticked.notify_all();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(ticked.wait_for(lock, std::chrono::seconds(20), [&] { return ticks >= 3; }));
  lock.unlock();
  streams.close();
}

}  // namespace
}  // namespace qc::console
