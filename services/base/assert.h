// QC_ASSERT: a broken invariant is a bug; it stops the process in release builds too, before it can publish a wrong
// figure. Never used for bad input (that is a value, `Rejected`) nor for expected failures (`Result`).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace qc {

[[noreturn]] inline void assert_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "bug: %s does not hold at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace qc

#define QC_ASSERT(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::qc::assert_failed(#condition, __FILE__, __LINE__))
