// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace headrace {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// The process's log: lines on standard error. Warnings and above until SetLogLevel says otherwise.
// Secrets never reach it: signatures, keys and session tokens are blanked where a line is composed.
// Threads: all functions may be called at once from any thread.
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view line);

// Formats only when the level is on.
template <typename... Args>
void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level)) LogLine(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace headrace
