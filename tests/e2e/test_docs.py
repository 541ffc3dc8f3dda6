"""docs/ says what the program says: every command, every option, the exit codes."""
import re

from tests.conftest import ROOT


CLI = (ROOT / "docs/cli.md").read_text()


def commands_of(headrace):
    """The subcommands that --help lists."""
    listing = headrace.ok("--help").stdout.split("ubcommands:")[1].split("Exit codes:")[0]
    return re.findall(r"^  ([a-z]+) ", listing, re.MULTILINE)


def test_every_command_and_option_is_documented(bare_headrace):
    everything = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    commands = commands_of(bare_headrace)
    assert len(commands) >= 13
    missing = [name for name in commands if f"| `{name}" not in CLI]
    for name in ["", *commands]:
        shown = bare_headrace.ok(*([name] if name else []), "--help").stdout
        options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", shown.split("Examples:")[0])
        missing += [f"{name} {option}" for option in sorted(set(options))
                    if not re.search(f"{option}(?![a-z-])", everything)]
    assert missing == []


def test_the_exit_codes_are_the_programs(bare_headrace):
    shown = bare_headrace.ok("--help").stdout.split("Exit codes:")[1]
    rows = re.findall(r"^ +(\d+)  (.*)$", shown, re.MULTILINE)
    documented = re.findall(r"^\| (\d+) \| (.*) \|$", CLI, re.MULTILINE)
    strip = str.maketrans("", "", "`")
    assert rows == [(code, meaning.translate(strip)) for code, meaning in documented]
