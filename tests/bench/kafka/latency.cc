#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>

#include "commands.h"
#include "event_tail.h"
#include "kafka_io.h"
#include "process.h"
#include "qingchuan/v1/alert.pb.h"
#include "qingchuan/v1/output.pb.h"
#include "wire/keys.h"

namespace qc::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLingerMs = 1;
constexpr int kPollMs = 10;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

using Times = std::vector<std::atomic<std::int64_t>>;

// When the exceedance of each site was sent, and when its signal, its alert and its event were read; 0: not yet. Sender
// and receivers are threads of one process, so all times are of one clock.
struct Episodes {
  explicit Episodes(int sites)
      : sent(static_cast<std::size_t>(sites)),
        received(static_cast<std::size_t>(sites)),
        alerted(static_cast<std::size_t>(sites)),
        shown(static_cast<std::size_t>(sites)),
        doubles(0) {}
  Times sent;
  Times received;
  Times alerted;
  Times shown;  // on the console's stream
  std::atomic<int> doubles;
};

// The site whose exceedance began with it; empty: nothing of the kind.
std::string_view began(const ::qingchuan::v1::SignalRecord& record) {
  if (!record.has_signal()) return {};
  const auto& s = record.signal();
  return s.rule() == "reading_over_limit" && s.reason() == "began" ? std::string_view(s.subject()) : "";
}

std::string_view began(const ::qingchuan::v1::AlertRecord& record) {
  if (!record.has_alert()) return {};
  const auto& a = record.alert();
  const bool begins = a.rule() == "reading_over_limit" && a.telling() == ::qingchuan::v1::TELLING_ALERT;
  return begins ? std::string_view(a.subject()) : "";
}

// The same of an event of the console's stream.
std::string began(std::string_view event, std::string_view data) {
  if (event != "alert") return {};
  const boost::json::value alert = boost::json::parse(boost::json::string_view(data.data(), data.size()));
  if (alert.at("rule") != "reading_over_limit" || alert.at("telling") != "alert") return {};
  return std::string(alert.at("subject").as_string());
}

void note(int site, std::int64_t at, Episodes& episodes, Times& received) {
  if (site < 0) return;
  const auto i = static_cast<std::size_t>(site);
  if (episodes.sent[i] == 0) return;  // from before this run
  if (received[i] != 0) {
    ++episodes.doubles;
  } else {
    received[i] = at;
  }
}

template <class Record>
void receive(Tail& tail, const Packets& packets, Episodes& episodes, Times& received, const std::stop_token& stop) {
  Record record;
  while (!stop.stop_requested()) {
    tail.poll(kPollMs, [&](std::string_view, std::string_view value) {
      const std::int64_t at = now_ns();
      if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) die("not " + record.GetTypeName());
      note(packets.site_number(began(record)), at, episodes, received);
    });
  }
}

// One packet after the other, site by site, minute by minute, at the wanted rate.
class Load {
 public:
  Load(Writer& writer, Packets& packets, Episodes& episodes, int first_minute)
      : writer_(writer), packets_(packets), episodes_(episodes), minute_(first_minute) {}

  // One exceedance in every partition: its signals say that the other side is there and has caught up.
  std::vector<int> knock() {
    begin_minute();
    std::vector<bool> done(static_cast<std::size_t>(packets_.plan().partitions));
    std::vector<int> sites;
    for (int s = 0; s < packets_.plan().sites; ++s) {
      const auto p = static_cast<std::size_t>(packets_.partition(s));
      if (done[p]) continue;
      done[p] = true;
      send(s, true);
      sites.push_back(s);
    }
    writer_.flush();
    ++minute_;
    return sites;
  }

