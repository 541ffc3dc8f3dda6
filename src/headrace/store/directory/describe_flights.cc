// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/describe_flights.h"

#include <utility>

namespace headrace::directory {

std::shared_ptr<Gate> DescribeFlights::Board(const std::string& name) {
  const MutexLock lock(mutex_);
  const auto [found, is_first] = flights_.try_emplace(name);
  if (!is_first) return found->second;
  found->second = std::make_shared<Gate>();
  return nullptr;
}

void DescribeFlights::Land(const std::string& name) {
  std::shared_ptr<Gate> gate;
  {
    const MutexLock lock(mutex_);
    const auto found = flights_.find(name);
    gate = std::move(found->second);
    flights_.erase(found);
  }
  gate->Open();
}

}  // namespace headrace::directory
