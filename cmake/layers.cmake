# One function per kind of target. A layer is a folder under src/headrace/; a file's suffix says
# what it is: x.cc belongs to the layer's library, x_test.cc to its tests, x_fuzz.cc to its fuzzers.
# Programs (main.cc) belong to neither.

set(HEADRACE_LAYERS "" CACHE INTERNAL "")

function(headrace_target_name out layer)
  string(REPLACE "/" "_" name ${layer})
  set(${out} headrace_${name} PARENT_SCOPE)
endfunction()

# The precompiled headers hold what nearly every file includes and what is slow to parse: one for
# the layers, and one with GoogleTest for testing/ and the tests. The first target to ask builds its
# header, the others share it.
set(HEADRACE_PRECOMPILED
    <algorithm> <chrono> <cstdint> <expected> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <utility> <vector> <fmt/format.h> <boost/asio/awaitable.hpp>
    <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp> <boost/asio/steady_timer.hpp>
    <boost/asio/use_awaitable.hpp>)

function(headrace_precompile target)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  if(target STREQUAL headrace_base)
    target_precompile_headers(${target} PRIVATE ${HEADRACE_PRECOMPILED})
  else()
    target_precompile_headers(${target} REUSE_FROM headrace_base)
  endif()
endfunction()

# What test code is compiled with. The layers it tests are the program's own objects, but for what
# headers define; the test code itself runs once, for a fraction of what optimising it takes.
function(headrace_test_code target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O0)
  endif()
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  if(target STREQUAL headrace_testing)
    target_precompile_headers(${target} PRIVATE ${HEADRACE_PRECOMPILED} <gmock/gmock.h>
                                                <gtest/gtest.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM headrace_testing)
  endif()
endfunction()

