# One function per library: finds it once, with the package to install in the error.
macro(qc_need name package)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${name} is missing: apt-get install ${package}")
  endif()
endmacro()

function(qc_need_protobuf)
  find_package(Protobuf QUIET MODULE GLOBAL)
  qc_need(Protobuf "libprotobuf-dev protobuf-compiler")
endfunction()

function(qc_need_boost)
  find_package(Boost 1.81 QUIET CONFIG GLOBAL COMPONENTS json)
  qc_need(Boost "libboost1.81-dev libboost-json1.81-dev")
endfunction()

function(qc_need_prometheus)
  find_package(prometheus-cpp QUIET CONFIG GLOBAL)
  qc_need(prometheus-cpp "prometheus-cpp-dev")
endfunction()

function(qc_need_yaml)
  find_package(yaml-cpp QUIET CONFIG GLOBAL)
  qc_need(yaml-cpp "libyaml-cpp-dev")
endfunction()

function(qc_need_spdlog)
  find_package(spdlog QUIET CONFIG GLOBAL)
  qc_need(spdlog "libspdlog-dev")
endfunction()

function(qc_need_cli11)
  find_package(CLI11 QUIET CONFIG GLOBAL)
  qc_need(CLI11 "libcli11-dev")
endfunction()

function(qc_need_expected)
  find_package(tl-expected QUIET CONFIG GLOBAL)
  qc_need(tl-expected "libexpected-dev")
endfunction()

function(qc_need_openssl)
  find_package(OpenSSL QUIET GLOBAL)
  qc_need(OpenSSL "libssl-dev")
endfunction()

function(qc_need_zlib)
  find_package(ZLIB QUIET GLOBAL)
  qc_need(ZLIB "zlib1g-dev")
endfunction()

# pkg-config libraries: qc_need_pkg(sqlite3 libsqlite3-dev) gives PkgConfig::sqlite3.
function(qc_need_pkg module package)
  find_package(PkgConfig QUIET REQUIRED)
  pkg_check_modules(${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  qc_need(${module} "${package}")
endfunction()

function(qc_need_gtest)
  find_package(GTest QUIET CONFIG GLOBAL)
  qc_need(GTest "libgtest-dev libgmock-dev")
endfunction()

function(qc_need_benchmark)
  find_package(benchmark QUIET CONFIG GLOBAL)
  qc_need(benchmark "libbenchmark-dev")
endfunction()
