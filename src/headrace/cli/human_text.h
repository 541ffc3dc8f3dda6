// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "headrace/base/clock.h"

namespace headrace::cli {

// "0:07", "12:34", "1:02:03". Pure.
std::string DurationText(std::chrono::seconds duration);
// "2026-11-22 07:41:40" in this machine's time zone, as ls shows it.
std::string LocalTimeText(SystemTime time);

}  // namespace headrace::cli
