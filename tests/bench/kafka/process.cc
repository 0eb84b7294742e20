#include "process.h"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kafka_io.h"

namespace qc::bench {
namespace {

// Fields of /proc/PID/stat, counted from 1 as proc(5) does; the name (2) may hold anything, so they are read behind it.
constexpr std::size_t kFirstField = 3;
constexpr std::size_t kUserTime = 14;
constexpr std::size_t kChildrenSystemTime = 17;
constexpr std::size_t kStartTime = 22;

std::vector<std::string> stat_of(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) die("process " + std::to_string(pid) + " is gone");
  std::istringstream fields(line.substr(name_end + 1));
  std::vector<std::string> all(kFirstField);
  for (std::string field; fields >> field;) all.push_back(field);
  if (all.size() <= kStartTime) die("/proc/" + std::to_string(pid) + "/stat is short");
  return all;
}

double ticks(const std::string& field) {
  return std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

double cpu_seconds(int pid) {
  const auto stat = stat_of(pid);
  double sum = 0;
  for (std::size_t i = kUserTime; i <= kChildrenSystemTime; ++i) sum += ticks(stat[i]);
  return sum;
}

double seconds_since_start(int pid) {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 - ticks(stat_of(pid)[kStartTime]);
}

std::int64_t peak_memory_bytes(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  die("process " + std::to_string(pid) + " is gone");
}

}  // namespace qc::bench
