#include "platform/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace qc::platform {
namespace {

// An open file, closed when it goes.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool sync() const { return ::fsync(fd_) == 0; }

 private:
  int fd_;
};

tl::unexpected<Error> cannot(const std::string& path) {
  const int why = errno;
  return fail(Errc::file_unreadable, "cannot write `" + path + "`: " + std::strerror(why));
}

}  // namespace

Result<void> write_whole_file(const std::string& path, std::string_view bytes) {
  const std::string unfinished = path + ".new";
  {
    const File file(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open() || !file.write(bytes) || !file.sync()) return cannot(unfinished);
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) return cannot(path);
  // The new name is on the disk only when its directory is.
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const File directory(parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || !directory.sync()) return cannot(path);
  return {};
}

}  // namespace qc::platform
