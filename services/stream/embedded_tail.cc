#include "stream/embedded_tail.h"

#include <algorithm>
#include <cstring>

namespace qc::stream::embedded {
namespace {

constexpr std::size_t kBlockBytes = 256UL << 10;
// What a batch keeps for its next poll; a burst of big records is not held for ever.
constexpr std::size_t kKeptBytes = 8UL << 20;

// Also the mark by which a Batch's owner is known as ours.
struct DeleteArena {
  void operator()(Arena* arena) const { delete arena; }
};

Arena& arena_of(Batch& batch) {
  const bool ours = std::get_deleter<DeleteArena>(batch.owner) != nullptr;
  if (!ours || batch.owner.use_count() != 1) batch.owner = std::shared_ptr<Arena>(new Arena, DeleteArena{});
  auto& arena = *static_cast<Arena*>(batch.owner.get());
  arena.reset();
  return arena;
}

}  // namespace

void Arena::reset() {
  std::size_t kept = 0;
  std::size_t blocks = 0;
  while (blocks < blocks_.size() && kept + blocks_[blocks].size <= kKeptBytes) kept += blocks_[blocks++].size;
  blocks_.resize(blocks);
  next_block_ = 0;
  at_ = nullptr;
  room_ = 0;
  used_ = 0;
}

void Arena::grow(std::size_t bytes) {
  while (next_block_ < blocks_.size() && blocks_[next_block_].size < bytes) ++next_block_;
  if (next_block_ == blocks_.size()) {
    const std::size_t size = std::max(bytes, kBlockBytes);
    blocks_.push_back(Block{std::unique_ptr<char[]>(new char[size]), size});
  }
  at_ = blocks_[next_block_].bytes.get();
  room_ = blocks_[next_block_].size;
  ++next_block_;
}

Result<std::unique_ptr<Tail>> Tail::open(Core& core) {
  auto database = core.connect(Database::Access::Read);
  if (!database) return tl::make_unexpected(database.error());
  std::unique_ptr<Tail> tail(new Tail(core, std::move(*database)));
  const std::pair<Statement*, const char*> statements[] = {
      {&tail->begin_, "BEGIN"}, {&tail->end_, "COMMIT"}, {&tail->data_version_, "PRAGMA data_version"}};
  for (const auto& [statement, sql] : statements) {
    auto prepared = tail->database_.prepare(sql);
    if (!prepared) return tl::make_unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  return tail;
}

Result<void> Tail::add(const Partition& partition, Offset from) {
  auto select = database_.prepare("SELECT offset, written_ms, key, value, headers FROM " + records_table(partition.id) +
                                  " WHERE offset >= ?1 ORDER BY offset");
  if (!select) return tl::make_unexpected(select.error());
  remove(partition);
  auto cursor = std::make_unique<Cursor>();
  cursor->partition = &partition;
  cursor->next = from;
  cursor->select = std::move(*select);
  cursors_.push_back(std::move(cursor));
  drained_ = false;
  return {};
}

void Tail::remove(const Partition& partition) {
  std::erase_if(cursors_, [&](const auto& cursor) { return cursor->partition == &partition; });
}

Tail::Cursor* Tail::find(const Partition& partition) {
  for (const auto& cursor : cursors_) {
    if (cursor->partition == &partition) return cursor.get();
  }
  return nullptr;
}

bool Tail::seek(const Partition& partition, Offset to) {
  Cursor* cursor = find(partition);
  if (cursor == nullptr) return false;
  cursor->next = to;
  drained_ = false;
  return true;
}

bool Tail::pause(const Partition& partition, bool paused) {
  Cursor* cursor = find(partition);
  if (cursor == nullptr) return false;
  cursor->paused = paused;
  drained_ = false;
  return true;
}

// Another number after a commit of any other connection, in this process or not.
Result<std::int64_t> Tail::version() {
  const Resetting reset(data_version_);
  const auto row = data_version_.next("looking for new records");
  if (!row) return tl::make_unexpected(row.error());
  return data_version_.integer(0);
}

Result<void> Tail::read(Batch& out, std::size_t max) {
  out.clear();
  Arena& arena = arena_of(out);
  const std::uint64_t rings = core_.bell.rings();
  const auto version = this->version();
  if (!version) return tl::make_unexpected(version.error());
  if (drained_ && *version == seen_version_) {
    seen_rings_ = rings;
    return {};
  }
  if (auto begun = begin_.run("beginning to read"); !begun) return begun;
  auto all = read_all(out, arena, max);
  if (auto ended = end_.run("ending to read"); !ended) {
    database_.roll_back();
    if (all) all = ended;
  }
  if (!all) {
    out.clear();
    return all;
  }
  for (const auto& cursor : cursors_) cursor->next = cursor->reached;  // after an error, they are all read again
  drained_ = std::all_of(cursors_.begin(), cursors_.end(), [](const auto& c) { return c->paused || c->drained; });
  seen_version_ = *version;
  seen_rings_ = rings;
  return {};
}

Result<void> Tail::read_all(Batch& out, Arena& arena, std::size_t max) {
  if (cursors_.empty()) return {};
  for (const auto& cursor : cursors_) {
    cursor->drained = false;
    cursor->reached = cursor->next;
  }
  first_ = (first_ + 1) % cursors_.size();
  const std::size_t share = (max + cursors_.size() - 1) / cursors_.size();
  // First everyone's share, so that none runs far ahead of the others; then what is left over to whoever has more.
  for (const bool leftovers : {false, true}) {
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      Cursor& cursor = *cursors_[(first_ + i) % cursors_.size()];
      const std::size_t room = max - out.records.size();
      if (room == 0 || arena.used() >= core_.options.poll_bytes_max) return {};
      if (cursor.paused || cursor.drained) continue;
      if (auto read = read_one(cursor, out, arena, leftovers ? room : std::min(share, room)); !read) return read;
    }
  }
  return {};
}

Result<void> Tail::read_one(Cursor& cursor, Batch& out, Arena& arena, std::size_t max) {
  Statement& select = cursor.select;
  const Resetting reset(select);
  select.bind(1, cursor.reached);
  for (std::size_t count = 0; count < max && arena.used() < core_.options.poll_bytes_max; ++count) {
    const int code = select.step();
    if (code == SQLITE_DONE) {
      cursor.drained = true;
      return {};
    }
    if (code != SQLITE_ROW) {
      return tl::make_unexpected(select.error(code, "reading " + to_string(cursor.partition->name)));
    }
    const std::string_view key = select.bytes(2);
    const bool tombstone = select.null(3);
    const std::string_view value = select.bytes(3);
    const std::string_view headers = select.bytes(4);
    char* at = arena.take(key.size() + value.size() + headers.size());
    const auto keep = [&at](std::string_view bytes) -> std::string_view {
      if (bytes.empty()) return {};
      std::memcpy(at, bytes.data(), bytes.size());
      const std::string_view kept(at, bytes.size());
      at += bytes.size();
      return kept;
    };
    Record& record = out.records.emplace_back();
    record.from = &cursor.partition->name;
    record.offset = select.integer(0);
    record.written_ms = select.integer(1);
    record.key = keep(key);
    record.value = keep(value);
    record.tombstone = tombstone;
    record.headers = RecordHeaders(keep(headers));
    cursor.reached = record.offset + 1;
  }
  return {};
}

Result<void> Tail::wait(Deadline deadline) {
  if (!drained_ && !cursors_.empty()) return {};
  while (std::chrono::steady_clock::now() < deadline) {
    core_.bell.wait(seen_rings_, std::min(deadline, std::chrono::steady_clock::now() + core_.options.tail_interval));
    seen_rings_ = core_.bell.rings();
    const auto version = this->version();
    if (!version) return tl::make_unexpected(version.error());
    if (*version != seen_version_) return {};
  }
  return {};
}

}  // namespace qc::stream::embedded
