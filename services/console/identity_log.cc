// How Identity reads and writes `users`, and writes `ledger`.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "console/identity_impl.h"
#include "platform/log.h"
#include "qingchuan/v1/alert.pb.h"
#include "stream/partition.h"
#include "stream/read_range.h"

namespace qc::console {
namespace {

constexpr const char* kLedgerOfUsers = "ledger";
constexpr auto kReadBackMax = std::chrono::seconds(10);
constexpr auto kReadBackPause = std::chrono::milliseconds(5);  // a broker's end may lag behind its own answer
constexpr int kOwedRounds = 3;                                 // others pay what they owe at the same time

}  // namespace

IdentityBook::Taken Identity::Impl::take(const stream::Record& record) {
  const std::lock_guard lock(mutex);
  const IdentityBook::Taken taken = book.apply(record);
  if (taken == IdentityBook::Taken::Repeat) return taken;
  for (Awaited& a : awaited) {
    if (a.taken || a.change->key != record.key || a.change->value.has_value() == record.tombstone) continue;
    if (a.change->value && *a.change->value != record.value) continue;
    a.taken = taken;
    break;
  }
  if (taken == IdentityBook::Taken::Refused) {
    platform::log_warn(
        "users: a record is none of ours",
        {{"partition", stream::to_string(*record.from)}, {"offset", record.offset}, {"reason", book.last_refusal()}});
  }
  return taken;
}

Result<void> Identity::Impl::read_new_of(const std::vector<int>& partitions) {
  std::vector<stream::Stretch> stretches;
  for (const int p : partitions) {
    const stream::TopicPartition tp{kUsers, p};
    const auto range = log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    const std::lock_guard lock(mutex);
    if (book.next(p) < range->end) stretches.push_back({tp, book.next(p), range->end});
  }
  if (stretches.empty()) return {};
  if (reader == nullptr) {
    std::vector<stream::Stretch> all;
    for (int p = 0; p < users_partitions; ++p) all.push_back({{kUsers, p}, 0, 0});
    auto made = stream::reader_of(log, all);
    if (!made) return tl::make_unexpected(made.error());
    reader = std::move(*made);
  }
  const auto read = stream::read_range(*reader, stretches, [this](const stream::Record& r) {
    take(r);
    return true;
  });
  if (!read) {
    reader.reset();
    return read;
  }
  const std::lock_guard lock(mutex);
  for (const stream::Stretch& s : stretches) book.reached(s.of.partition, s.until);
  return {};
}

Result<void> Identity::Impl::read_new() {
  std::vector<int> all;
  for (int p = 0; p < users_partitions; ++p) all.push_back(p);
  return read_new_of(all);
}

Result<void> Identity::Impl::append(const std::vector<stream::NewRecord>& records) {
  if (appender == nullptr) {
    auto made = log.appender();
    if (!made) return tl::make_unexpected(made.error());
    appender = std::move(*made);
  }
  auto done = appender->append(records);
  if (!done) appender.reset();
  return done;
}

Result<std::vector<IdentityBook::Taken>> Identity::Impl::write(const std::vector<Change>& changes) {
  std::vector<IdentityBook::Taken> taken;
  if (changes.empty()) return taken;
  const std::array plain = {stream::Header{"version", options.version}};
  const std::string headers = stream::encode_headers(plain);
  std::vector<stream::NewRecord> records;
  std::set<int> touched;
  for (const Change& c : changes) {
    const int p = stream::partition_of(c.account, users_partitions);
    touched.insert(p);
    records.push_back({{kUsers, p}, c.key, c.value, headers});
  }
  {
    const std::lock_guard lock(mutex);
    for (const Change& c : changes) awaited.push_back({&c, std::nullopt});
  }
  // Whoever follows the log may read them before us.
  Result<void> done = append(records);
  const auto deadline = std::chrono::steady_clock::now() + kReadBackMax;
  const auto all_taken = [this] {
    const std::lock_guard lock(mutex);
    return std::all_of(awaited.begin(), awaited.end(), [](const Awaited& a) { return a.taken.has_value(); });
  };
  while (done && !all_taken()) {
    done = read_new_of({touched.begin(), touched.end()});
    if (!done || all_taken()) break;
    if (std::chrono::steady_clock::now() > deadline)
      done = fail(Errc::log_unavailable, "what was written to users cannot be read");
    std::this_thread::sleep_for(kReadBackPause);
  }
  {
    const std::lock_guard lock(mutex);
    for (const Awaited& a : awaited) taken.push_back(a.taken.value_or(IdentityBook::Taken::Refused));
    awaited.clear();
  }
  if (!done) return tl::make_unexpected(done.error());
  if (auto paid = pay_what_is_owed(); !paid) {
    // The change stands. It is paid with the next one.
    platform::log_warn("users: what was written too late stands behind what counts", {{"error", paid.error()}});
  }
  return taken;
}

Result<void> Identity::Impl::pay_what_is_owed() {
  for (int round = 0; round < kOwedRounds; ++round) {
    std::vector<stream::NewRecord> records;
    std::set<int> touched;
    {
      const std::lock_guard lock(mutex);
      for (IdentityBook::Owed& o : book.owed()) {
        const int p = stream::partition_of(o.account, users_partitions);
        touched.insert(p);
        records.push_back({{kUsers, p}, std::move(o.key), std::move(o.value), {}});
      }
    }
    if (records.empty()) return {};
    if (auto done = append(records); !done) return done;
    if (auto done = read_new_of({touched.begin(), touched.end()}); !done) return done;
  }
  return {};
}

Result<void> Identity::Impl::write_entry(const Entry& entry) {
  ::qingchuan::v1::LedgerEntry message;  // without `origin`: that is the alert stage's, and replay goes by it
  message.set_id(entry.id);
  message.set_subject("account/" + entry.account);
  message.set_who(entry.who);
  message.set_at_ms(ms(now()));
  message.set_what(entry.what);
  message.set_why(entry.why);
  message.set_before(entry.before);
  message.set_after(entry.after);
  const std::array headers = {stream::Header{"version", options.version},
                              stream::Header{"ce_source", "/qingchuan/users"}};
  auto done = append({{{kLedgerOfUsers, stream::partition_of(entry.account, ledger_partitions)},
                       message.subject(),
                       message.SerializeAsString(),
                       stream::encode_headers(headers)}});
  if (!done) {
    platform::log_error("users: a change was made, but the ledger could not be written",
                        {{"id", entry.id}, {"what", entry.what}, {"who", entry.who}, {"error", done.error()}});
  }
  return done;
}

}  // namespace qc::console
