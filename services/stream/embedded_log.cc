#include "stream/embedded_log.h"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "stream/embedded_maintenance.h"
#include "stream/embedded_member.h"

namespace qc::stream {
namespace {

using namespace embedded;

class EmbeddedLogImpl final : public EmbeddedLog {
 public:
  EmbeddedLogImpl(std::unique_ptr<Core> core, std::unique_ptr<Writer> writer, Database database)
      : core_(std::move(core)), writer_(std::move(writer)), database_(std::move(database)) {}

  Result<void> create_topics(std::span<const TopicSpec> specs) override {
    const auto made = writer_->run([&](Database& database) -> Result<void> {
      for (const TopicSpec& spec : specs) {
        if (auto topic = create_topic(database, spec); !topic) return topic;
      }
      return {};
    });
    if (!made) return made;
    std::lock_guard lock(mutex_);
    return core_->catalogue.refresh(database_);
  }

  Result<std::vector<TopicSpec>> topics() override {
    std::lock_guard lock(mutex_);
    return read_topics(database_);
  }

  Result<Range> range(const TopicPartition& tp) override {
    const auto partition = Resolver(*core_).find(tp);
    if (!partition) return tl::make_unexpected(partition.error());
    std::lock_guard lock(mutex_);
    auto select = database_.prepare("SELECT start, next FROM partitions WHERE id = ?1");
    if (!select) return tl::make_unexpected(select.error());
    const auto row = select->bind(1, (*partition)->id).next("reading a partition's range");
    if (!row) return tl::make_unexpected(row.error());
    if (!*row) return fail(Errc::log_corrupt, "the log lacks the partition " + to_string(tp));
    return Range{select->integer(0), select->integer(1)};
  }

  Result<std::unique_ptr<Reader>> reader(std::span<const std::pair<TopicPartition, Offset>> from) override {
    auto tail = Tail::open(*core_);
    if (!tail) return tl::make_unexpected(tail.error());
    Resolver resolver(*core_);
    for (const auto& [tp, offset] : from) {
      const auto partition = resolver.find(tp);
      if (!partition) return tl::make_unexpected(partition.error());
      if (auto added = (*tail)->add(**partition, offset); !added) return tl::make_unexpected(added.error());
    }
    return std::make_unique<EmbeddedReader>(*core_, std::move(*tail));
  }

  Result<std::unique_ptr<Appender>> appender() override { return std::make_unique<EmbeddedAppender>(*core_, *writer_); }

  Result<std::unique_ptr<Member>> join(const GroupSpec& spec) override {
    return EmbeddedMember::join(*core_, *writer_, spec);
  }

  Result<Maintenance> maintain() override { return Maintainer::pass(*core_, *writer_); }

  Result<void> check_integrity() override {
    auto database = core_->connect(Database::Access::Read);
    if (!database) return tl::make_unexpected(database.error());
    return embedded::check_integrity(*database, core_->file);
  }

  Result<std::vector<std::string>> groups() override {
    std::lock_guard lock(mutex_);
    auto select = database_.prepare(
        "SELECT name FROM groups g WHERE EXISTS (SELECT 1 FROM group_offsets o WHERE o.grp = g.id) ORDER BY name");
    if (!select) return tl::make_unexpected(select.error());
    std::vector<std::string> names;
    for (;;) {
      const auto row = select->next("reading the groups");
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) return names;
      names.emplace_back(select->bytes(0));
    }
  }

  Result<std::vector<LeaseHolder>> holders(std::string_view group) override {
    const auto locks = LeaseFile::open(core_->leases, true);
    if (!locks) return tl::make_unexpected(locks.error());
    std::lock_guard lock(mutex_);
    auto select = database_.prepare(
        "SELECT l.grp, l.number, l.pid, l.member, l.epoch FROM leases l JOIN groups g ON g.id = l.grp"
        " WHERE g.name = ?1 ORDER BY l.number");
    if (!select) return tl::make_unexpected(select.error());
    select->bind_text(1, group);
    std::vector<LeaseHolder> holders;
    for (;;) {
      const auto row = select->next("reading the leases");
      if (!row) return tl::make_unexpected(row.error());
      if (!*row) return holders;
      const auto number = static_cast<int>(select->integer(1));
      holders.push_back(LeaseHolder{number, select->integer(2), std::string(select->bytes(3)), select->integer(4),
                                    locks->held_by_another(lease_lock(select->integer(0), number))});
    }
  }

