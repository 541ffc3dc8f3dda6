# Third-party libraries, all of them Debian 12 packages (tools/install_deps.sh installs them).

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(pugixml 1.12 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
# The metrics and their text alone; the CMake package would want its HTTP server's libraries too.
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)

find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(xxhash INTERFACE)
target_include_directories(xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE})
target_link_libraries(xxhash INTERFACE ${XXHASH_LIBRARY})

if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)
endif()
find_package(Boost 1.81 CONFIG QUIET)
if(NOT TARGET Boost::headers)
  find_package(Boost 1.81 REQUIRED)
endif()

# Debian ships these two without a CMake package that 3.25 finds.
add_library(tomlplusplus INTERFACE)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
find_library(TOMLPLUSPLUS_LIBRARY tomlplusplus)
target_include_directories(tomlplusplus SYSTEM INTERFACE ${TOMLPLUSPLUS_INCLUDE})
if(TOMLPLUSPLUS_LIBRARY)
  target_link_libraries(tomlplusplus INTERFACE ${TOMLPLUSPLUS_LIBRARY})
endif()

add_library(simdjson INTERFACE)
find_path(SIMDJSON_INCLUDE simdjson.h REQUIRED)
find_library(SIMDJSON_LIBRARY simdjson REQUIRED)
target_include_directories(simdjson SYSTEM INTERFACE ${SIMDJSON_INCLUDE})
target_link_libraries(simdjson INTERFACE ${SIMDJSON_LIBRARY})

# CMake renamed this target in 4.0.
if(NOT TARGET SQLite3::SQLite3)
  add_library(SQLite3::SQLite3 ALIAS SQLite::SQLite3)
endif()
if(HEADRACE_TESTS)
  find_package(GTest 1.12 REQUIRED)
  # glibc's own; another C library has none.
  find_file(HEADRACE_CHECKING_HEAP libc_malloc_debug.so.0 PATHS /lib /usr/lib /lib64 /usr/lib64
            PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE})
endif()
