// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/clock.h"

namespace headrace::cli {

// "17 B", "1.5 KiB", "20.0 GiB": one decimal from 1 KiB on. Pure.
std::string SizeText(uint64_t size_bytes);
// "0:07", "12:34", "1:02:03". Pure.
std::string DurationText(std::chrono::seconds duration);
// "2026-11-22 07:41:40" in this machine's time zone, as ls shows it.
std::string LocalTimeText(SystemTime time);
// "2026-11-22T07:41:40.123Z": UTC to the millisecond, for --json. Pure.
std::string UtcTimeText(SystemTime time);

}  // namespace headrace::cli