  Result<void> fence(std::string_view group, int partition) override {
    return writer_->run([&](Database& database) -> Result<void> {
      auto bump = database.prepare(
          "UPDATE leases SET epoch = epoch + 1 WHERE number = ?2 AND grp = (SELECT id FROM groups WHERE name = ?1)");
      if (!bump) return tl::make_unexpected(bump.error());
      return bump->bind_text(1, group).bind(2, partition).run("fencing an owner");
    });
  }

  EmbeddedStats stats() const override {
    const Counters& counters = core_->counters;
    EmbeddedStats stats;
    stats.appended_records = counters.appended_records;
    stats.appended_bytes = counters.appended_bytes;
    stats.commits = counters.commits;
    stats.commit_groups = counters.commit_groups;
    stats.commit_seconds = static_cast<double>(counters.commit_ns) * 1e-9;
    stats.failed_commits = counters.failed_commits;
    stats.fenced_commits = counters.fenced_commits;
    stats.queued_records = counters.queued_records;
    stats.queue_waits = counters.queue_waits;
    stats.deleted_by_retention = counters.deleted_by_retention;
    stats.deleted_by_compaction = counters.deleted_by_compaction;
    stats.checkpoints = counters.checkpoints;
    stats.checkpoint_seconds = static_cast<double>(counters.checkpoint_ns) * 1e-9;
    stats.wal_bytes = counters.wal_bytes;
    return stats;
  }

 private:
  std::unique_ptr<Core> core_;
  std::unique_ptr<Writer> writer_;
  std::mutex mutex_;
  Database database_;  // for what any thread may ask; under mutex_
};

std::int64_t system_ms() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Entering WAL mode and making the tables is done by one process at a time: SQLite's own lock does not cover the
// former.
Result<void> make_or_check(const Core& core) {
  auto lease = LeaseFile::open(core.leases, true);
  if (!lease) return tl::make_unexpected(lease.error());
  const auto deadline = std::chrono::steady_clock::now() + core.options.busy_max;
  while (!lease->try_lock(kCreationLock)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(Errc::log_unavailable, "the log " + core.file + " is being opened by another process");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  auto database = core.connect(core.options.create ? Database::Access::Create : Database::Access::Write);
  if (!database) return tl::make_unexpected(database.error());
  return prepare_file(*database, core.options.create, core.file);
}

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open_embedded(const std::string& directory, EmbeddedOptions options) {
  auto core = std::make_unique<Core>();
  core->options = std::move(options);
  if (!core->options.clock_ms) core->options.clock_ms = system_ms;
  core->directory = directory;
  core->file = directory + "/log.sqlite";
  core->leases = directory + "/leases";
  std::error_code error;
  if (core->options.create) std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(error == std::errc::no_space_on_device ? Errc::log_full : Errc::log_unavailable,
                "the directory " + directory + " cannot be made: " + error.message());
  }
  if (!core->options.create && !std::filesystem::exists(core->file, error)) {
    return fail(Errc::log_unavailable, "there is no log in " + directory + " (no log.sqlite)");
  }
  if (auto ready = make_or_check(*core); !ready) return tl::make_unexpected(ready.error());
  auto database = core->connect(Database::Access::Read);
  if (!database) return tl::make_unexpected(database.error());
  if (auto known = core->catalogue.refresh(*database); !known) return tl::make_unexpected(known.error());
  auto writer = Writer::start(*core);
  if (!writer) return tl::make_unexpected(writer.error());
  return std::make_unique<EmbeddedLogImpl>(std::move(core), std::move(*writer), std::move(*database));
}

}  // namespace qc::stream
