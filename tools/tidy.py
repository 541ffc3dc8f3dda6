#!/usr/bin/env python3
"""House rules that no compiler checks. Prints one line per finding and fails when there is one.

usage: tidy.py [ROOT]     ROOT: the checkout, by default the one this file is in
"""
import pathlib
import re
import subprocess
import sys

COLUMNS_MAX = 100
FILE_LINES_MAX = 600
README_LINES_MAX = 30

CODE = {".h", ".cc"}
SCRIPTS = {".py", ".sh", ".cmake"}
# Files that name what they forbid.
ABOUT_THE_RULES = {"tools/tidy.py", "tools/tidy_test.py"}


def in_folders(*folders):
    return lambda path: path.startswith(tuple(folder + "/" for folder in folders))


def nowhere(_path):
    return False


# (what, where it is allowed all the same, what to use instead)
BANNED = [
    (r"\bstd::rand\b|\bsrand\(|\bstd::(mt19937|random_device|uniform_\w+_distribution)\b", nowhere,
     "headrace::Random (base/random.h): the same numbers on every machine"),
    (r"\bstd::(random_)?shuffle\b|\branges::shuffle\b", nowhere,
     "the permutation of plan/: the standard leaves the order to each library"),
    (r"\bsleep_(for|until)\b|\busleep\(|\bnanosleep\(", in_folders("bench"),
     "Sleep (base/task.h); in tests a gate or ManualClock"),
    (r"\bsystem_clock::now\b", in_folders("src/headrace/base"), "Clock::WallNow (base/clock.h)"),
    (r"\bgetenv\(", in_folders("src/headrace/cli", "python"),
     "Environment (base/environment.h), handed in"),
    (r"\bstd::(recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable\w*|"
     r"\bstd::(lock_guard|unique_lock|scoped_lock|shared_lock)\b", in_folders("src/headrace/base"),
     "Mutex, MutexLock and CondVar (base/mutex.h)"),
    (r"\?\s*co_await\b", nowhere,
     "an if around each co_await: g++ 12 destroys the result of such a conditional twice"),
    (r"^\s*using namespace (?!std::\w*literals)", nowhere, "names, written out"),
]
BANNED = [(re.compile(pattern), allowed, instead) for pattern, allowed, instead in BANNED]

MARKER = re.compile(r"\b(FIXME|XXX)\b")
TODO = re.compile(r"\bTODO\b(?!\(#\d+\):)")
# Somebody's home; "x" and "user" stand for anybody's.
HOME = re.compile(r"(?<![\w./-])/(home|Users)/(?!x/|user/)\w+/")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LINE_COMMENT = re.compile(r"//.*$")


def code_line(line):
    """A C++ line without its comment."""
    return LINE_COMMENT.sub("", line)


def check_lines(path, lines):
    suffix = pathlib.PurePosixPath(path).suffix
    is_code = suffix in CODE
    for number, line in enumerate(lines, 1):
        if (is_code or suffix in SCRIPTS) and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
        if path not in ABOUT_THE_RULES:
            if MARKER.search(line):
                yield number, "a marker of unfinished work: finish it or open an issue"
            if TODO.search(line):
                yield number, "TODO without an issue: TODO(#123): what and why"
        if not is_code:
            continue
        for pattern, allowed, instead in BANNED:
            found = pattern.search(code_line(line))
            if found and not allowed(path):
                yield number, f"{found.group(0).strip()}: use {instead}"


def check_code_file(path, lines):
    if len(lines) > FILE_LINES_MAX:
        yield 0, f"{len(lines)} lines, at most {FILE_LINES_MAX}: split it by idea"
    if not path.endswith((".h", ".cc")):
        return
    if not lines or lines[0] != "// SPDX-License-Identifier: Apache-2.0":
        yield 1, "the first line is // SPDX-License-Identifier: Apache-2.0"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 2, "a header without #pragma once"


def check_machine_paths(lines, own_paths):
    """Paths of the machine the file was written on; `own_paths` are this machine's."""
    for number, line in enumerate(lines, 1):
        if HOME.search(line):
            yield number, "a path below somebody's home folder"
        for own in own_paths:
            if re.search(r"(?<![\w./-])" + re.escape(own) + r"(?![\w-])", line):
                yield number, f"{own}: a path of this machine"


def check_links(path, lines, exists):
    """Relative links of a Markdown file that lead nowhere; `exists` says what is there."""
    folder = pathlib.PurePosixPath(path).parent
    in_fence = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            in_fence = not in_fence
        if in_fence:
            continue
        for link in LINK.findall(line):
            target = link.split("#", 1)[0]
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            if not exists(folder / target):
                yield number, f"a broken link: {link}"


def layers_of(paths):
    """Folders that need a README: each layer that has a source file, and testing."""
    layers = set()
    for path in paths:
        parts = path.split("/")
        if not path.endswith((".h", ".cc")):
            continue
        if path.startswith("src/headrace/deliver/") and len(parts) > 4:
            layers.add("/".join(parts[:4]))
        elif path.startswith("src/headrace/") and len(parts) > 3:
            layers.add("/".join(parts[:3]))
        elif parts[0] == "testing":
            layers.add("testing")
    return sorted(layers)


def check_readmes(paths, read_lines):
    present = set(paths)
    for layer in layers_of(paths):
        readme = f"{layer}/README.md"
        if readme not in present:
            yield readme, 0, "missing: say what the layer is for, uses and where to start reading"
        elif len(read_lines(readme)) > README_LINES_MAX:
            yield readme, 0, f"over {README_LINES_MAX} lines"


def tracked_files(root):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root,
                            check=True, capture_output=True, text=True)
    return sorted(path for path in set(listed.stdout.split("\0")) if (root / path).is_file())


def paths_of_this_machine(root):
    """The checkout, the folder around it and the user's home, where those are not usual names."""
    usual = {"/", "/tmp", "/home", "/opt", "/src", "/srv", "/mnt", "/data", "/app", "/var", "/usr",
             "/build", "/builds", "/workspace"}
    return sorted({str(root), str(root.parent), str(pathlib.Path.home())} - usual)


def findings(root):
    paths = tracked_files(root)
    texts = {}
    for path in paths:
        try:
            texts[path] = (root / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # Images and the like.
    own_paths = paths_of_this_machine(root)
    for path, lines in texts.items():
        found = list(check_lines(path, lines))
        if path not in ABOUT_THE_RULES:
            found += check_machine_paths(lines, own_paths)
        if path.endswith((".h", ".cc", ".py")):
            found += check_code_file(path, lines)
        if path.endswith(".md"):
            found += check_links(path, lines, lambda target: (root / target).exists())
        for number, what in found:
            yield f"{path}:{number}: {what}"
    for path, number, what in check_readmes(paths, lambda readme: texts[readme]):
        yield f"{path}:{number}: {what}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../..").resolve()
    found = list(findings(root))
    print("\n".join(found) if found else "house rules: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
