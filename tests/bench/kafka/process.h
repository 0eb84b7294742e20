// What a process has used, from /proc: its own threads and the children that it waited for. A process that is gone ends
// the program: figures without it would be wrong.
#pragma once

#include <cstdint>

namespace qc::bench {

double cpu_seconds(int pid);              // user and system
double seconds_since_start(int pid);      // to a hundredth
std::int64_t peak_memory_bytes(int pid);  // VmHWM

}  // namespace qc::bench
