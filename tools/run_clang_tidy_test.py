"""Which files clang-tidy looks at for a change."""
import unittest

import run_clang_tidy


class Touched(unittest.TestCase):
    def test_a_source_file_stands_for_itself(self):
        self.assertEqual(run_clang_tidy.touched(["src/a.cc", "src/b_test.cc"]),
                         ["src/a.cc", "src/b_test.cc"])

    def test_a_header_stands_for_its_source_file_and_test(self):
        self.assertEqual(run_clang_tidy.touched(["src/a.h", "src/a.cc"]),
                         ["src/a.cc", "src/a_test.cc"])

    def test_other_files_stand_for_none(self):
        self.assertEqual(run_clang_tidy.touched(["README.md", "tools/lint", "src/README.md"]), [])


if __name__ == "__main__":
    unittest.main()
