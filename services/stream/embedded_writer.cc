#include "stream/embedded_writer.h"

#include "base/assert.h"

namespace qc::stream::embedded {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t nanoseconds_since(Clock::time_point from) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - from).count());
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::start(Core& core) {
  auto database = core.connect(Database::Access::Write);
  if (!database) return tl::make_unexpected(database.error());
  std::unique_ptr<Writer> writer(new Writer(core, std::move(*database)));
  if (auto ready = writer->prepare(); !ready) return tl::make_unexpected(ready.error());
  writer->thread_ = std::thread([raw = writer.get()] { raw->loop(); });
  return writer;
}

Result<void> Writer::prepare() {
  const auto page_bytes = database_.integer("PRAGMA page_size", 4096);
  if (!page_bytes) return tl::make_unexpected(page_bytes.error());
  page_bytes_ = static_cast<std::size_t>(*page_bytes);
  // After a burst the WAL gives its room back to the disk.
  std::string limits = "PRAGMA journal_size_limit=" + std::to_string(core_.options.wal_bytes_target * 2) + ";";
  if (core_.options.log_bytes_max > 0) {
    limits += "PRAGMA max_page_count=" + std::to_string(core_.options.log_bytes_max / page_bytes_) + ";";
  }
  if (auto set = database_.run(limits); !set) return set;
  sqlite3_wal_hook(  // also takes the place of SQLite's own automatic checkpoints
      database_.handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        auto* writer = static_cast<Writer*>(self);
        writer->wal_bytes_ = static_cast<std::size_t>(pages) * writer->page_bytes_;
        return SQLITE_OK;
      },
      this);
  const std::pair<Statement*, const char*> statements[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&select_next_, "SELECT next FROM partitions WHERE id=?1"},
      {&update_next_, "UPDATE partitions SET next=?2 WHERE id=?1"},
      {&update_offset_, "INSERT OR REPLACE INTO group_offsets(grp, part, next) VALUES(?1, ?2, ?3)"},
      {&select_epoch_, "SELECT epoch FROM leases WHERE grp=?1 AND number=?2"}};
  for (const auto& [statement, sql] : statements) {
    auto prepared = database_.prepare(sql);
    if (!prepared) return tl::make_unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<void> Writer::append(Append& append) {
  QC_ASSERT(append.records.size() == append.to.size());
  Job job;
  job.append = &append;
  return submit(job);
}

Result<void> Writer::run(const Work& work) {
  Job job;
  job.work = &work;
  return submit(job);
}

Result<void> Writer::submit(Job& job) {
  const std::size_t records = job.append != nullptr ? job.append->records.size() : 0;
  std::unique_lock lock(mutex_);
  const auto fits = [&] {  // one that is greater than the limit goes alone
    return queued_records_ == 0 || queued_records_ + records <= core_.options.append_queue_max_records;
  };
  if (records > 0 && !fits()) {
    ++core_.counters.queue_waits;
    room_.wait(lock, fits);
  }
  queued_records_ += records;
  core_.counters.queued_records = queued_records_;
  queue_.push_back(&job);
  arrived_.notify_one();
  job.finished.wait(lock, [&] { return job.done; });
  return std::move(job.result);
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    if (core_.options.commit_linger.count() > 0 && !stopping_) {
      arrived_.wait_for(lock, core_.options.commit_linger,
                        [&] { return stopping_ || queued_records_ >= core_.options.append_queue_max_records; });
    }
    const std::vector<Job*> jobs(queue_.begin(), queue_.end());
    queue_.clear();
    lock.unlock();
    for (std::size_t i = 0; i < jobs.size();) {
      std::size_t end = i + 1;
      if (jobs[i]->work != nullptr) {
        jobs[i]->result = do_work(*jobs[i]->work);
      } else {
        while (end < jobs.size() && jobs[end]->append != nullptr) ++end;
        write_group(std::span(jobs).subspan(i, end - i));
      }
      finish(std::span(jobs).subspan(i, end - i));
      i = end;
    }
    checkpoint_if_due();
    lock.lock();
  }
}

