#include "qingchuan/copy_target.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "stream/read_range.h"
#include "stream/state_restore.h"

namespace qc::commands {
namespace {

using stream::Offset;
using stream::TopicPartition;
using stream::TopicSpec;

constexpr std::size_t kRecordsOfPoll = 4096;
constexpr stream::Milliseconds kWait{100};
constexpr const char* kStartAnew = "; delete the topics (or take another kafka.prefix) and copy anew";

TopicSpec while_copied(TopicSpec spec) {
  spec.cleanup = stream::Cleanup::Delete;
  spec.retention = {};
  spec.compaction_lag = {};
  return spec;
}

CopyRecord view_of(const stream::Record& r) {
  return {r.key, r.tombstone ? std::nullopt : std::optional(r.value), r.headers.bytes(), r.written_ms, false};
}

bool same(const stream::Record& r, const CopyRecord& c) {
  return r.key == c.key && r.tombstone == !c.value && (r.tombstone || r.value == *c.value) &&
         r.headers.bytes() == c.headers && r.written_ms == c.written_ms;
}

// The records of a partition one by one, up to the end that it had when it was opened.
class Cursor {
 public:
  static Result<Cursor> open(stream::Log& log, const TopicPartition& tp) {
    const auto range = log.range(tp);
    if (!range) return tl::make_unexpected(range.error());
    Cursor cursor(tp, *range);
    if (range->start == range->end) return cursor;
    const std::array from = {std::pair(tp, range->start)};
    auto reader = log.reader(from);
    if (!reader) return tl::make_unexpected(reader.error());
    cursor.reader_ = std::move(*reader);
    return cursor;
  }
  // nullptr: there is no more. Stays the same until pass().
  Result<const stream::Record*> look(const std::stop_token& stop) {
    while (reader_ != nullptr && next_ == batch_.records.size()) {
      if (stop.stop_requested()) return fail(Errc::stopped, "stopped; the same command again goes on");
      next_ = 0;
      batch_.clear();
      if (seen_ >= range_.end) break;
      if (auto polled = reader_->poll(batch_, kRecordsOfPoll, kWait); !polled) {
        return tl::make_unexpected(polled.error());
      }
      if (batch_.records.empty() && stream::reached(*reader_, tp_, seen_, range_.end, true)) break;
    }
    if (next_ == batch_.records.size() || batch_.records[next_].offset >= range_.end) return nullptr;
    return &batch_.records[next_];
  }
  void pass() { seen_ = batch_.records[next_++].offset + 1; }
  const stream::Range& range() const { return range_; }

 private:
  Cursor(TopicPartition tp, stream::Range range) : tp_(std::move(tp)), range_(range), seen_(range.start) {}
  TopicPartition tp_;
  stream::Range range_;
  std::unique_ptr<stream::Reader> reader_;
  stream::Batch batch_;
  std::size_t next_ = 0;
  Offset seen_ = 0;
};

// What is appended, in batches.
class Gathered {
 public:
  Gathered(stream::Appender& appender, const CopyOptions& options) : appender_(appender), options_(options) {}
  Result<void> add(const TopicPartition& to, const CopyRecord& r) {
    stream::NewRecord& record = records_.emplace_back();
    record.to = to;
    record.key = r.key;
    if (r.value) record.value = *r.value;
    record.headers = r.headers;
    record.written_ms = r.written_ms;
    bytes_ += r.key.size() + r.headers.size() + (r.value ? r.value->size() : 0);
    if (records_.size() < options_.batch_records_max && bytes_ < options_.batch_bytes_max) return {};
    return flush();
  }
  Result<void> flush() {
    if (records_.empty()) return {};
    auto done = appender_.append(records_);
    records_.clear();
    bytes_ = 0;
    return done;
  }

