#include "stream/embedded_schema.h"

#include <mutex>

namespace qc::stream::embedded {
namespace {

constexpr int kPartitionsMax = 4096;  // of one topic; a lease's byte stands at group * 65536 + number

constexpr const char* kTables = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  cleanup INTEGER NOT NULL, retention_ms INTEGER NOT NULL, compaction_lag_ms INTEGER NOT NULL);
CREATE TABLE partitions(id INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topics(id), number INTEGER NOT NULL,
  start INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, cleaned INTEGER NOT NULL DEFAULT 0,
  kept INTEGER NOT NULL DEFAULT 0, tombstones_due INTEGER, tombstones_below INTEGER NOT NULL DEFAULT 0,
  UNIQUE(topic, number));
CREATE TABLE groups(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE group_offsets(grp INTEGER NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY(grp, part)) WITHOUT ROWID;
CREATE TABLE leases(grp INTEGER NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL, pid INTEGER NOT NULL,
  member TEXT NOT NULL, PRIMARY KEY(grp, number)) WITHOUT ROWID;
)sql";

int number_of(Cleanup cleanup) {
  return static_cast<int>(cleanup);
}

Result<Cleanup> cleanup_of(std::int64_t number) {
  if (number < 0 || number > number_of(Cleanup::CompactDelete)) {
    return fail(Errc::log_corrupt, "the log holds a topic with the unknown clean-up " + std::to_string(number));
  }
  return static_cast<Cleanup>(number);
}

// What an older binary made has one column less, which it can do without; another process may be adding it right now.
Result<void> add_column(Database& database) {
  const auto there = [&database] {
    return database.integer("SELECT count(*) FROM pragma_table_info('partitions') WHERE name='tombstones_below'");
  };
  auto has = there();
  if (!has) return tl::make_unexpected(has.error());
  if (*has == 1) return {};
  auto added = database.run("ALTER TABLE partitions ADD COLUMN tombstones_below INTEGER NOT NULL DEFAULT 0");
  has = there();
  return has && *has == 1 ? Result<void>{} : added;
}

}  // namespace

std::string records_table(std::int64_t partition_id) {
  return "records_" + std::to_string(partition_id);
}

Result<void> prepare_file(Database& database, bool create, const std::string& path) {
  auto tables = database.integer("SELECT count(*) FROM sqlite_master WHERE type='table'");
  if (!tables) return tl::make_unexpected(tables.error());
  if (*tables == 0) {
    if (!create) return fail(Errc::log_unavailable, "the log " + path + " is empty: nothing has created it yet");
    // The page size must be set before the WAL is; WAL cannot be entered inside a transaction.
    if (auto wal = database.run("PRAGMA page_size=8192; PRAGMA journal_mode=WAL;"); !wal) return wal;
    const std::string make = std::string("BEGIN IMMEDIATE;") + kTables + "INSERT INTO meta VALUES('format'," +
                             std::to_string(kFormat) + "); COMMIT;";
    if (auto made = database.run(make); !made) {
      database.roll_back();
      return made;
    }
    return {};
  }
  auto ours = database.integer("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='meta'");
  if (!ours) return tl::make_unexpected(ours.error());
  if (*ours == 0) return fail(Errc::log_corrupt, path + " is an SQLite file, but not a Qingchuan log");
  auto format = database.integer("SELECT value FROM meta WHERE key='format'");
  if (!format) return tl::make_unexpected(format.error());
  if (*format != kFormat) {
    return fail(Errc::log_version, "the log " + path + " has format " + std::to_string(*format) +
                                       ", and this binary knows format " + std::to_string(kFormat));
  }
  return add_column(database);
}

