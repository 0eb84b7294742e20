#include "qingchuan/replay_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/bytes.h"
#include "stream/read_range.h"

namespace qc::commands {
namespace {

constexpr std::string_view kMagic = "QCSNAP01";
constexpr std::size_t kMagicName = 6;  // of it the part that is the same in every version
constexpr std::size_t kCrcBytes = 4;
constexpr const char* kFile = "qingchuan.snapshot";

std::uint32_t crc(std::string_view bytes, std::string_view more = {}) {
  boost::crc_32_type sum;
  sum.process_bytes(bytes.data(), bytes.size());
  sum.process_bytes(more.data(), more.size());
  return sum.checksum();
}

std::string crc_bytes(std::uint32_t sum) {
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(sum >> shift & 0xffU);
  return bytes;
}

tl::unexpected<Error> invalid(const std::string& what) {
  return fail(Errc::snapshot_invalid, "the snapshot " + what);
}

Error cannot(const std::string& what, const std::string& path) {
  return {Errc::file_unreadable, "cannot " + what + " " + path + ": " + std::strerror(errno)};
}

Result<void> write_durably(const std::string& path, std::string_view bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return tl::make_unexpected(cannot("write", path));
  Result<void> done;
  while (done && !bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      done = tl::make_unexpected(cannot("write", path));
    }
  }
  if (done && fsync(file) != 0) done = tl::make_unexpected(cannot("write", path));
  if (close(file) != 0 && done) done = tl::make_unexpected(cannot("write", path));
  return done;
}

}  // namespace

std::string encode_snapshot(const Snapshot& snapshot) {
  std::string bytes(kMagic);
  core::ByteWriter out(bytes);
  out.u64(snapshot.stages.size());
  for (const auto& [maker, stage] : snapshot.stages) {
    out.u64(static_cast<std::uint64_t>(maker.stage));
    out.u64(static_cast<std::uint64_t>(maker.partition));
    out.i64(stage.position);
    out.u64(stage.fingerprint);
    out.text(stage.rules);
    out.u64(stage.entries.size());
    for (const auto& [key, value] : stage.entries) {
      out.text(key);
      out.text(value);
    }
  }
  return bytes + crc_bytes(crc(bytes));
}

Result<Snapshot> decode_snapshot(std::string_view bytes) {
  if (!bytes.starts_with(kMagic.substr(0, kMagicName))) return invalid("is no snapshot of a replay");
  if (!bytes.starts_with(kMagic)) return invalid("is of another version: this binary knows " + std::string(kMagic));
  if (bytes.size() < kMagic.size() + kCrcBytes) return invalid("is damaged: it is cut off");
  const std::string_view content = bytes.substr(0, bytes.size() - kCrcBytes);
  if (crc_bytes(crc(content)) != bytes.substr(content.size())) return invalid("is damaged: its checksum is wrong");
  Snapshot snapshot;
  core::ByteReader in(content.substr(kMagic.size()));
  for (std::size_t stages = in.size(); stages > 0 && in.ok(); --stages) {
    Maker maker;
    maker.stage = in.u64_to(1) == 0 ? ReplayStage::Readings : ReplayStage::Regions;
    maker.partition = static_cast<int>(in.u64_to(std::numeric_limits<int>::max()));
    StageSnapshot& stage = snapshot.stages[maker];
    stage.position = in.i64_in(0, std::numeric_limits<stream::Offset>::max());
    stage.fingerprint = static_cast<std::uint32_t>(in.u64_to(std::numeric_limits<std::uint32_t>::max()));
    stage.rules = in.text();
    for (std::size_t entries = in.size(); entries > 0 && in.ok(); --entries) {
      std::string key(in.text());
      stage.entries[std::move(key)] = in.text();
    }
  }
  if (!in.done()) return invalid("is damaged: it does not say what it should");
  return snapshot;
}

Result<void> write_snapshot(const std::string& directory, const Snapshot& snapshot) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(Errc::file_unreadable, "cannot make " + directory + ": " + error.message());
  const std::string path = directory + "/" + kFile;
  const std::string unfinished = path + ".unfinished";
  if (auto written = write_durably(unfinished, encode_snapshot(snapshot)); !written) return written;
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) return tl::make_unexpected(cannot("write", path));
  return {};
}

Result<Snapshot> read_snapshot(const std::string& directory) {
  const std::string path = directory + "/" + kFile;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  if (!file || !(bytes << file.rdbuf())) return tl::make_unexpected(cannot("read", path));
  auto snapshot = decode_snapshot(bytes.str());
  if (!snapshot) return fail(snapshot.error().code, path + ": " + snapshot.error().text);
  return snapshot;
}

Result<std::optional<std::uint32_t>> fingerprint(stream::Log& log, const stream::TopicPartition& input,
                                                 stream::Offset next) {
  std::optional<std::uint32_t> sum;
  if (next == 0) return sum;
  const auto range = log.range(input);
  if (!range) return tl::make_unexpected(range.error());
  // Before the start and behind the end there is nothing to wait for.
  if (next <= range->start || next > range->end) return sum;
  const std::array before = {stream::Stretch{input, next - 1, next}};
  const auto read = stream::read_range(log, before, [&](const stream::Record& r) {
    sum = crc(r.key, r.value);
    return false;
  });
  if (!read) return tl::make_unexpected(read.error());
  return sum;
}

Result<void> check_snapshot(stream::Log& log, const stream::TopicPartition& input, const StageSnapshot& snapshot) {
  const auto range = log.range(input);
  if (!range) return tl::make_unexpected(range.error());
  if (snapshot.position <= range->end) {
    const auto here = fingerprint(log, input, snapshot.position);
    if (!here) return tl::make_unexpected(here.error());
    if (!*here || **here == snapshot.fingerprint) return {};
  }
  return invalid("is of another log: " + stream::to_string(input) + " holds another record before " +
                 std::to_string(snapshot.position) + ", or none");
}

}  // namespace qc::commands
