// The console's metrics. Lifecycle: made with the console. Threads: report() from one at a time.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>

#include "console/commands.h"
#include "console/follower.h"
#include "console/identity.h"
#include "console/model.h"
#include "console/stream.h"
#include "platform/web_server.h"

namespace qc::console {

struct ConsoleFigures {
  platform::WebCounts web;
  EventStreams::Figures streams;
  Feed::Figures feed;
  Identity::Counts identity;
  std::uint64_t records = 0;
  std::uint64_t records_refused = 0;
  std::size_t alerts = 0;
  std::size_t series = 0;
  std::size_t series_refused = 0;
  std::size_t commands_waiting = 0;
};

class ConsoleProbe {
 public:
  explicit ConsoleProbe(prometheus::Registry& registry);
  void report(const ConsoleFigures& now);

 private:
  struct Total {
    prometheus::Counter& counter;
    std::int64_t counted = 0;
  };
  static void grow(Total& total, std::uint64_t now);
  Total records_, refused_, requests_, web_refused_, malformed_, slow_, bytes_, delivered_, resets_, resumed_, dropped_,
      sign_ins_, failures_, lockouts_;
  prometheus::Gauge &connections_, &streams_, &alerts_, &series_, &series_refused_, &waiting_, &feed_changes_,
      &feed_bytes_, &accounts_, &sessions_;
};

}  // namespace qc::console