  // The sites that exceeded, in order; returns how far behind it was at worst.
  std::chrono::nanoseconds run(double packets_per_s, double signals_per_s, double seconds, std::vector<int>& exceeded) {
    const auto began = Clock::now();
    const auto packets = static_cast<std::int64_t>(packets_per_s * seconds);
    std::chrono::nanoseconds behind{0};
    double due = 0;  // exceedances
    for (std::int64_t i = 0; i < packets; ++i) {
      const auto at =
          began + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(i) * 1e9 / packets_per_s));
      std::this_thread::sleep_until(at);
      behind = std::max<std::chrono::nanoseconds>(behind, Clock::now() - at);
      due += signals_per_s / packets_per_s;
      due -= next(due >= 1, exceeded) ? 1 : 0;
      writer_.serve();
    }
    return behind;
  }

 private:
  void begin_minute() {
    const std::string tick = wire::encode_tick(packets_.end_of(minute_));
    for (int p = 0; p < packets_.plan().partitions; ++p) writer_.write(p, wire::tick_key("", p), tick);
  }

  void send(int site, bool exceed) {
    const std::string packet = packets_.packet(site, minute_, exceed);
    const std::string key = wire::reading_key(packets_.site(site));
    if (exceed) episodes_.sent[static_cast<std::size_t>(site)] = now_ns();
    writer_.write(packets_.partition(site), key, packet);
  }

  bool next(bool exceed, std::vector<int>& exceeded) {
    if (site_ == 0) begin_minute();
    exceed = exceed && episodes_.sent[static_cast<std::size_t>(site_)] == 0;
    if (exceed) exceeded.push_back(site_);
    send(site_, exceed);
    if (++site_ == packets_.plan().sites) {
      site_ = 0;
      ++minute_;
    }
    return exceed;
  }

  Writer& writer_;
  Packets& packets_;
  Episodes& episodes_;
  int site_ = 0;
  int minute_ = 0;
};