void Writer::finish(std::span<Job* const> jobs) {
  core_.bell.ring();
  std::lock_guard lock(mutex_);
  for (Job* job : jobs) {
    if (job->append != nullptr) queued_records_ -= job->append->records.size();
    job->done = true;
    job->finished.notify_one();  // under the lock: the job is its producer's, and gone as soon as that one runs
  }
  core_.counters.queued_records = queued_records_;
  room_.notify_all();
}

void Writer::write_group(std::span<Job* const> jobs) {
  const auto started = Clock::now();
  const Result<void> all = attempt(jobs);
  if (!all && jobs.size() == 1) jobs[0]->result = all;
  if (!all && jobs.size() > 1) {
    for (Job* job : jobs) {
      if (const Result<void> alone = attempt(std::span(&job, 1)); !alone) job->result = alone;
    }
  }
  Counters& counters = core_.counters;
  counters.commit_ns += nanoseconds_since(started);
  for (const Job* job : jobs) {
    if (job->result) {
      ++counters.commits;
      counters.appended_records += job->append->records.size();
      std::uint64_t bytes = 0;
      for (const NewRecord& record : job->append->records) {
        bytes += record.key.size() + record.headers.size() + (record.value ? record.value->size() : 0);
      }
      counters.appended_bytes += bytes;
    } else if (job->result.error().code == Errc::log_fenced) {
      ++counters.fenced_commits;
    } else {
      ++counters.failed_commits;
    }
  }
}

Result<void> Writer::begin() {
  ++transaction_;
  touched_.clear();
  return begin_.run("waiting for another process's commit");
}

Result<void> Writer::commit() {
  auto committed = commit_.run("committing");
  if (!committed) database_.roll_back();
  return committed;
}

// An error is the transaction's, and nothing has changed; what is wrong with one job is in its result.
Result<void> Writer::attempt(std::span<Job* const> jobs) {
  if (auto begun = begin(); !begun) return begun;
  for (Job* job : jobs) {
    job->result = check(*job->append);
    if (!job->result) continue;
    if (auto written = write(*job->append); !written) {
      database_.roll_back();
      return written;
    }
  }
  for (const std::int64_t id : touched_) {
    const Edge& edge = edges_[static_cast<std::size_t>(id)];
    if (!edge.grown) continue;
    if (auto updated = update_next_.bind(1, id).bind(2, edge.next).run("moving a partition's end"); !updated) {
      database_.roll_back();
      return updated;
    }
  }
  ++core_.counters.commit_groups;
  return commit();
}

Result<Writer::Edge*> Writer::edge(const Partition& partition) {
  const auto index = static_cast<std::size_t>(partition.id);
  if (index >= edges_.size()) edges_.resize(index + 1);
  Edge& edge = edges_[index];
  if (edge.seen == transaction_) return &edge;
  if (!edge.insert) {
    auto prepared = database_.prepare("INSERT INTO " + records_table(partition.id) +
                                      "(offset, written_ms, key, value, headers) VALUES(?1, ?2, ?3, ?4, ?5)");
    if (!prepared) return tl::make_unexpected(prepared.error());
    edge.insert = std::move(*prepared);
  }
  const Resetting reset(select_next_);
  const auto row = select_next_.bind(1, partition.id).next("reading a partition's end");
  if (!row) return tl::make_unexpected(row.error());
  if (!*row) return fail(Errc::log_corrupt, "the log lacks the partition " + to_string(partition.name));
  edge.next = select_next_.integer(0);
  edge.grown = false;
  edge.seen = transaction_;
  touched_.push_back(partition.id);
  return &edge;
}