function(headrace_layer layer)
  cmake_parse_arguments(ARG "" "" "USES;LIBRARIES" ${ARGN})
  headrace_target_name(target ${layer})
  set(folder ${PROJECT_SOURCE_DIR}/src/headrace/${layer})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc ${folder}/*.h)
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_benchmark|/main)\\.cc$")
  if(NOT sources)
    add_library(${target} INTERFACE)
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src
                                              ${PROJECT_SOURCE_DIR}/include)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX POSITION_INDEPENDENT_CODE ON)
  foreach(used ${ARG_USES})
    headrace_target_name(used_target ${used})
    target_link_libraries(${target} PUBLIC ${used_target})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_LIBRARIES})
  headrace_precompile(${target})
  set(HEADRACE_LAYERS ${HEADRACE_LAYERS} ${layer} CACHE INTERNAL "")
endfunction()

# A unit test runs with the C library's checking heap: AddressSanitizer sees clang's code alone, and
# g++ 12 destroys some temporaries twice (docs/decisions/0002).
function(headrace_unit_test target)
  add_test(NAME ${target} COMMAND ${target} ${ARGN})
  set_tests_properties(${target} PROPERTIES LABELS unit TIMEOUT 120)
  if(HEADRACE_CHECKING_HEAP AND NOT HEADRACE_SANITIZE)
    set_property(TEST ${target} PROPERTY ENVIRONMENT LD_PRELOAD=${HEADRACE_CHECKING_HEAP}
                                         GLIBC_TUNABLES=glibc.malloc.check=3 MALLOC_PERTURB_=165)
  endif()
endfunction()

# testing/ lets a test pretend to be the world. No production target links it.
function(headrace_testing_library)
  if(NOT HEADRACE_TESTS)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/testing/*.cc
       ${PROJECT_SOURCE_DIR}/testing/*.h)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  add_library(headrace_testing STATIC ${sources})
  set_target_properties(headrace_testing PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(headrace_testing PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(headrace_testing PUBLIC headrace_store GTest::gtest GTest::gmock)
  headrace_test_code(headrace_testing)
  file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/testing/*_test.cc)
  add_executable(headrace_testing_tests ${tests})
  target_link_libraries(headrace_testing_tests PRIVATE headrace_testing GTest::gtest_main)
  headrace_test_code(headrace_testing_tests)
  headrace_unit_test(headrace_testing_tests)
endfunction()

function(headrace_program name)
  cmake_parse_arguments(ARG "" "MAIN;LAYER" "" ${ARGN})
  headrace_target_name(layer_target ${ARG_LAYER})
  add_executable(${name} ${ARG_MAIN})
  target_link_libraries(${name} PRIVATE ${layer_target})
  target_compile_definitions(${name} PRIVATE HEADRACE_VERSION="${PROJECT_VERSION}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endfunction()

# One test program per layer: headrace_<layer>_tests, a ctest entry of the same name.
function(headrace_layer_tests)
  if(NOT HEADRACE_TESTS)
    return()
  endif()
  foreach(layer ${HEADRACE_LAYERS})
    headrace_target_name(target ${layer})
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/headrace/${layer}/*_test.cc)
    if(tests)
      add_executable(${target}_tests ${tests})
      target_link_libraries(${target}_tests PRIVATE ${target} headrace_testing GTest::gtest_main
                                                    GTest::gmock)
      headrace_test_code(${target}_tests)
      headrace_unit_test(${target}_tests)
    endif()
  endforeach()
endfunction()

# fuzz/x_fuzz.cc with the corpus fuzz/corpus/x: a libFuzzer program fuzz_x with HEADRACE_FUZZ
# (preset fuzz), else a test that replays the corpus.
function(headrace_fuzzers)
  if(NOT HEADRACE_TESTS)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cc)
  foreach(source ${sources})
    cmake_path(GET source STEM name)
    string(REPLACE "_fuzz" "" name ${name})
    if(HEADRACE_FUZZ)
      set(target fuzz_${name})
      add_executable(${target} ${source})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      set(target headrace_replay_${name})
      add_executable(${target} ${source} ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cc)
      headrace_unit_test(${target} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name})
    endif()
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE headrace_gateway headrace_format)
  endforeach()
endfunction()

# A program that must make the checking heap speak.
function(headrace_checking_heap_test)
  if(NOT HEADRACE_TESTS OR NOT HEADRACE_CHECKING_HEAP OR HEADRACE_SANITIZE)
    return()
  endif()
  add_executable(heap_overrun ${PROJECT_SOURCE_DIR}/tests/sanitizers/heap_overrun.cc)
  headrace_unit_test(heap_overrun)
endfunction()

# Programs that must make each sanitizer speak, and one target for all that runs under them; their
# tests carry the label "sanitized" (tests/sanitizers/run).
function(headrace_sanitizer_tests)
  if(NOT HEADRACE_TESTS OR NOT HEADRACE_SANITIZE)
    return()
  endif()
  set(targets)
  foreach(pair "address|use_after_free|heap-use-after-free" "thread|data_race|data race"
               "undefined|signed_overflow|signed integer overflow")
    string(REPLACE "|" ";" pair "${pair}")
    list(GET pair 0 sanitizer)
    list(GET pair 1 name)
    list(GET pair 2 report)
    if(HEADRACE_SANITIZE MATCHES ${sanitizer})
      add_executable(sanitizer_${name} ${PROJECT_SOURCE_DIR}/tests/sanitizers/${name}.cc)
      target_link_libraries(sanitizer_${name} PRIVATE Threads::Threads)
      add_test(NAME sanitizer_notices_${name} COMMAND sanitizer_${name})
      set_tests_properties(sanitizer_notices_${name} PROPERTIES PASS_REGULAR_EXPRESSION "${report}"
                                                                LABELS sanitized)
      list(APPEND targets sanitizer_${name})
    endif()
  endforeach()
  # The layers whose memory is shared between threads and tasks. Each program takes minutes to build
  # under a sanitizer; ThreadSanitizer gets those that start threads and pass work between them.
  set(programs base net store fetch)
  if(NOT HEADRACE_SANITIZE MATCHES thread)
    list(APPEND programs deliver_file testing)
  endif()
  foreach(program ${programs})
    if(TARGET headrace_${program}_tests)
      list(APPEND targets headrace_${program}_tests)
      set_property(TEST headrace_${program}_tests APPEND PROPERTY LABELS sanitized)
    endif()
  endforeach()
  add_custom_target(sanitized_tests DEPENDS ${targets})
endfunction()
