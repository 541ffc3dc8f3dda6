// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "headrace/base/gate.h"
#include "headrace/base/mutex.h"

namespace headrace::directory {

// Lets one of many tasks that want the same thing get it while the others wait, without holding a
// thread.
// Threads: all methods may be called at once from any thread.
class DescribeFlights {
 public:
  // Null: the caller is the first, and calls Land when it is through, however that ended. Else what
  // opens then.
  std::shared_ptr<Gate> Board(const std::string& name) HR_EXCLUDES(mutex_);
  void Land(const std::string& name) HR_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  // As many as there are requests.
  std::map<std::string, std::shared_ptr<Gate>> flights_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::directory