// What can be wrong with a job by itself, found before its first row.
Result<void> Writer::check(Append& append) {
  for (Fence& fence : append.fences) {
    const Resetting reset(select_epoch_);
    const auto row = select_epoch_.bind(1, fence.group).bind(2, fence.number).next("reading a lease");
    if (!row) return tl::make_unexpected(row.error());
    fence.failed = !*row || select_epoch_.integer(0) != fence.epoch;
  }
  for (const Fence& fence : append.fences) {
    if (fence.failed) {
      return fail(Errc::log_fenced, "partition " + std::to_string(fence.number) + " has another owner now");
    }
  }
  for (const auto& [partition, next] : append.next) {
    const auto edge = this->edge(*partition);
    if (!edge) return tl::make_unexpected(edge.error());
    if (next < 0 || next > (*edge)->next) {
      return fail(Errc::log_fatal, "offset " + std::to_string(next) + " of " + to_string(partition->name) +
                                       " cannot have been read: its end is " + std::to_string((*edge)->next));
    }
  }
  return {};
}

Result<void> Writer::write(Append& append) {
  const std::int64_t now = core_.options.clock_ms();
  const Partition* partition = nullptr;
  Edge* edge = nullptr;
  for (std::size_t i = 0; i < append.records.size(); ++i) {
    if (append.to[i] != partition) {
      partition = append.to[i];
      const auto found = this->edge(*partition);
      if (!found) return tl::make_unexpected(found.error());
      edge = *found;
    }
    const NewRecord& record = append.records[i];
    Statement& insert = edge->insert;
    insert.bind(1, edge->next).bind(2, record.written_ms > 0 ? record.written_ms : now);
    insert.bind(3, std::string_view(record.key));
    if (record.value) {
      insert.bind(4, std::string_view(*record.value));
    } else {
      insert.bind_null(4);
    }
    if (record.headers.empty()) {
      insert.bind_null(5);
    } else {
      insert.bind(5, std::string_view(record.headers));
    }
    const int code = insert.step();
    if (code != SQLITE_DONE) {
      Error error = insert.error(code, "appending to " + to_string(partition->name));
      insert.reset();
      return tl::make_unexpected(std::move(error));
    }
    insert.reset();
    ++edge->next;
    edge->grown = true;
  }
  for (const auto& [input, next] : append.next) {
    if (auto set = update_offset_.bind(1, append.group).bind(2, input->id).bind(3, next).run("committing offsets");
        !set) {
      return set;
    }
  }
  return {};
}

Result<void> Writer::do_work(const Work& work) {
  if (auto begun = begin(); !begun) return begun;
  if (auto done = work(database_); !done) {
    database_.roll_back();
    return done;
  }
  return commit();
}

// Between commits, and after the producers have their answer. A passive checkpoint stops for nobody; as a reader's
// transaction lasts for one poll, it mostly reaches the end, and then the next commit starts the WAL anew.
void Writer::checkpoint_if_due() {
  const std::size_t target = core_.options.wal_bytes_target;
  core_.counters.wal_bytes = wal_bytes_;
  if (wal_bytes_ < wal_bytes_at_checkpoint_) wal_bytes_at_checkpoint_ = 0;  // it has started anew
  // A checkpoint that did not get through is tried again after a quarter of the target, not after each commit.
  if (wal_bytes_ < target || wal_bytes_ < wal_bytes_at_checkpoint_ + target / 4) return;
  const auto started = Clock::now();
  const bool hard = wal_bytes_ >= 4 * target;  // commits outran it, or somebody always reads: make them wait
  if (hard) database_.set_busy_max(Milliseconds(200));
  int pages = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(
      database_.handle(), nullptr, hard ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
  if (hard) database_.set_busy_max(core_.options.busy_max);
  // An error (disk full, another process checkpoints) loses nothing: the WAL holds it all, and the next one tries
  // again.
  wal_bytes_at_checkpoint_ = wal_bytes_;
  if (code == SQLITE_OK && pages == moved) wal_bytes_ = 0;
  ++core_.counters.checkpoints;
  core_.counters.checkpoint_ns += nanoseconds_since(started);
}

}  // namespace qc::stream::embedded
