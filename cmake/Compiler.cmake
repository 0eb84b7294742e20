# How everything is compiled: C++20, warnings are errors, ccache and mold where they are installed.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(QC_SANITIZE "" CACHE STRING "address,undefined or thread; empty: none")
option(QC_FUZZ "build the libFuzzer targets (needs clang)" OFF)

find_program(QC_CCACHE ccache)
if(QC_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QC_CCACHE})
endif()
find_program(QC_MOLD mold)
if(QC_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Our code; generated code is compiled without.
add_library(qc_warnings INTERFACE)
target_compile_options(qc_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)

if(QC_SANITIZE)
  add_compile_options(-fsanitize=${QC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QC_SANITIZE})
endif()
if(QC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
