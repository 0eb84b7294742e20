#include "stream/embedded_maintenance.h"

#include <limits>

#include "stream/embedded_lease.h"

namespace qc::stream::embedded {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMapEntryBytes = 64;  // a node of the map beside its key, roughly

bool compacts(Cleanup cleanup) {
  return cleanup != Cleanup::Delete;
}
bool deletes(Cleanup cleanup) {
  return cleanup != Cleanup::Compact;
}

}  // namespace

Result<Maintenance> Maintainer::pass(Core& core, Writer& writer) {
  auto lease = LeaseFile::open(core.leases, true);
  if (!lease) return tl::make_unexpected(lease.error());
  if (!lease->try_lock(kMaintenanceLock)) return Maintenance{};  // another process is at it
  auto database = core.connect(Database::Access::Read);
  if (!database) return tl::make_unexpected(database.error());
  Maintainer self(core, writer, std::move(*database));
  self.done_.ran = true;
  const auto topics = read_topics(self.database_);
  if (!topics) return tl::make_unexpected(topics.error());
  for (const TopicSpec& topic : *topics) {
    auto parts = self.parts(topic.name);
    if (!parts) return tl::make_unexpected(parts.error());
    for (Part& part : *parts) {
      if (deletes(topic.cleanup) && topic.retention.count() > 0) {
        if (auto kept = self.retain(part, self.now_ - topic.retention.count()); !kept) {
          return tl::make_unexpected(kept.error());
        }
      }
      if (compacts(topic.cleanup)) {
        if (auto compacted = self.compact(part, self.now_ - topic.compaction_lag.count()); !compacted) {
          return tl::make_unexpected(compacted.error());
        }
      }
    }
  }
  return self.done_;
}

Result<std::vector<Maintainer::Part>> Maintainer::parts(const std::string& topic) {
  auto select = database_.prepare(
      "SELECT p.id, p.start, p.next, p.cleaned, p.kept, p.tombstones_due, p.tombstones_below"
      " FROM partitions p"
      " JOIN topics t ON t.id = p.topic WHERE t.name = ?1 ORDER BY p.number");
  if (!select) return tl::make_unexpected(select.error());
  select->bind_text(1, topic);
  std::vector<Part> parts;
  for (;;) {
    const auto row = select->next("reading the partitions");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return parts;
    parts.push_back(Part{select->integer(0), select->integer(1), select->integer(2), select->integer(3),
                         select->integer(4), select->null(5) ? kNever : select->integer(5), select->integer(6)});
  }
}

// Deletes from the old end up to the first record that is young enough.
Result<void> Maintainer::retain(Part& part, std::int64_t written_before) {
  const std::string table = records_table(part.id);
  auto select = database_.prepare("SELECT offset, written_ms FROM " + table + " WHERE offset >= ?1 ORDER BY offset");
  if (!select) return tl::make_unexpected(select.error());
  for (bool more = true; more;) {
    Offset cut = part.start;
    std::uint64_t expired = 0;
    {
      const Resetting reset(*select);
      select->bind(1, part.start);
      more = false;
      for (;;) {
        const auto row = select->next("looking for expired records");
        if (!row) return tl::make_unexpected(row.error());
        if (!*row || select->integer(1) >= written_before) break;
        cut = select->integer(0) + 1;
        if (++expired == core_.options.maintenance_rows) {
          more = true;
          break;
        }
      }
    }
    if (expired == 0) return {};
    auto deleted = writer_.run([&](Database& database) -> Result<void> {
      const std::string upto = std::to_string(cut);
      if (auto gone = database.run("DELETE FROM " + table + " WHERE offset < " + upto); !gone) return gone;
      return database.run("UPDATE partitions SET start = max(start, " + upto +
                          ") WHERE id = " + std::to_string(part.id));
    });
    if (!deleted) return deleted;
    part.start = cut;
    done_.deleted_by_retention += expired;
    core_.counters.deleted_by_retention += expired;
  }
  return {};
}

Result<void> Maintainer::compact(const Part& part, std::int64_t written_before) {
  const Offset dirty = part.next - std::max(part.cleaned, part.start);
  const bool worth_it = dirty > 0 && static_cast<double>(dirty) >=
                                         core_.options.compaction_dirty_ratio * static_cast<double>(dirty + part.kept);
  if (!worth_it && part.tombstones_due > now_) return {};
  const auto end = newest_of_keys(part, written_before);
  if (!end) return tl::make_unexpected(end.error());
  if (*end == part.cleaned && part.tombstones_due > now_) return {};  // all that is new is younger than the lag
  auto swept = sweep(part, *end);
  newest_.clear();
  return swept;
}

Result<Offset> Maintainer::newest_of_keys(const Part& part, std::int64_t written_before) {
  newest_.clear();
  auto select = database_.prepare("SELECT offset, written_ms, key FROM " + records_table(part.id) +
                                  " WHERE offset >= ?1 ORDER BY offset LIMIT ?2");
  if (!select) return tl::make_unexpected(select.error());
  Offset end = part.cleaned;
  std::size_t bytes = 0;
  for (bool more = true; more;) {
    const Resetting reset(*select);
    select->bind(1, end).bind(2, static_cast<std::int64_t>(core_.options.maintenance_rows * 4));
    more = false;
    for (;;) {
      const auto row = select->next("looking for the newest of each key");
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) break;
      if (select->integer(1) > written_before || bytes > core_.options.compaction_bytes_max) return end;
      const std::string_view key = select->bytes(2);
      const auto [entry, added] = newest_.insert_or_assign(std::string(key), select->integer(0));
      if (added) bytes += key.size() + kMapEntryBytes;
      end = select->integer(0) + 1;
      more = true;
    }
  }
  return end;
}

