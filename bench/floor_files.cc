// SPDX-License-Identifier: Apache-2.0
// usage: floor_files FOLDER COUNT SIZE_BYTES
//
// The floor of File mode: one thread that creates, writes and renames COUNT files, a thousand to a
// folder, and does nothing else.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: floor_files FOLDER COUNT SIZE_BYTES\n");
    return 2;
  }
  const std::string folder = argv[1];
  const int count = std::atoi(argv[2]);
  const std::vector<char> bytes(static_cast<size_t>(std::atol(argv[3])), 'x');
  mkdir(folder.c_str(), 0777);
  for (int index = 0; index < count; ++index) {
    const std::string inner = fmt::format("{}/{:03}", folder, index / 1000);
    if (index % 1000 == 0) mkdir(inner.c_str(), 0777);
    const std::string name = fmt::format("{}/{:06}.bin", inner, index);
    const std::string temporary = name + ".part";
    const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    const bool is_written =
        fd >= 0 && write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
        close(fd) == 0 && rename(temporary.c_str(), name.c_str()) == 0;
    if (!is_written) {
      perror(name.c_str());
      return 1;
    }
  }
  return 0;
}
