# How everything is compiled: C++20, warnings are errors, ccache and mold where they are installed.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(QC_SANITIZE "" CACHE STRING "address,undefined or thread; empty: none")
option(QC_FUZZ "build the libFuzzer targets (needs clang)" OFF)
option(QC_UNITY "compile a room's files in batches: a third of the work" OFF)

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
target_compile_options(qc_warnings INTERFACE -Wall -Wextra -Wconversion -Werror)
# In a batch every file's own names stand before those of the next: only apart does -Wshadow speak of the code. The
# preset dev and clang-tidy compile apart. gcc takes the first file of a batch for the main one.
target_compile_options(qc_warnings INTERFACE
  "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wshadow>"
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>")

if(QC_SANITIZE)
  add_compile_options(-fsanitize=${QC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QC_SANITIZE})
endif()
if(QC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