 private:
  stream::Appender& appender_;
  const CopyOptions& options_;
  std::vector<stream::NewRecord> records_;
  std::size_t bytes_ = 0;
};

}  // namespace

// ---- CopyHash -------------------------------------------------------------------------------------------------------

void CopyHash::add(std::string_view bytes) {
  add(bytes.size());
  for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
}

void CopyHash::add(std::uint64_t number) {
  for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (number >> 8 * i & 0xff)) * 1099511628211ULL;
}

void CopyHash::add(const CopyRecord& record) {
  add(record.key);
  add(record.value ? std::uint64_t{1} : 0);
  if (record.value) add(*record.value);
  add(record.headers);
  add(static_cast<std::uint64_t>(record.written_ms));
}

// ---- CopyTarget -----------------------------------------------------------------------------------------------------

Result<void> CopyTarget::look(const std::vector<TopicSpec>& source) {
  wanted_ = options_.topics;
  for (const TopicSpec& spec : source) {
    const auto at =
        std::find_if(wanted_.begin(), wanted_.end(), [&spec](const TopicSpec& w) { return w.name == spec.name; });
    if (at == wanted_.end()) {
      wanted_.push_back(spec);
    } else if (at->partitions != spec.partitions) {
      return fail(Errc::partitions_changed, "topic " + spec.name + " has " + std::to_string(spec.partitions) +
                                                " partitions in the log that is to be copied, and " +
                                                std::to_string(at->partitions) + " in the configuration");
    }
  }
  const auto found = log_.topics();
  if (!found) return tl::make_unexpected(found.error());
  for (const TopicSpec& is : *found) {
    const auto to =
        std::find_if(wanted_.begin(), wanted_.end(), [&is](const TopicSpec& w) { return w.name == is.name; });
    if (to == wanted_.end()) continue;
    if (to->partitions != is.partitions) {
      return fail(Errc::partitions_changed, "topic " + is.name + " has " + std::to_string(is.partitions) +
                                                " partitions in the target, not " + std::to_string(to->partitions));
    }
    there_.insert(is.name);
    for (int p = 0; p < is.partitions; ++p) {
      const auto range = log_.range({is.name, p});
      if (!range) return tl::make_unexpected(range.error());
      if (range->end == 0) continue;
      if (is == while_copied(*to)) {
        if (range->start == 0) continue;
        return fail(Errc::copy_refused,
                    to_string(TopicPartition{is.name, p}) + " of the target no longer begins at offset 0" + kStartAnew);
      }
      finished_.insert(is.name);
    }
  }
  return {};
}

Result<void> CopyTarget::prepare() {
  // A new topic gets what goes with its own settings, too; then it cleans up nothing.
  std::vector<TopicSpec> missing;
  std::vector<TopicSpec> open;
  for (const TopicSpec& spec : wanted_) {
    if (!there_.contains(spec.name)) missing.push_back(spec);
    if (!finished(spec.name)) open.push_back(while_copied(spec));
  }
  if (auto made = log_.create_topics(missing); !made) return made;
  if (auto set = log_.create_topics(open); !set) return set;
  auto appender = log_.appender();
  if (!appender) return tl::make_unexpected(appender.error());
  appender_ = std::move(*appender);
  return {};
}

