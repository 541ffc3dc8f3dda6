"""docs/ says what the program says: every command, every option, the exit codes."""
import re
import subprocess

import PIL.Image
import pytest

from tests.conftest import ROOT


CLI = (ROOT / "docs/cli.md").read_text()


def commands_of(headrace):
    """The subcommands that --help lists."""
    listing = headrace.ok("--help").stdout.split("Commands:")[1].split("Exit codes:")[0]
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


@pytest.fixture
def pictures(tmp_path):
    """Three classes of tiny images, a folder each."""
    for number, colour in enumerate(["red", "green", "blue"]):
        folder = tmp_path / "pictures" / colour
        folder.mkdir(parents=True)
        for i in range(8):
            PIL.Image.new("RGB", (16, 16), colour).save(folder / f"{number}-{i}.png")
    return tmp_path / "pictures"


def test_the_readme_s_first_steps_work_as_pasted(tmp_path, pictures):
    """Its two blocks, in a folder of their own; only the port and the pictures are others."""
    text = (ROOT / "README.md").read_text().split("## Use")[1].split("## Where")[0]
    serve, use = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("build", ".venv", "examples"):
        (folder / name).symlink_to(ROOT / name)
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    serve = serve.replace("serve buckets", "serve buckets --listen 127.0.0.1:0")
    serve = serve.replace("headrace serve", "exec headrace serve")
    with subprocess.Popen(["bash", "-e", "-c", serve], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            url = server.stdout.readline().split()[-1]
            assert url.startswith("http://127.0.0.1:")
            assert "http://127.0.0.1:9000" in use and "/usr/share/tuxpaint/stamps" in use
            use = use.replace("http://127.0.0.1:9000", url)
            use = use.replace("/usr/share/tuxpaint/stamps", str(pictures))
            for _ in range(2):  # The second day of the same work.
                subprocess.run(["bash", "-e", "-c", use], cwd=folder, env=environment, check=True,
                               capture_output=True, timeout=60)
        finally:
            server.terminate()
    models = list((folder / "buckets/stamps/out").glob("*/output/model.tar.gz"))
    assert models
