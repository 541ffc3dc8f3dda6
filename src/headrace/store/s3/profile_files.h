// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"

// The shared configuration files of the AWS tools (~/.aws/config and ~/.aws/credentials).
namespace headrace::s3 {

// One section: names in lower case. A nested block ("s3 =" followed by indented lines) appears as
// "s3.addressing_style".
using ProfileValues = std::map<std::string, std::string>;

// The value; empty when it is not there.
std::string_view ValueOf(const ProfileValues& values, const std::string& name);

struct ProfileFiles {
  // Both files merged: for the same name, the credentials file wins.
  std::map<std::string, ProfileValues> profiles;
  // [services NAME] sections, for endpoint_url per service.
  std::map<std::string, ProfileValues> services;
  // Where they came from, for messages.
  std::string config_path;
  std::string credentials_path;

  // Nothing when no such profile exists.
  const ProfileValues* Find(const std::string& profile) const;
};

// The sections of one file by their header's text ("profile train", "default"). Pure. Lines that
// are neither section, comment nor name = value are passed over, as the AWS tools do.
std::map<std::string, ProfileValues> ParseIni(std::string_view text);
// The number of the first line, from 1, that is no section, comment, assignment or continuation of
// one; 0: there is none. The AWS command line refuses such a file, too. Pure.
size_t BrokenLine(std::string_view text);
// Pure.
ProfileFiles MergeProfileFiles(std::string_view config_text, std::string_view credentials_text);

// Reads both files where AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE or HOME say they are. A file
// that does not exist is an empty one; kInvalidArgument when one exists and cannot be read or has a
// broken line.
Result<ProfileFiles> ReadProfileFiles(const Environment& environment);

// The whole of a small file (at most 1 MiB): kNotFound when there is none.
Result<std::string> ReadSmallFile(const std::string& path);

}  // namespace headrace::s3