Result<CopyTarget::Done> CopyTarget::copy(CopySource& source, const TopicPartition& tp,
                                          const std::function<void()>& told) {
  auto cursor = Cursor::open(log_, tp);
  if (!cursor) return tl::make_unexpected(cursor.error());
  const bool was_finished = finished(tp.topic);
  const auto other = [&tp](Offset offset, const char* what) {
    return fail(Errc::copy_refused, to_string(tp) + " of the target is no copy of this log (at offset " +
                                        std::to_string(offset) + ": " + what + ")" + kStartAnew);
  };
  Done done;
  CopyHash hash;
  std::optional<Gathered> gathered;
  auto read = source.each(tp, [&](const CopyRecord& record) -> Result<void> {
    const Offset offset = done.records++;
    done.changed += record.changed ? 1 : 0;
    done.bytes += record.key.size() + record.headers.size() + (record.value ? record.value->size() : 0);
    hash.add(record);
    told();
    if (gathered) return gathered->add(tp, record);
    const auto there = cursor->look(stop_);
    if (!there) return tl::make_unexpected(there.error());
    if (*there != nullptr && (*there)->offset == offset) {
      if (!same(**there, record)) return other(offset, "another record");
      cursor->pass();
      ++done.found;
      return {};
    }
    // Cleaned up since.
    if (was_finished && offset < cursor->range().end) return {};
    if (*there != nullptr) return other((*there)->offset, "where nothing is to stand yet");
    if (offset < cursor->range().end || was_finished) return other(offset, "a record is missing");
    gathered.emplace(*appender_, options_);
    return gathered->add(tp, record);
  });
  if (!read) return tl::make_unexpected(read.error());
  if (gathered) {
    if (auto flushed = gathered->flush(); !flushed) return tl::make_unexpected(flushed.error());
  } else if (cursor->range().end > done.records) {
    return fail(Errc::copy_refused, to_string(tp) + " of the target goes on behind offset " +
                                        std::to_string(done.records) +
                                        ", where the copy ends: somebody works with it already" + kStartAnew);
  }
  done.hash = hash.value();
  return done;
}

Result<void> CopyTarget::verify(const TopicPartition& tp, const Done& done, const std::function<void()>& told) {
  if (finished(tp.topic)) return {};  // it was compared record by record, and nothing was appended
  auto cursor = Cursor::open(log_, tp);
  if (!cursor) return tl::make_unexpected(cursor.error());
  CopyHash hash;
  std::int64_t records = 0;
  bool in_place = true;
  for (;;) {
    const auto record = cursor->look(stop_);
    if (!record) return tl::make_unexpected(record.error());
    if (*record == nullptr) break;
    in_place = in_place && (*record)->offset == records;
    ++records;
    hash.add(view_of(**record));
    cursor->pass();
    told();
  }
  if (records == done.records && hash.value() == done.hash && in_place) return {};
  return fail(Errc::copy_refused, to_string(tp) + " of the target, read back, is not what was written (" +
                                      std::to_string(records) + " records of " + std::to_string(done.records) +
                                      (records == done.records ? ", other bytes or places" : "") + ")" + kStartAnew);
}

Result<void> CopyTarget::commit(const CopyGroup& group, const std::vector<std::pair<TopicPartition, Offset>>& next) {
  using std::chrono::steady_clock;
  auto member = log_.join({group.name, group.topics, "copy"});
  if (!member) return tl::make_unexpected(member.error());
  const auto deadline = steady_clock::now() + options_.target_wait;
  std::set<TopicPartition> owned;
  stream::Batch batch;
  stream::Assignment change;
  stream::Transaction transaction;
  transaction.next = next;
  for (;;) {
    if (stop_.stop_requested()) return fail(Errc::stopped, "stopped; the same command again goes on");
    if (auto polled = (*member)->poll(batch, change, 100, kWait); !polled) return polled;
    for (const TopicPartition& tp : change.lost) owned.erase(tp);
    for (const TopicPartition& tp : change.gained) owned.insert(tp);
    Result<void> done = fail(Errc::copy_refused, "somebody is a member of the group `" + group.name +
                                                     "` in the target: stop it, then the same command again goes on");
    if (owned.size() == next.size()) {
      done = (*member)->commit(transaction);
      if (done) break;
      const Errc code = done.error().code;
      if (code != Errc::log_abortable && code != Errc::log_unavailable) return done;
    }
    if (steady_clock::now() >= deadline) return done;
  }
  for (const auto& [tp, offset] : next) {
    const auto is = (*member)->committed(tp);
    if (!is) return tl::make_unexpected(is.error());
    if (*is == offset) continue;
    return fail(Errc::copy_refused, "the group `" + group.name + "` is not where it was set in " + to_string(tp) +
                                        ": somebody works with the target");
  }
  return {};
}

Result<void> CopyTarget::settle() {
  return log_.create_topics(wanted_);
}

}  // namespace qc::commands
