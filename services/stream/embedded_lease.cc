#include "stream/embedded_lease.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qc::stream::embedded {
namespace {

struct flock range(short type, std::int64_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;  // l_pid stays 0, as open file description locks demand
}

}  // namespace

Result<LeaseFile> LeaseFile::open(const std::string& path, bool create) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
  if (descriptor < 0) {
    const int why = errno;
    return fail(why == ENOSPC || why == EDQUOT ? Errc::log_full : Errc::log_unavailable,
                path + " cannot be opened: " + std::strerror(why));
  }
  return LeaseFile(descriptor);
}

LeaseFile::~LeaseFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool LeaseFile::try_lock(std::int64_t byte) {
  struct flock lock = range(F_WRLCK, byte);
  return ::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0;
}

void LeaseFile::unlock(std::int64_t byte) {
  struct flock lock = range(F_UNLCK, byte);
  ::fcntl(descriptor_, F_OFD_SETLK, &lock);
}

bool LeaseFile::held_by_another(std::int64_t byte) const {
  struct flock lock = range(F_WRLCK, byte);
  return ::fcntl(descriptor_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace qc::stream::embedded
