// Ownership as the system keeps it: byte range locks of an open file description (Linux's F_OFD_SETLK) in DIR/leases.
// They exclude other processes and other members of the same process alike, and are gone the moment their process is.
//
// Byte group * 65536 + number belongs to a group's partition (groups count from 1); byte 0 to maintenance, byte 1 to
// the making of the file.
//
// Lifecycle: one LeaseFile per owner; closing it gives all its locks up. Threads: any (each call is one system call).
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace qc::stream::embedded {

inline constexpr std::int64_t kMaintenanceLock = 0;
inline constexpr std::int64_t kCreationLock = 1;
constexpr std::int64_t lease_lock(std::int64_t group, int number) {
  return group * 65536 + number;
}

class LeaseFile {
 public:
  static Result<LeaseFile> open(const std::string& path, bool create);
  ~LeaseFile();
  LeaseFile(LeaseFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LeaseFile& operator=(LeaseFile&&) = delete;

  bool try_lock(std::int64_t byte);  // also true where this LeaseFile has it already
  void unlock(std::int64_t byte);
  bool held_by_another(std::int64_t byte) const;

 private:
  explicit LeaseFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace qc::stream::embedded
