// Where a file's bytes come from: a path, standard input or memory; decompressed where they begin with zstd's magic
// number. Memory is bounded whatever the file's size. Lifecycle: open, read until 0. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace qc::wire {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // 0: the end. file_unreadable: the device failed, or compressed data are damaged or cut.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
  // Of the file as it is stored.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;  // 0: not known
};

Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path);  // "-": standard input
Result<std::unique_ptr<ByteSource>> bytes_of(std::string text);

}  // namespace qc::wire