Result<void> Maintainer::sweep(const Part& part, Offset end) {
  // typeof, because it does not read a big value's pages.
  auto select = database_.prepare("SELECT offset, key, typeof(value) = 'null' FROM " + records_table(part.id) +
                                  " WHERE offset >= ?1 AND offset < ?2 ORDER BY offset LIMIT ?3");
  if (!select) return tl::make_unexpected(select.error());
  std::vector<Offset> superseded;
  std::vector<Offset> tombstones;
  std::int64_t kept = 0;
  const bool due = part.tombstones_due <= now_;
  bool some_wait = false;
  Offset at = part.start;
  for (bool more = true; more;) {
    superseded.clear();
    {
      const Resetting reset(*select);
      select->bind(1, at).bind(2, end).bind(3, static_cast<std::int64_t>(core_.options.maintenance_rows));
      more = false;
      for (;;) {
        const auto row = select->next("compacting");
        if (!row) return tl::make_unexpected(row.error());
        if (!*row) break;
        more = true;
        const Offset offset = select->integer(0);
        at = offset + 1;
        const auto newest = newest_.find(std::string(select->bytes(1)));
        if (newest != newest_.end() && offset < newest->second) {
          superseded.push_back(offset);
        } else if (select->integer(2) == 0) {
          ++kept;
        } else if (due && offset < part.tombstones_below) {
          tombstones.push_back(offset);
        } else {
          ++kept;
          some_wait = true;
        }
      }
    }
    if (auto erased = erase(part.id, superseded); !erased) return erased;
  }
  for (std::span<const Offset> rest(tombstones); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), core_.options.maintenance_rows));
    if (auto erased = erase(part.id, some); !erased) return erased;
    rest = rest.subspan(some.size());
  }
  // Those that wait already go first; the others begin to wait behind them.
  std::string waiting;
  if (!some_wait) {
    waiting = ", tombstones_due = NULL";
  } else if (due || part.tombstones_due == kNever) {
    waiting = ", tombstones_below = " + std::to_string(end) +
              ", tombstones_due = " + std::to_string(core_.options.clock_ms() + core_.options.tombstones_kept.count());
  }
  return writer_.run([&](Database& database) {
    return database.run("UPDATE partitions SET cleaned = " + std::to_string(end) + ", kept = " + std::to_string(kept) +
                        waiting + " WHERE id = " + std::to_string(part.id));
  });
}

Result<void> Maintainer::erase(std::int64_t part, std::span<const Offset> offsets) {
  if (offsets.empty()) return {};
  auto erased = writer_.run([&](Database& database) -> Result<void> {
    auto remove = database.prepare("DELETE FROM " + records_table(part) + " WHERE offset = ?1");
    if (!remove) return tl::make_unexpected(remove.error());
    for (const Offset offset : offsets) {
      if (auto gone = remove->bind(1, offset).run("compacting"); !gone) return gone;
    }
    return {};
  });
  if (!erased) return erased;
  done_.deleted_by_compaction += offsets.size();
  core_.counters.deleted_by_compaction += offsets.size();
  return {};
}

Result<void> check_integrity(Database& database, const std::string& file) {
  std::string found;
  const auto note = [&found](const std::string& what) { found += (found.empty() ? "" : "; ") + what; };
  {
    auto check = database.prepare("PRAGMA integrity_check(10)");
    if (!check) return tl::make_unexpected(check.error());
    for (;;) {
      const auto row = check->next("checking the integrity");
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) break;
      if (check->bytes(0) != "ok") note(std::string(check->bytes(0)));
    }
  }
  auto parts = database.prepare(
      "SELECT p.id, t.name || '-' || p.number, p.start, p.next FROM partitions p JOIN topics t ON t.id = p.topic");
  if (!parts) return tl::make_unexpected(parts.error());
  for (;;) {
    const auto row = parts->next("checking the partitions");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) break;
    const std::string name(parts->bytes(1));
    const Offset start = parts->integer(2);
    const Offset next = parts->integer(3);
    const std::string table = records_table(parts->integer(0));
    const auto outside =
        database.integer("SELECT (SELECT count(*) FROM " + table + " WHERE offset < " + std::to_string(start) +
                         ") + (SELECT count(*) FROM " + table + " WHERE offset >= " + std::to_string(next) + ")");
    if (!outside) return tl::make_unexpected(outside.error());
    if (*outside > 0) note(std::to_string(*outside) + " records of " + name + " outside its range");
    if (start > next) note(name + " begins after its end");
  }
  const auto offsets = database.integer(
      "SELECT count(*) FROM group_offsets o LEFT JOIN partitions p ON p.id = o.part"
      " WHERE p.id IS NULL OR o.next < 0 OR o.next > p.next");
  if (!offsets) return tl::make_unexpected(offsets.error());
  if (*offsets > 0) note(std::to_string(*offsets) + " group offsets beyond the end of their partition");
  if (!found.empty()) return fail(Errc::log_corrupt, "the log " + file + ": " + found);
  return {};
}

}  // namespace qc::stream::embedded
