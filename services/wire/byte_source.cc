#include "wire/byte_source.h"

#include <sys/stat.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

namespace qc::wire {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

class FileBytes final : public ByteSource {
 public:
  FileBytes(std::string path, std::FILE* file, std::uint64_t total)
      : path_(std::move(path)), file_(file), total_(total) {}
  ~FileBytes() override {
    if (file_ != stdin) std::fclose(file_);
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t n = std::fread(into.data(), 1, into.size(), file_);
    if (n == 0 && std::ferror(file_) != 0) return fail(Errc::file_unreadable, path_ + ": " + std::strerror(errno));
    read_ += n;
    return n;
  }
  std::uint64_t bytes_read() const override { return read_; }
  std::uint64_t bytes_total() const override { return total_; }

 private:
  std::string path_;
  std::FILE* file_;
  std::uint64_t total_;
  std::uint64_t read_ = 0;
};

class MemoryBytes final : public ByteSource {
 public:
  explicit MemoryBytes(std::string text) : text_(std::move(text)) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t n = std::min(into.size(), text_.size() - at_);
    std::copy_n(text_.data() + at_, n, into.data());
    at_ += n;
    return n;
  }
  std::uint64_t bytes_read() const override { return at_; }
  std::uint64_t bytes_total() const override { return text_.size(); }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

// Gives back the bytes that were looked at to find out what the file is.
class Prefixed final : public ByteSource {
 public:
  Prefixed(std::string prefix, std::unique_ptr<ByteSource> rest) : prefix_(std::move(prefix)), rest_(std::move(rest)) {}
  Result<std::size_t> read(std::span<char> into) override {
    if (prefix_.empty()) return rest_->read(into);
    const std::size_t n = std::min(into.size(), prefix_.size());
    std::copy_n(prefix_.data(), n, into.data());
    prefix_.erase(0, n);
    return n;
  }
  std::uint64_t bytes_read() const override { return rest_->bytes_read(); }
  std::uint64_t bytes_total() const override { return rest_->bytes_total(); }

 private:
  std::string prefix_;
  std::unique_ptr<ByteSource> rest_;
};

class ZstdBytes final : public ByteSource {
 public:
  explicit ZstdBytes(std::unique_ptr<ByteSource> compressed)
      : compressed_(std::move(compressed)), stream_(ZSTD_createDStream()), buffer_(kBufferBytes) {}
  ~ZstdBytes() override { ZSTD_freeDStream(stream_); }
  ZstdBytes(const ZstdBytes&) = delete;
  ZstdBytes& operator=(const ZstdBytes&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      if (input_.pos == input_.size && !drained_) {
        auto n = compressed_->read(buffer_);
        if (!n) return n;
        input_ = {buffer_.data(), *n, 0};
        drained_ = *n == 0;
      }
      if (drained_ && frame_done_) return 0;
      const std::size_t before = input_.pos;
      const std::size_t left = ZSTD_decompressStream(stream_, &out, &input_);
      if (ZSTD_isError(left) != 0) {
        return fail(Errc::file_unreadable, std::string("compressed data are damaged: ") + ZSTD_getErrorName(left));
      }
      // 0: a frame ended here; another may follow.
      if (input_.pos != before || out.pos != 0) frame_done_ = left == 0;
      if (drained_ && out.pos == 0 && !frame_done_)
        return fail(Errc::file_unreadable, "compressed data end in the middle");
    }
    return out.pos;
  }
  std::uint64_t bytes_read() const override { return compressed_->bytes_read(); }
  std::uint64_t bytes_total() const override { return compressed_->bytes_total(); }

 private:
  std::unique_ptr<ByteSource> compressed_;
  ZSTD_DStream* stream_;
  std::vector<char> buffer_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool drained_ = false;
  bool frame_done_ = false;
};

Result<std::unique_ptr<ByteSource>> decompressed(std::unique_ptr<ByteSource> raw) {
  std::string head;
  while (head.size() < kZstdMagic.size()) {
    std::array<char, 4> more{};
    auto n = raw->read(std::span<char>(more).first(kZstdMagic.size() - head.size()));
    if (!n) return tl::make_unexpected(n.error());
    if (*n == 0) break;
    head.append(more.data(), *n);
  }
  const bool zstd = head == kZstdMagic;
  auto whole = std::make_unique<Prefixed>(std::move(head), std::move(raw));
  if (!zstd) return whole;
  return std::make_unique<ZstdBytes>(std::move(whole));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path) {
  if (path == "-") return decompressed(std::make_unique<FileBytes>("standard input", stdin, 0));
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return fail(Errc::file_unreadable, path + ": " + std::strerror(errno));
  struct stat status {};
  const bool regular = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
  if (S_ISDIR(status.st_mode)) {
    std::fclose(file);
    return fail(Errc::file_unreadable, path + ": is a directory");
  }
  return decompressed(
      std::make_unique<FileBytes>(path, file, regular ? static_cast<std::uint64_t>(status.st_size) : 0));
}

Result<std::unique_ptr<ByteSource>> bytes_of(std::string text) {
  return decompressed(std::make_unique<MemoryBytes>(std::move(text)));
}

}  // namespace qc::wire