Result<void> create_topic(Database& database, const TopicSpec& spec) {
  if (spec.name.empty() || spec.partitions < 1 || spec.partitions > kPartitionsMax) {
    return fail(Errc::usage, "the topic `" + spec.name + "` needs a name and 1 to " + std::to_string(kPartitionsMax) +
                                 " partitions, not " + std::to_string(spec.partitions));
  }
  auto find = database.prepare("SELECT id, partitions FROM topics WHERE name=?1");
  if (!find) return tl::make_unexpected(find.error());
  const auto found = find->bind_text(1, spec.name).next("looking for a topic");
  if (!found) return tl::make_unexpected(found.error());
  if (*found) {
    const std::int64_t id = find->integer(0);
    const std::int64_t partitions = find->integer(1);
    find->reset();
    if (partitions != spec.partitions) {
      return fail(Errc::partitions_changed, "the topic " + spec.name + " has " + std::to_string(partitions) +
                                                " partitions, and the configuration says " +
                                                std::to_string(spec.partitions));
    }
    auto update = database.prepare("UPDATE topics SET cleanup=?2, retention_ms=?3, compaction_lag_ms=?4 WHERE id=?1");
    if (!update) return tl::make_unexpected(update.error());
    return update->bind(1, id)
        .bind(2, number_of(spec.cleanup))
        .bind(3, spec.retention.count())
        .bind(4, spec.compaction_lag.count())
        .run("updating a topic");
  }
  auto insert = database.prepare(
      "INSERT INTO topics(name, partitions, cleanup, retention_ms, compaction_lag_ms) VALUES(?1, ?2, ?3, ?4, ?5)");
  if (!insert) return tl::make_unexpected(insert.error());
  if (auto made = insert->bind_text(1, spec.name)
                      .bind(2, spec.partitions)
                      .bind(3, number_of(spec.cleanup))
                      .bind(4, spec.retention.count())
                      .bind(5, spec.compaction_lag.count())
                      .run("making a topic");
      !made) {
    return made;
  }
  const std::int64_t topic = sqlite3_last_insert_rowid(database.handle());
  for (int number = 0; number < spec.partitions; ++number) {
    if (auto made = database.run("INSERT INTO partitions(topic, number) VALUES(" + std::to_string(topic) + "," +
                                 std::to_string(number) + ")");
        !made) {
      return made;
    }
    if (auto made = database.run("CREATE TABLE " + records_table(sqlite3_last_insert_rowid(database.handle())) +
                                 "(offset INTEGER PRIMARY KEY, written_ms INTEGER NOT NULL, key BLOB NOT NULL,"
                                 " value BLOB, headers BLOB)");
        !made) {
      return made;
    }
  }
  return {};
}

Result<std::vector<TopicSpec>> read_topics(Database& database) {
  auto select =
      database.prepare("SELECT name, partitions, cleanup, retention_ms, compaction_lag_ms FROM topics ORDER BY id");
  if (!select) return tl::make_unexpected(select.error());
  std::vector<TopicSpec> specs;
  for (;;) {
    const auto row = select->next("reading the topics");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return specs;
    const auto cleanup = cleanup_of(select->integer(2));
    if (!cleanup) return tl::make_unexpected(cleanup.error());
    specs.push_back(TopicSpec{std::string(select->bytes(0)), static_cast<int>(select->integer(1)), *cleanup,
                              Milliseconds(select->integer(3)), Milliseconds(select->integer(4))});
  }
}

Result<std::int64_t> group_id(Database& database, std::string_view group, bool create) {
  if (create) {
    auto insert = database.prepare("INSERT OR IGNORE INTO groups(name) VALUES(?1)");
    if (!insert) return tl::make_unexpected(insert.error());
    if (auto made = insert->bind_text(1, group).run("making a group"); !made) {
      return tl::make_unexpected(made.error());
    }
  }
  auto select = database.prepare("SELECT id FROM groups WHERE name=?1");
  if (!select) return tl::make_unexpected(select.error());
  const auto row = select->bind_text(1, group).next("looking for a group");
  if (!row) return tl::make_unexpected(row.error());
  return *row ? select->integer(0) : 0;
}

Result<void> Catalogue::refresh(Database& database) {
  auto select = database.prepare(
      "SELECT t.id, t.name, p.id, p.number FROM partitions p JOIN topics t ON t.id = p.topic ORDER BY t.id, p.number");
  if (!select) return tl::make_unexpected(select.error());
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto row = select->next("reading the partitions");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return {};
    auto& topic = topics_[std::string(select->bytes(1))];
    if (topic == nullptr) topic = std::make_unique<Topic>(Topic{select->integer(0), {}});
    const auto number = static_cast<std::size_t>(select->integer(3));
    if (number < topic->partitions.size()) continue;  // known, and others may be looking at it
    if (number != topic->partitions.size()) {
      return fail(Errc::log_corrupt, "the topic " + std::string(select->bytes(1)) + " lacks a partition");
    }
    topic->partitions.push_back(std::make_unique<const Partition>(
        Partition{select->integer(2), {std::string(select->bytes(1)), static_cast<int>(number)}}));
  }
}

const Topic* Catalogue::find(std::string_view topic) const {
  std::shared_lock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : found->second.get();
}

}  // namespace qc::stream::embedded
