// The one thread of a process that writes to the file. Producers queue a job and wait for it; the writer takes all that
// has queued up, writes it in one SQLite transaction and wakes them, so that one fsync serves them all. Maintenance and
// the making of topics come through the same queue, each in a transaction of its own.
//
// All or nothing per job: what can be refused is refused before its first row; if the transaction itself fails (disk
// full, file busy), it is rolled back and its jobs are tried alone, so that one that does not fit hinders no other.
//
// Lifecycle: start, jobs, destructor (writes what is queued first). Threads: append and run from any.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "stream/embedded_core.h"

namespace qc::stream::embedded {

// "This owner, at this epoch": compared in the committing transaction.
struct Fence {
  std::int64_t group = 0;
  int number = 0;
  std::int64_t epoch = 0;
  bool failed = false;  // out: somebody else has taken it
};

// One atomic append. The caller keeps everything until append returns.
struct Append {
  std::span<const NewRecord> records;
  std::span<const Partition* const> to;  // one for each record
  std::int64_t group = 0;                // for `next` and `fences`
  std::span<const std::pair<const Partition*, Offset>> next;
  std::span<Fence> fences;
};

class Writer {
 public:
  using Work = std::function<Result<void>(Database&)>;

  static Result<std::unique_ptr<Writer>> start(Core& core);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Returns when it is durable. log_fenced: nothing changed.
  Result<void> append(Append& append);
  // Runs `work` on the writer's thread inside BEGIN IMMEDIATE ... COMMIT; an error of its own rolls back.
  Result<void> run(const Work& work);

 private:
  struct Job {
    Append* append = nullptr;  // one of the two
    const Work* work = nullptr;
    Result<void> result;
    bool done = false;
    std::condition_variable finished;
  };
  // What a transaction knows of a partition; valid while `seen` is the transaction's number.
  struct Edge {
    std::uint64_t seen = 0;
    bool grown = false;
    Offset next = 0;
    Statement insert;
  };

  Writer(Core& core, Database database) : core_(core), database_(std::move(database)) {}
  Result<void> prepare();
  Result<void> submit(Job& job);
  void loop();
  void finish(std::span<Job* const> jobs);
  void write_group(std::span<Job* const> jobs);
  Result<void> attempt(std::span<Job* const> jobs);
  Result<void> write(Append& append);
  Result<void> check(Append& append);
  Result<void> do_work(const Work& work);
  Result<Edge*> edge(const Partition& partition);
  Result<void> begin();
  Result<void> commit();
  void checkpoint_if_due();

  Core& core_;
  Database database_;
  Statement begin_, commit_, select_next_, update_next_, update_offset_, select_epoch_;
  std::vector<Edge> edges_;            // by partition id
  std::vector<std::int64_t> touched_;  // partitions of this transaction
  std::uint64_t transaction_ = 0;
  std::size_t wal_bytes_ = 0;  // told by SQLite at each commit
  std::size_t wal_bytes_at_checkpoint_ = 0;
  std::size_t page_bytes_ = 4096;

  std::mutex mutex_;
  std::condition_variable arrived_;  // to the writer
  std::condition_variable room_;     // to producers that wait for the limit
  std::deque<Job*> queue_;
  std::size_t queued_records_ = 0;  // waiting or being written
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace qc::stream::embedded