// Nearest rank.
double percentile(const std::vector<double>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

void wait_for(const Times& received, const std::vector<int>& sites, int grace_s) {
  const auto until = Clock::now() + std::chrono::seconds(grace_s);
  for (const int s : sites) {
    while (received[static_cast<std::size_t>(s)] == 0) {
      if (Clock::now() > until) die("nothing of " + std::to_string(s) + " within " + std::to_string(grace_s) + " s");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

std::vector<double> sorted_ms(const std::vector<int>& sites, const Times& from, const Times& to) {
  std::vector<double> ms;
  for (const int s : sites) {
    const auto i = static_cast<std::size_t>(s);
    ms.push_back(static_cast<double>(to[i] - from[i]) / 1e6);
  }
  std::sort(ms.begin(), ms.end());
  return ms;
}

// Of the same exceedances: from the reading to what is called `name`, and from what came before it, `earlier`, on.
std::string figures(const std::vector<int>& sites, const char* name, const Times& sent, const Times& there,
                    const char* earlier, const Times& before) {
  const std::vector<double> whole = sorted_ms(sites, sent, there);
  const std::vector<double> after = sorted_ms(sites, before, there);
  char text[256];
  std::snprintf(text, sizeof text,
                ", \"%s_p50_ms\": %.2f, \"%s_p99_ms\": %.2f, \"%s_p999_ms\": %.2f, \"%s_max_ms\": %.2f, "
                "\"after_%s_p50_ms\": %.2f, \"after_%s_p99_ms\": %.2f",
                name, percentile(whole, 50), name, percentile(whole, 99), name, percentile(whole, 99.9), name,
                whole.back(), earlier, percentile(after, 50), earlier, percentile(after, 99));
  return text;
}

struct Cpu {
  double process = 0;
  double broker = 0;
  static Cpu now(const LatencyOptions& o) {
    return {o.pid == 0 ? 0 : cpu_seconds(o.pid), o.broker_pid == 0 ? 0 : cpu_seconds(o.broker_pid)};
  }
};

}  // namespace

int latency(const Broker& broker, const Plan& wanted, const LatencyOptions& o) {
  prctl(PR_SET_TIMERSLACK, 1);  // ns; the default of 50 us would show at the highest rate
  Writer writer(broker.brokers, broker.readings, kLingerMs);
  Plan plan = wanted;
  plan.partitions = partitions_of(broker.brokers, broker.readings);
  Packets packets(plan);
  Episodes episodes(plan.sites);
  Tail tail(broker.brokers, o.signals, Tail::From::End);
  std::jthread receiver([&](const std::stop_token& stop) {
    receive<::qingchuan::v1::SignalRecord>(tail, packets, episodes, episodes.received, stop);
  });
  std::unique_ptr<Tail> alerts_tail;
  std::jthread alerts_receiver;
  if (!o.alerts.empty()) {
    alerts_tail = std::make_unique<Tail>(broker.brokers, o.alerts, Tail::From::End);
    alerts_receiver = std::jthread([&](const std::stop_token& stop) {
      receive<::qingchuan::v1::AlertRecord>(*alerts_tail, packets, episodes, episodes.alerted, stop);
    });
  }
  std::unique_ptr<EventTail> events;
  std::jthread events_receiver;
  if (!o.console.empty()) {
    events = std::make_unique<EventTail>(o.console, o.token);
    events_receiver = std::jthread([&](const std::stop_token& stop) {
      events->run(stop, [&](std::string_view event, std::string_view data) {
        const std::int64_t at = now_ns();
        note(packets.site_number(began(event, data)), at, episodes, episodes.shown);
      });
    });
  }
  const Times& last = !o.console.empty() ? episodes.shown : o.alerts.empty() ? episodes.received : episodes.alerted;
  Load load(writer, packets, episodes, o.first_minute);
  wait_for(last, load.knock(), o.start_s);
  std::string rows;
  for (const int rate : o.rates) {
    const double packets_per_s = static_cast<double>(rate) / static_cast<double>(kFactors);
    std::vector<int> warm_up;
    load.run(packets_per_s, o.signals_per_s, o.warm_up_s, warm_up);
    const Cpu before = Cpu::now(o);
    std::vector<int> measured;
    const auto behind = load.run(packets_per_s, o.signals_per_s, o.seconds, measured);
    const Cpu after = Cpu::now(o);
    for (const auto* sites : {&warm_up, &measured}) {
      wait_for(episodes.received, *sites, o.grace_s);
      if (!o.alerts.empty()) wait_for(episodes.alerted, *sites, o.grace_s);
      wait_for(last, *sites, o.grace_s);
    }
    if (measured.empty()) die("no exceedance was sent: too few packets");
    const std::vector<double> ms = sorted_ms(measured, episodes.sent, episodes.received);
    char row[1024];
    std::snprintf(
        row, sizeof row,
        "%s{\"rate\": %d, \"signals\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"p999_ms\": %.2f, "
        "\"max_ms\": %.2f, \"cpu_s\": %.2f, \"broker_cpu_s\": %.2f, \"seconds\": %d, \"behind_ms\": %.1f%s}",
        rows.empty() ? "" : ", ", rate, ms.size(), percentile(ms, 50), percentile(ms, 99), percentile(ms, 99.9),
        ms.back(), after.process - before.process, after.broker - before.broker, o.seconds,
        std::chrono::duration<double, std::milli>(behind).count(),
        ((o.alerts.empty() ? ""
                           : figures(measured, "alert", episodes.sent, episodes.alerted, "signal", episodes.received)) +
         (o.console.empty() ? ""
                            : figures(measured, "event", episodes.sent, episodes.shown, "alert", episodes.alerted)))
            .c_str());
    rows += row;
  }
  writer.flush();
  receiver.request_stop();
  receiver.join();
  if (alerts_receiver.joinable()) {
    alerts_receiver.request_stop();
    alerts_receiver.join();
  }
  if (events_receiver.joinable()) {
    events_receiver.request_stop();
    events_receiver.join();
  }
  if (episodes.doubles > 0) die(std::to_string(episodes.doubles) + " signals, alerts or events came twice");
  std::printf("{\"rates\": [%s], \"peak_bytes\": %lld}\n", rows.c_str(),
              o.pid == 0 ? 0LL : static_cast<long long>(peak_memory_bytes(o.pid)));
  return 0;
}

}  // namespace qc::bench
