# qc_room(core SOURCES a.cc b.cc LINKS qc_base TESTS a_test.cc b_test.cc TEST_LINKS ...)
# One library per room, with the unit tests that stand beside its files as one program `<room>_test`.
#
# With QC_UNITY the files are compiled in batches (a third of the work on a machine with few cores). APART names files
# that keep a translation unit of their own, TESTS_APART says it of all tests: where an overload of another file could
# change what a call means, a batch would test something else.
function(qc_room name)
  cmake_parse_arguments(A "TESTS_APART" "TEST_SHARDS" "SOURCES;LINKS;TESTS;TEST_LINKS;APART" ${ARGN})
  add_library(qc_${name} STATIC ${A_SOURCES})
  target_include_directories(qc_${name} PUBLIC ${PROJECT_SOURCE_DIR}/services)
  target_link_libraries(qc_${name} PUBLIC ${A_LINKS} PRIVATE qc_warnings)
  qc_batches(qc_${name})
  if(A_TESTS)
    qc_test(${name}_test SOURCES ${A_TESTS} LINKS qc_${name} ${A_TEST_LINKS} SHARDS ${A_TEST_SHARDS})
    if(NOT A_TESTS_APART)
      qc_batches(${name}_test)
    endif()
  endif()
  if(A_APART)
    set_source_files_properties(${A_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

function(qc_batches target)
  if(QC_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  endif()
endfunction()

# A GoogleTest program, one ctest entry per program (fast to start, and the log shows each case). With SHARDS n, n
# entries `<name>_1` .. `<name>_n` that share its cases and can run at once.
function(qc_test name)
  cmake_parse_arguments(A "" "SHARDS" "SOURCES;LINKS;LABELS" ${ARGN})
  qc_need_gtest()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LINKS} GTest::gtest GTest::gmock GTest::gtest_main qc_warnings)
  target_compile_definitions(${name} PRIVATE QC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  qc_check(${name})
  set(labels "unit;${A_LABELS}")
  if(NOT A_SHARDS)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS "${labels}")
    return()
  endif()
  foreach(shard RANGE 1 ${A_SHARDS})
    math(EXPR index "${shard} - 1")
    add_test(NAME ${name}_${shard} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name}_${shard} PROPERTIES TIMEOUT 900 LABELS "${labels}"
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${A_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# A libFuzzer target; its corpus of seeds stands in tests/fuzz/<name>/.
function(qc_fuzz name)
  cmake_parse_arguments(A "" "" "SOURCES;LINKS" ${ARGN})
  if(QC_FUZZ)
    add_executable(${name} ${A_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE ${A_LINKS} qc_warnings)
    qc_check(${name})
  endif()
endfunction()

# `cmake --build ... --target qc_checks`: the unit tests and fuzz targets and what they need; what the sanitizers run.
function(qc_check target)
  if(NOT TARGET qc_checks)
    add_custom_target(qc_checks)
  endif()
  add_dependencies(qc_checks ${target})
endfunction()

# A Google Benchmark program.
function(qc_bench name)
  cmake_parse_arguments(A "" "" "SOURCES;LINKS" ${ARGN})
  qc_need_benchmark()
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_LINKS} benchmark::benchmark qc_warnings)
endfunction()
