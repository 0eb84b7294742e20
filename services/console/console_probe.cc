#include "console/console_probe.h"

#include "platform/grow.h"

namespace qc::console {
namespace {

prometheus::Counter& console_counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Gauge& console_gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

ConsoleProbe::ConsoleProbe(prometheus::Registry& r)
    : records_{console_counter(r, "qingchuan_console_records_total", "Records of the log that were read.")},
      refused_{console_counter(r, "qingchuan_console_records_refused_total",
                               "Records that could not be read, and were passed over.")},
      requests_{console_counter(r, "qingchuan_console_requests_total", "Requests that arrived whole.")},
      web_refused_{
          console_counter(r, "qingchuan_console_refused_total", "Connections, streams and requests beyond a limit.")},
      malformed_{console_counter(r, "qingchuan_console_malformed_total",
                                 "Requests that are no HTTP, or ambiguous, or beyond a size.")},
      slow_{console_counter(r, "qingchuan_console_slow_clients_total", "Clients that were cut: they took nothing.")},
      bytes_{console_counter(r, "qingchuan_console_sent_bytes_total", "Bytes of answers and streams.")},
      delivered_{console_counter(r, "qingchuan_console_events_total", "Events sent to streams.")},
      resets_{console_counter(r, "qingchuan_console_stream_resets_total",
                              "Streams that began again with a snapshot: they were away or behind too long.")},
      resumed_{console_counter(r, "qingchuan_console_streams_resumed_total", "Streams that went on where they were.")},
      dropped_{console_counter(r, "qingchuan_console_feed_dropped_total", "Changes that left the feed's memory.")},
      sign_ins_{console_counter(r, "qingchuan_console_sign_ins_total", "Sign-ins that succeeded.")},
      failures_{
          console_counter(r, "qingchuan_console_sign_in_failures_total", "Sign-ins with a wrong name or password.")},
      lockouts_{console_counter(r, "qingchuan_console_lockouts_total", "Times that an account or a peer was locked.")},
      connections_(console_gauge(r, "qingchuan_console_connections", "Open connections, streams included.")),
      streams_(console_gauge(r, "qingchuan_console_streams", "Open streams.")),
      alerts_(console_gauge(r, "qingchuan_console_alerts", "Alerts in memory, listed or over.")),
      series_(console_gauge(r, "qingchuan_console_series", "Series of means in memory.")),
      series_refused_(console_gauge(r, "qingchuan_console_series_refused", "Series beyond the limit series_max.")),
      waiting_(console_gauge(r, "qingchuan_console_commands_waiting", "Commands that wait for their outcome.")),
      feed_changes_(console_gauge(r, "qingchuan_console_feed_changes", "Changes that a stream can resume over.")),
      feed_bytes_(console_gauge(r, "qingchuan_console_feed_bytes", "Bytes of those.")),
      accounts_(console_gauge(r, "qingchuan_console_accounts", "Accounts.")),
      sessions_(console_gauge(r, "qingchuan_console_sessions", "Sessions that are open.")) {}

void ConsoleProbe::grow(Total& total, std::uint64_t now) {
  platform::grow(total.counter, total.counted, static_cast<std::int64_t>(now));
}

void ConsoleProbe::report(const ConsoleFigures& now) {
  grow(records_, now.records);
  grow(refused_, now.records_refused);
  grow(requests_, now.web.requests);
  grow(web_refused_, now.web.refused_connections + now.web.refused_requests);
  grow(malformed_, now.web.malformed);
  grow(slow_, now.web.slow_clients);
  grow(bytes_, now.web.bytes_sent);
  grow(delivered_, now.streams.delivered);
  grow(resets_, now.streams.resets);
  grow(resumed_, now.streams.resumed);
  grow(dropped_, now.feed.dropped);
  grow(sign_ins_, now.identity.sign_ins);
  grow(failures_, now.identity.failures);
  grow(lockouts_, now.identity.lockouts);
  const auto set = [](prometheus::Gauge& gauge, auto value) { gauge.Set(static_cast<double>(value)); };
  set(connections_, now.web.connections_open);
  set(streams_, now.web.streams_open);
  set(alerts_, now.alerts);
  set(series_, now.series);
  set(series_refused_, now.series_refused);
  set(waiting_, now.commands_waiting);
  set(feed_changes_, now.feed.changes);
  set(feed_bytes_, now.feed.bytes);
  set(accounts_, now.identity.accounts);
  set(sessions_, now.identity.sessions);
}

}  // namespace qc::console
