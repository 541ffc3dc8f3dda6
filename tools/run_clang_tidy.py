#!/usr/bin/env python3
"""Runs clang-tidy over the files of a build's compile_commands.json, on all cores.

usage: run_clang_tidy.py BUILD_FOLDER [--since COMMIT] [FILE...]
    FILE             only these (paths below the checkout)
    --since COMMIT   only what has changed since COMMIT: each source file, and for a header the
                     source file and the test of its name. Others that include the header wait for
                     a run over everything.

A file that passed is skipped until it, a header of ours it includes, its command line, .clang-tidy
or clang-tidy itself changes: BUILD_FOLDER/tidy-cache holds one small JSON file per source file with
the hashes it passed with. System headers are not hashed: their packages change with the compiler's.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG_TIDY = "clang-tidy-19"
COMPILER = "clang++-19"
LAUNCHERS = {"ccache"}
# For tests, where GoogleTest makes every check slow (use-after-move alone takes 3 s of CPU a file):
# clang's own warnings, which find the misuse of a lock, and what is nearly free.
TEST_CHECKS = ",".join((
    "-*", "clang-diagnostic-*", "-clang-diagnostic-deprecated-declarations",
    "cppcoreguidelines-avoid-capturing-lambda-coroutines",
    "readability-identifier-naming"))


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class FileHashes:
    """Content hashes of files, each read once."""

    def __init__(self):
        self._known = {}

    def __getitem__(self, path):
        if path not in self._known:
            try:
                content = pathlib.Path(path).read_bytes()
            except OSError:
                content = b"absent"
            self._known[path] = hashlib.sha256(content).hexdigest()
        return self._known[path]


def arguments_of(entry):
    """The compile command without launchers, the compiler and the output file."""
    words = entry.get("arguments") or shlex.split(entry["command"])
    while pathlib.Path(words[0]).name in LAUNCHERS:
        words = words[1:]
    kept = []
    skip = False
    for word in words[1:]:
        if skip or word == "-c":
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-MD", entry["file"]):
            kept.append(word)
    return kept


def headers_of(entry):
    """The file and every header of this checkout that it includes."""
    command = [COMPILER, *arguments_of(entry), "-MM", "-MT", "x", entry["file"]]
    found = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True)
    if found.returncode != 0:
        return [entry["file"]]
    names = found.stdout.replace("\\\n", " ").split()[1:]
    paths = {str(pathlib.Path(entry["directory"], name).resolve()) for name in names}
    return sorted(path for path in paths if path.startswith(f"{ROOT}/"))


class Cache:
    def __init__(self, folder, common):
        self._folder = folder
        self._common = common
        self._hashes = FileHashes()
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, entry):
        return self._folder / (digest(entry["file"])[:32] + ".json")

    def _key(self, entry, headers):
        return digest(self._common, *arguments_of(entry), *headers,
                      *(self._hashes[header] for header in headers))

    def passed(self, entry):
        try:
            known = json.loads(self._path(entry).read_text())
        except (OSError, ValueError):
            return False
        return known["key"] == self._key(entry, known["headers"])

    def remember(self, entry):
        headers = headers_of(entry)
        text = json.dumps({"key": self._key(entry, headers), "headers": headers})
        self._path(entry).write_text(text)


def is_test(entry):
    return entry["file"].endswith("_test.cc")


def check(build, entry, cache):
    """What clang-tidy says about one file; an empty text when it is clean."""
    checks = [f"--checks={TEST_CHECKS}"] if is_test(entry) else []
    done = subprocess.run([CLANG_TIDY, "--quiet", "-p", str(build), *checks, entry["file"]],
                          capture_output=True, text=True)
    if done.returncode == 0:
        cache.remember(entry)
        return ""
    noise = re.compile(r"^\d+ warnings? |^Suppressed \d+|^Use -header-filter|warnings? treated as")
    lines = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in lines if not noise.search(line))


def touched(changed):
    """The source files to look at for these changed files; paths below the checkout."""
    found = set()
    for name in changed:
        stem, suffix = os.path.splitext(name)
        if suffix == ".cc":
            found.add(name)
        elif suffix == ".h":
            found |= {f"{stem}.cc", f"{stem}_test.cc"}
    return sorted(found)


def changed_since(commit):
    """Files of this checkout that differ from `commit`, those git does not know yet among them."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.splitlines()
    return git("diff", "--name-only", commit) + git("ls-files", "-o", "--exclude-standard")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--since", metavar="COMMIT")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    build = options.build.resolve()
    names = options.files + (touched(changed_since(options.since)) if options.since else [])
    wanted = {str((ROOT / name).resolve()) for name in names}
    if options.since and not wanted:
        print(f"clang-tidy: nothing has changed since {options.since}")
        return 0
    entries = json.loads((build / "compile_commands.json").read_text())
    entries = [entry for entry in entries
               if entry["file"].startswith(f"{ROOT}/") and (not wanted or entry["file"] in wanted)
               and not entry["file"].startswith(f"{build}/")]
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True, check=True)
    cache = Cache(build / "tidy-cache", version.stdout + TEST_CHECKS
                  + (ROOT / ".clang-tidy").read_text())
    changed = [entry for entry in entries if not cache.passed(entry)]
    # The slowest first would be better; the largest is close to it. Tests last: they say least.
    changed.sort(key=lambda entry: (is_test(entry), -os.path.getsize(entry["file"])))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for said in pool.map(lambda entry: check(build, entry, cache), changed):
            if said:
                bad += 1
                print(said, flush=True)
    print(f"clang-tidy: {len(entries)} files, {len(entries) - len(changed)} unchanged, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
