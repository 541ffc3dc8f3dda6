"""Fails when a source file includes a header of a layer that its own layer may not use.

usage: lint_includes.py [ROOT]     ROOT: the checkout, by default the one this file is in

The may-use table of the design stands here and in CMakeLists.txt (as link dependencies); all layers
share one include root, so only this check sees a wrong include.
"""
import pathlib
import re
import sys

# Layer -> layers it may include. A file's layer is the longest entry its path starts with.
MAY_USE = {
    "base": [],
    "net": ["base"],
    "format": ["base"],
    "store": ["base", "net"],
    "plan": ["base", "store"],
    "fetch": ["base", "store", "plan"],
    "transform": ["base", "format"],
    "deliver/file": ["base", "store", "plan", "fetch", "format", "transform"],
    "deliver/pipe": ["base", "store", "plan", "fetch", "format", "transform"],
    "deliver/mount": ["base", "store", "plan", "fetch", "format", "transform"],
    "deliver/stream": ["base", "store", "plan", "fetch", "format", "transform"],
    "gateway": ["base", "net", "store", "plan", "fetch", "format", "transform"],
    "job": ["base", "store", "plan", "fetch", "format", "transform", "deliver/file",
            "deliver/pipe", "deliver/mount", "deliver/stream"],
}
MAY_USE["cli"] = [*MAY_USE, "cli"]

# Third-party headers with one owning layer (longest prefix decides). Asio's coroutine core belongs
# to base (base/task.h), its sockets and TLS to net.
OWNERS = {
    "boost/asio/ip/": ["net"],
    "boost/asio/ssl": ["net"],
    "boost/asio/local/": ["net"],
    "boost/asio/": ["base", "net"],
    "boost/beast/": ["net"],
    "boost/": ["base", "net"],
    "openssl/ssl": ["net"],
    "openssl/": ["base", "net"],
    "spdlog/": ["base"],
    "xxhash": ["base"],
    "pugixml": ["store", "gateway"],
    "prometheus/": ["gateway"],
    "sqlite3": ["store"],
    "simdjson": ["plan"],
    "nlohmann/": ["store", "plan", "job", "gateway", "cli"],
    "toml++/": ["base"],
    "zlib": ["format"],
    "CLI/": ["cli"],
    "gtest/": ["tests"],
    "gmock/": ["tests"],
    "benchmark/": ["tests"],
    "linux/fuse": ["deliver/mount"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST_FILE = re.compile(r"_(test|fuzz|benchmark)\.cc$|_(contract|fixture)\.h$")


def layer_of(path):
    hits = [name for name in MAY_USE if path.startswith(name + "/")]
    return max(hits, key=len) if hits else None


def owners_of(header):
    hits = [prefix for prefix in OWNERS if header.startswith(prefix)]
    return OWNERS[max(hits, key=len)] if hits else None


def problem_with(layer, is_test, quote, header):
    """Why `layer` may not include `header`; None when it may."""
    if header.startswith("headrace/"):
        other = layer_of(header.removeprefix("headrace/"))
        if other is None:
            return f"{header} is in no known layer"
        if other != layer and other not in MAY_USE[layer]:
            return f"{layer} may not use {other}"
    elif header.startswith("testing/"):
        if not is_test:
            return "production code never uses testing/"
    elif header.startswith(".") or quote == '"':
        return "include by its full path from src/"
    else:
        owners = owners_of(header)
        if owners and layer not in owners and not (is_test and owners == ["tests"]):
            return f"<{header}> belongs to {' and '.join(owners)} only"
    return None


def findings(root):
    for file in sorted((root / "src/headrace").rglob("*")):
        if file.suffix not in {".h", ".cc"}:
            continue
        relative = file.relative_to(root / "src/headrace").as_posix()
        layer = layer_of(relative)
        if layer is None:
            yield f"{file.relative_to(root)}: in no known layer"
            continue
        is_test = TEST_FILE.search(relative) is not None
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            problem = match and problem_with(layer, is_test, match.group(1), match.group(2))
            if problem:
                yield f"{file.relative_to(root)}:{number}: {problem}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../..").resolve()
    found = list(findings(root))
    print("\n".join(found) if found else "include directions: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
