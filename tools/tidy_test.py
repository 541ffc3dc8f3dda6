"""Tests of tools/tidy.py: each rule finds what it is about and leaves the rest alone."""
import pathlib
import unittest

import tidy


def lines_of(path, text):
    return [what for _, what in tidy.check_lines(path, text.splitlines())]


class Lines(unittest.TestCase):
    def test_long_lines_are_found_in_code_and_scripts_only(self):
        long = "x" * 101
        self.assertEqual(len(lines_of("src/headrace/base/a.cc", long)), 1)
        self.assertEqual(len(lines_of("tools/a.py", long)), 1)
        self.assertEqual(lines_of("docs/a.md", long), [])
        self.assertEqual(lines_of("src/headrace/base/a.cc", "x" * 100), [])

    def test_columns_are_characters_not_bytes(self):
        self.assertEqual(lines_of("src/headrace/base/a.cc", "\u00e4" * 100), [])

    def test_unfinished_work_is_found(self):
        self.assertEqual(len(lines_of("a.py", "# FIXME later")), 1)
        self.assertEqual(len(lines_of("a.md", "XXX")), 1)
        self.assertEqual(len(lines_of("a.cc", "// TODO: later")), 1)
        self.assertEqual(lines_of("a.cc", "// TODO(#12): later"), [])

    def test_banned_names_are_found_where_they_are_banned(self):
        banned = [
            ("src/headrace/plan/a.cc", "int x = std::rand();"),
            ("src/headrace/plan/a.cc", "std::shuffle(a.begin(), a.end(), g);"),
            ("src/headrace/net/a_test.cc", "std::this_thread::sleep_for(1s);"),
            ("src/headrace/net/a.cc", "auto t = std::chrono::system_clock::now();"),
            ("src/headrace/store/a.cc", 'getenv("HOME");'),
            ("testing/a.h", "std::mutex mutex;"),
            ("testing/a.h", "std::lock_guard lock(mutex);"),
            ("testing/a.h", "using namespace headrace;"),
        ]
        for path, line in banned:
            with self.subTest(line=line):
                self.assertEqual(len(lines_of(path, line)), 1)

    def test_banned_names_are_allowed_where_they_belong(self):
        allowed = [
            ("src/headrace/base/clock.cc", "std::chrono::system_clock::now();"),
            ("src/headrace/cli/main.cc", 'getenv("HOME");'),
            ("src/headrace/base/mutex.h", "std::mutex mutex_;"),
            ("src/headrace/base/a.cc", "// std::rand is another thing in each library"),
            ("src/headrace/base/a.cc", "using namespace std::chrono_literals;"),
            ("docs/a.md", "std::mutex"),
        ]
        for path, line in allowed:
            with self.subTest(line=line):
                self.assertEqual(lines_of(path, line), [])


class Files(unittest.TestCase):
    SPDX = "// SPDX-License-Identifier: Apache-2.0"

    def found(self, path, lines):
        return len(list(tidy.check_code_file(path, lines)))

    def test_a_file_has_a_licence_a_guard_and_a_limit(self):
        self.assertEqual(self.found("a.cc", [self.SPDX]), 0)
        self.assertEqual(self.found("a.cc", ["int x;"]), 1)
        self.assertEqual(self.found("a.h", [self.SPDX, "#pragma once"]), 0)
        self.assertEqual(self.found("a.h", [self.SPDX]), 1)
        self.assertEqual(self.found("a.cc", [self.SPDX] + ["x"] * 600), 1)
        self.assertEqual(self.found("a.py", ["x"] * 601), 1)

    def test_paths_of_a_machine_are_found(self):
        own = ["/data/checkout"]

        def found(line):
            return len(list(tidy.check_machine_paths([line], own)))

        self.assertEqual(found("see /data/checkout/build"), 1)
        self.assertEqual(found("in /home/someone/x"), 1)
        self.assertEqual(found("see /data/checkouts and s3://data/checkout"), 0)
        self.assertEqual(found("from /home/x/.aws/credentials"), 0)
        self.assertEqual(found("GET /bucket/home/someone/x"), 0)

    def test_broken_links_are_found_outside_code(self):
        there = {pathlib.PurePosixPath("docs/there.md")}

        def found(line):
            return len(list(tidy.check_links("docs/a.md", line.splitlines(), there.__contains__)))

        self.assertEqual(found("[a](there.md) [b](there.md#part) [c](https://x.y/z) [d](#part)"), 0)
        self.assertEqual(found("[a](absent.md)"), 1)
        self.assertEqual(found("```\n[a](absent.md)\n```"), 0)

    def test_each_layer_has_a_short_readme(self):
        paths = ["src/headrace/base/a.h", "src/headrace/deliver/file/b.cc", "testing/c.h",
                 "src/headrace/base/README.md", "src/headrace/deliver/file/README.md"]
        sizes = {"src/headrace/base/README.md": 30, "src/headrace/deliver/file/README.md": 31}
        found = list(tidy.check_readmes(paths, lambda readme: ["x"] * sizes[readme]))
        self.assertEqual([path for path, _, _ in found],
                         ["src/headrace/deliver/file/README.md", "testing/README.md"])


if __name__ == "__main__":
    unittest.main()
