// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/copy_options.h"

#include "headrace/cli/engine_options.h"
#include "headrace/cli/option_checks.h"

namespace headrace::cli {

CopyOptions::CopyOptions(CLI::App& app, CopyKind copy_kind)
    : kind(copy_kind), is_recursive(copy_kind == CopyKind::kSync), filters(app) {
  const bool is_copy = kind == CopyKind::kCopy;
  app.add_option(
         "SOURCE", source,
         is_copy ? "A path, s3://BUCKET/KEY, or - for standard input" : "A path or s3://BUCKET/KEY")
      ->required();
  app.add_option("TARGET", target,
                 is_copy ? "A path, s3://BUCKET/KEY, or - for standard output"
                         : "A path or s3://BUCKET/KEY")
      ->required();
  if (kind == CopyKind::kSync) {
    app.add_flag("--delete", sync.deletes, "Remove from TARGET what SOURCE does not have");
    app.add_flag("--allow-empty-source", allows_empty_source,
                 "With --delete: go on when SOURCE holds no object, and remove all of TARGET");
    app.add_flag("--size-only", sync.size_only, "Compare sizes alone");
    app.add_flag("--exact-timestamps", sync.exact_timestamps,
                 "Copy on any difference in time, not only when SOURCE is newer");
  } else {
    app.add_flag("-r,--recursive", is_recursive, "Everything below a folder or prefix");
  }
  if (is_copy) {
    app.add_option(
           "--expected-size", expected_size_bytes,
           "Bytes to come on standard input, so that a large stream goes up in parts of one size")
        ->transform(WholeNumber())
        ->type_name("BYTES");
  }
  app.add_flag("--dry-run,--dryrun", is_dry_run, "Print what would be done, and do nothing");
  app.add_flag_callback(
      "--no-progress", [this] { shows_progress = false; }, "No progress line on a terminal");
  app.add_flag_callback(
      "--follow-symlinks", [this] { follows_symlinks = true; },
      "Upload what symbolic links point to (default)");
  app.add_flag_callback(
      "--no-follow-symlinks", [this] { follows_symlinks = false; }, "Pass over symbolic links");
  app.add_flag_callback(
      "--no-guess-mime-type", [this] { guesses_content_type = false; },
      "Do not derive Content-Type from the file's name");
  attributes.Declare(app);
  DeclareEngineOptions(app, engine);
}

}  // namespace headrace::cli
