// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ranges>

#include "headrace/base/text.h"

namespace headrace {
namespace {

// Where Linux distributions and container runtimes mount them (cgroups(7)).
constexpr std::string_view kUnifiedRoot = "/sys/fs/cgroup";
constexpr std::string_view kMemoryRoot = "/sys/fs/cgroup/memory";

// "path" of each group from `path` up to the root, which is "".
void AddFiles(std::string_view root, std::string_view path, std::string_view name,
              std::vector<std::string>& files) {
  while (true) {
    while (path.ends_with('/')) path.remove_suffix(1);
    files.push_back(std::string(root) + std::string(path) + "/" + std::string(name));
    if (path.empty()) return;
    path = path.substr(0, path.rfind('/'));
  }
}

bool NamesMemory(std::string_view controllers) {
  return std::ranges::any_of(controllers | std::views::split(','), [](const auto& controller) {
    return std::string_view(controller.begin(), controller.end()) == "memory";
  });
}

std::string TextOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

std::vector<std::string> MemoryLimitFiles(std::string_view proc_self_cgroup) {
  std::vector<std::string> files;
  // Each line is "number:controllers:/path".
  for (const auto& part : proc_self_cgroup | std::views::split('\n')) {
    const std::string_view line(part.begin(), part.end());
    const size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (!path.starts_with('/')) continue;
    if (controllers.empty()) AddFiles(kUnifiedRoot, path, "memory.max", files);
    if (NamesMemory(controllers)) AddFiles(kMemoryRoot, path, "memory.limit_in_bytes", files);
  }
  return files;
}

std::optional<uint64_t> ParseMemoryLimit(std::string_view text) {
  return ParseDecimal(Trim(text, "\n"));
}

uint64_t UsableMemoryBytes() {
  uint64_t bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (const std::string& path : MemoryLimitFiles(TextOf("/proc/self/cgroup"))) {
    if (const auto limit = ParseMemoryLimit(TextOf(path))) bytes = std::min(bytes, *limit);
  }
  return bytes;
}

}  // namespace headrace
