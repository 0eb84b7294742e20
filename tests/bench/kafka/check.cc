#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "commands.h"
#include "kafka_io.h"
#include "qingchuan/v1/output.pb.h"

namespace qc::bench {
namespace {

namespace v1 = ::qingchuan::v1;
constexpr int kPollMs = 500;
constexpr int kValidMinutes = 45;  // GB 3095, table 4
constexpr int kSayMax = 10;
constexpr core::Duration kHour = std::chrono::hours(1);

class Checker {
 public:
  Checker(Packets& packets, const CheckOptions& options) : packets_(packets), options_(options) {}

  void means(const std::string& brokers);
  void signals(const std::string& brokers);
  int report() const;

 private:
  void mean(const v1::Mean& m);
  void wrong(const std::string& what) {
    if (++wrong_ <= kSayMax) std::fprintf(stderr, "kafka_load: %s\n", what.c_str());
  }

  Packets& packets_;
  const CheckOptions& options_;
  // (site, factor, hour): seen
  std::vector<bool> seen_;
  std::int64_t means_ = 0;
  std::int64_t mean_records_ = 0;
  std::int64_t changes_ = 0;
  std::int64_t signal_records_ = 0;
  std::int64_t wrong_ = 0;
};

void Checker::mean(const v1::Mean& m) {
  if (m.window() != v1::H1 || m.status() != v1::CLOSED || m.count() == 0 || m.factor() >= v1::AQI) return;
  const int s = packets_.site_number(m.site());
  std::size_t f = 0;
  while (f < kFactors && static_cast<int>(factor_at(f)) != static_cast<int>(m.factor())) ++f;
  const auto hour = (m.start_ms() - core::ms(packets_.plan().start)) / kHour.count();
  const std::string what = m.site() + " " + v1::Factor_Name(m.factor()) + " hour " + std::to_string(hour);
  if (s < 0 || f == kFactors || hour < 0 || hour >= options_.minutes / 60) return wrong("not expected: " + what);
  const auto i =
      (static_cast<std::size_t>(hour) * static_cast<std::size_t>(packets_.plan().sites) + static_cast<std::size_t>(s)) *
          kFactors +
      f;
  if (seen_[i]) return wrong("twice: " + what);
  seen_[i] = true;
  ++means_;
  const core::Sums sums = packets_.hour(s, f, static_cast<int>(hour), options_.minutes);
  const bool same = m.sum() == sums.sum_pg && m.count() == sums.count && m.min() == sums.min_pg &&
                    m.max() == sums.max_pg && m.value() == core::divide_half_even(sums.sum_pg, sums.count) &&
                    m.valid() == (sums.count >= kValidMinutes);
  if (!same) wrong("differs: " + what + ": " + m.ShortDebugString());
}

void Checker::means(const std::string& brokers) {
  seen_.resize(static_cast<std::size_t>(options_.minutes / 60) * static_cast<std::size_t>(packets_.plan().sites) *
               kFactors);
  Tail tail(brokers, options_.means, Tail::From::Beginning);
  v1::MeanRecord record;
  const auto take = [&](std::string_view, std::string_view value) {
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return wrong("not a MeanRecord");
    ++mean_records_;
    if (record.has_mean()) mean(record.mean());
  };
  while (tail.poll(kPollMs, take)) {
  }
  const auto missing = std::count(seen_.begin(), seen_.end(), false);
  if (missing > 0) wrong(std::to_string(missing) + " hour means are missing");
}

void Checker::signals(const std::string& brokers) {
  using Key = std::tuple<int, bool, std::int64_t>;
  std::set<Key> wanted;
  for (int s = 0; s < packets_.plan().sites; ++s) {
    for (const auto& c : packets_.changes(s, options_.minutes)) wanted.insert({s, c.began, core::ms(c.at)});
  }
  Tail tail(brokers, options_.signals, Tail::From::Beginning);
  v1::SignalRecord record;
  const auto take = [&](std::string_view, std::string_view value) {
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return wrong("not a SignalRecord");
    ++signal_records_;
    const auto& signal = record.signal();
    if (!record.has_signal() || signal.rule() != "reading_over_limit") return;
    const bool began = signal.state() == v1::ACTIVE;
    const Key key{packets_.site_number(signal.subject()), began, signal.at_ms()};
    if (signal.factor() != v1::NO2 || (!began && signal.state() != v1::CLEARED) || wanted.erase(key) == 0)
      return wrong("signal not expected, or twice: " + signal.ShortDebugString());
    ++changes_;
  };
  while (tail.poll(kPollMs, take)) {
  }
  if (!wanted.empty()) wrong(std::to_string(wanted.size()) + " changes of reading_over_limit are missing");
}

int Checker::report() const {
  std::printf(
      "{\"means\": %lld, \"mean_records\": %lld, \"changes\": %lld, \"signal_records\": %lld, \"wrong\": %lld}\n",
      static_cast<long long>(means_), static_cast<long long>(mean_records_), static_cast<long long>(changes_),
      static_cast<long long>(signal_records_), static_cast<long long>(wrong_));
  return wrong_ == 0 ? 0 : 1;
}

}  // namespace

int check(const Broker& broker, const Plan& plan, const CheckOptions& options) {
  Packets packets(plan);
  Checker checker(packets, options);
  checker.means(broker.brokers);
  checker.signals(broker.brokers);
  return checker.report();
}

}  // namespace qc::bench
