// SPDX-License-Identifier: Apache-2.0
// Feeds every file of a folder to a fuzzer's entry function: what once broke stays mended, whatever
// compiler builds it.
//
// usage: PROGRAM CORPUS_FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/fuzz_input.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: PROGRAM CORPUS_FOLDER\n", stderr);
    return 2;
  }
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // A failed check ends the process: the last name printed is the input that did it.
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    ++count;
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
