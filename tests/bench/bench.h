// What the benchmarks that are programs of their own share: eight factors a packet, errors that end the program, CPU
// time. Functions; any thread.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "core/factor.h"

namespace qc::bench {

inline constexpr std::array kFactors = {core::Factor::PM25, core::Factor::PM10, core::Factor::SO2, core::Factor::NO2,
                                        core::Factor::CO,   core::Factor::O3,   core::Factor::TSP, core::Factor::NOx};

// A benchmark that cannot go on says why and ends.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Of this process so far, user and system.
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return s(usage.ru_utime) + s(usage.ru_stime);
}

}  // namespace qc::bench
