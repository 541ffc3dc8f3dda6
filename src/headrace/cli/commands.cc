// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/commands.h"

#include <array>

namespace headrace::cli {

std::span<const Command> Commands() {
  static constexpr std::array kCommands{
      Command{.name = "ls",
              .summary = "List buckets, or objects under a prefix",
              .examples = "  headrace ls\n"
                          "  headrace ls s3://photos/2026/\n"
                          "  headrace ls --recursive --human-readable --summarize s3://photos\n",
              .declare = DeclareLs},
      Command{.name = "cp",
              .summary = "Copy files and objects, to or from the store or inside it",
              .examples = "  headrace cp cat.png s3://photos/2026/\n"
                          "  headrace cp --recursive s3://photos/2026 ./photos --exclude '*' "
                          "--include '*.png'\n"
                          "  tar c data | headrace cp - s3://backup/data.tar\n",
              .declare = DeclareCopy,
              .way_on = "sync brings what a recursive one has left"},
      Command{.name = "sync",
              .summary = "Make a folder or prefix like another, copying what differs",
              .examples = "  headrace sync ./photos s3://photos/2026\n"
                          "  headrace sync --delete --dry-run s3://photos/2026 ./photos\n",
              .declare = DeclareSync,
              .way_on = "run it again to continue"},
      Command{.name = "mv",
              .summary = "Copy, then remove the source",
              .examples = "  headrace mv s3://photos/new/cat.png s3://photos/2026/\n"
                          "  headrace mv --recursive ./outbox s3://inbox/\n",
              .declare = DeclareMove,
              .way_on = "run it again to continue"},
      Command{.name = "rm",
              .summary = "Remove objects",
              .examples = "  headrace rm s3://photos/2026/cat.png\n"
                          "  headrace rm --recursive --exclude '*.png' s3://photos/2026\n",
              .declare = DeclareRm,
              .way_on = "run it again to continue"},
      Command{.name = "cat",
              .summary = "Print objects to standard output",
              .examples = "  headrace cat s3://logs/part-1.gz s3://logs/part-2.gz | gunzip\n",
              .declare = DeclareCat},
      Command{.name = "inspect",
              .summary = "List the records of a shard or stream",
              .examples = "  headrace inspect s3://photos/shards/train-000.tar\n"
                          "  headrace inspect --json --limit 3 train.tfrecord.gz\n"
                          "  headrace inspect --format recordio - <data/train_0\n",
              .declare = DeclareInspect},
      Command{.name = "stat",
              .summary = "Show what the store knows about an object or bucket",
              .examples = "  headrace stat s3://photos/2026/cat.png\n",
              .declare = DeclareStat},
      Command{.name = "du",
              .summary = "Count objects and bytes under a prefix",
              .examples = "  headrace du --human-readable s3://photos/2026/ s3://backup\n",
              .declare = DeclareDu},
      Command{.name = "mb",
              .summary = "Make a bucket",
              .examples = "  headrace mb s3://photos\n",
              .declare = DeclareMb},
      Command{.name = "rb",
              .summary = "Remove a bucket",
              .examples = "  headrace rb s3://photos\n  headrace rb --force s3://photos\n",
              .declare = DeclareRb},
      Command{.name = "presign",
              .summary = "Print a URL that reads an object without credentials",
              .examples = "  headrace presign --expires-in 600 s3://photos/2026/cat.png\n",
              .declare = DeclarePresign},
      Command{.name = "run",
              .summary = "Run a training job on data in the store",
              .examples = "  headrace run --channel train=s3://photos/train --base ./job \\\n"
                          "      --hyperparameter epochs=20 --output s3://results -- python3 "
                          "train.py\n"
                          "  headrace run job.toml\n",
              .declare = DeclareRun,
              .handles_signals = true,
              .runs_program = true,
              .outlives_its_reader = true},
      Command{.name = "bench",
              .summary = "Measure a source as a training loop sees it",
              .examples = "  headrace bench s3://photos/train/ --batch-size 64 --step-ms 5\n"
                          "  headrace bench s3://data/large.bin --range-size 256KiB --reads 10000\n"
                          "  headrace bench s3://data --listing objects.jsonl --no-sign-request "
                          "--html bench.html\n",
              .declare = DeclareBench},
      Command{.name = "serve",
              .summary = "Serve a folder as an S3 store",
              .examples = "  headrace serve ./data --access-key me --secret-key secret\n"
                          "  headrace serve ./data --anonymous --listen 127.0.0.1:0\n",
              .declare = DeclareServe,
              .outlives_its_reader = true,
              .reloads_on_hangup = true},
  };
  return kCommands;
}

}  // namespace headrace::cli
