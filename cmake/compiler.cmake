# Compiler-wide settings: warnings, the linker, the compiler cache, sanitizers.

find_program(HEADRACE_CCACHE ccache)
if(HEADRACE_CCACHE)
  # The cache lies in the checkout, as everything a build makes. Depend mode saves a miss the extra
  # run of the preprocessor; without the sloppiness ccache refuses every file that uses a
  # precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_DIR=${PROJECT_SOURCE_DIR}/.cache/ccache
      CCACHE_DEPEND=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${HEADRACE_CCACHE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  else()
    add_compile_options(-fpch-preprocess)
  endif()
endif()
find_program(HEADRACE_MOLD mold)
if(HEADRACE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -Wswitch-enum
                    -fno-omit-frame-pointer)
# Designated initialisers leave the rest at its default on purpose.
add_compile_options(-Wno-missing-field-initializers)
# A new ErrorCode must not compile until every face has decided what it means there, and a dropped
# Result must not compile at all.
add_compile_options(-Werror=switch -Werror=unused-result -Werror=return-type)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wthread-safety -Werror=thread-safety)
else()
  # g++ 12 reports these falsely inside coroutine frames, std::expected and std::string.
  add_compile_options(-Wno-maybe-uninitialized -Wno-mismatched-new-delete
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-dangling-pointer
                      -Wno-array-bounds -Wno-restrict)
endif()

if(HEADRACE_SANITIZE)
  add_compile_options(-fsanitize=${HEADRACE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEADRACE_SANITIZE})
endif()

# One configuration of Asio everywhere: header-only, no deprecated names.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
