"""What the race tells, as JSON, Markdown and a page of plots: medians, spread, asked figures."""
import datetime
import html
import json
import math
import statistics

import harness

# What a contestant may tell about itself that the report takes over.
TOLD = ("seconds", "cpu_seconds", "requests", "failed", "p50_us", "p99_us", "p999_us",
        "first_byte_seconds", "steps", "engine", "latency_seconds")


def summarized(section):
    """A section with each row's medians; rates are amounts per second."""
    rows = []
    for row in section["rows"]:
        row = dict(row)
        runs = row["runs"]
        if runs and not row["cannot"]:
            rates = sorted(run["amount"] / run["seconds"] for run in runs)
            row.update(rate=statistics.median(rates), rate_min=rates[0], rate_max=rates[-1],
                       cpu_per=cpu_per(section, statistics.median(
                           run["cpu_seconds"] / run["amount"] for run in runs)),
                       rss_mib=max(run["rss_mib"] for run in runs))
        rows.append(row)
    return {**section, "rows": rows}


def cpu_per(section, cpu_seconds):
    """Of CPU seconds a GiB, object or request: those a GiB, or microseconds."""
    return cpu_seconds * (1 if section["unit"] == "GiB" else 1e6)


def cpu_unit(section):
    return "CPU s/GiB" if section["unit"] == "GiB" else f"CPU µs/{section['unit'].rstrip('s')}"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(section):
    lines = [f"| contestant | {section['unit']}/s | spread | {cpu_unit(section)} | peak MiB | "
             "bytes | setting |", "|---|---|---|---|---|---|---|"]
    for row in section["rows"]:
        if "rate" in row:
            figures = (f"{number(row['rate'])} | {number(row['rate_min'])} – "
                       f"{number(row['rate_max'])} | {number(row['cpu_per'])} | "
                       f"{row['rss_mib']:.0f} | {row.get('checked', '')} | {row['setting']}")
        else:
            figures = f"– | | | | | {row['cannot'] or 'not run'}"
        lines.append(f"| {row['name']} | {figures} |".replace("\n", " "))
    return "\n".join(lines)


class Section:
    """A summarized section with its rows by name, for the asked figures."""

    def __init__(self, section):
        self.section = section
        self.rows = {row["name"]: row for row in section["rows"] if "rate" in row}
        self.ours = self.rows.get("headrace")
        self.loop = self.rows.get("bare loop")
        self.peers = [row for row in self.rows.values()
                      if not (row["is_floor"] or row.get("is_variant") or row is self.ours)]

    def best_peer(self):
        return max(self.peers, key=lambda row: row["rate"], default=None)

    def thriftiest_peer(self):
        return min(self.peers, key=lambda row: row["cpu_per"], default=None)


# (work, what, which field, compared with whom, factor, at least or at most)
ASKED = (
    ("a", "rate", "loop", 0.9, "least"), ("a", "rate", "best peer", 1.15, "least"),
    ("a", "cpu_per", "loop", 1.15, "most"), ("a", "cpu_per", "best peer", 0.6, "most"),
    ("c", "rate", "loop", 0.7, "least"), ("c", "rate", "best peer", 3.5, "least"),
    ("d", "rate", "s5cmd", 5, "least"),
    ("e", "rate", "loop", 0.6, "least"), ("e", "rate", "best peer", 3, "least"),
    ("f", "rate", "loop", 0.85, "least"), ("f", "rate", "best peer", 1, "least"),
    ("h", "rate", "best peer", 1, "least"),
)


def rival(section, field, whom):
    if whom == "loop":
        return section.loop
    if whom == "best peer":
        return section.best_peer() if field == "rate" else section.thriftiest_peer()
    return section.rows.get(whom)


def bars(sections):
    """The asked figures that this race has an answer to; of each work on its first server."""
    first = {}
    for section in sections:
        first.setdefault(section["letter"], Section(section))
    told = []
    for letter, field, whom, factor, side in ASKED:
        section = first.get(letter)
        other = rival(section, field, whom) if section and section.ours else None
        if not other:
            continue
        ratio = section.ours[field] / other[field]
        what = "rate" if field == "rate" else "CPU"
        met = ratio >= factor if side == "least" else ratio <= factor
        told.append({"asked": f"({letter}) {what} at {side} {factor} x {whom}",
                     "reached": f"{ratio:.2f} x {other['name']}", "met": met})
    near = {section["letter"]: Section(section) for section in sections
            if section["server"] == "headrace serve"}
    return told + far_bars(near, first)


# Of race_servers.SHAPE: the mean of a log-normal time with this median and sigma.
FIRST_BYTE_MEAN_S = 0.030 * math.exp(0.5 ** 2 / 2)
CONNECTION_BYTES_PER_S = 90e6
# fetch::FetchOptions::requests_in_flight_max.
IN_FLIGHT_MAX = 1024


def far_bars(near, first):
    """(g): what the shape allows, or what the same server reached without it."""
    told = []
    for letter, limit in (("a", IN_FLIGHT_MAX * CONNECTION_BYTES_PER_S / 2**30),
                          ("c", IN_FLIGHT_MAX / FIRST_BYTE_MEAN_S)):
        far, close = first.get("g" + letter), near.get(letter)
        if not (far and far.ours and close and close.ours):
            continue
        if far.section["commit"] != close.section["commit"]:
            continue
        possible = min(limit, close.ours["rate"])
        ratio = far.ours["rate"] / possible
        told.append({"asked": f"(g{letter}) rate at least 0.9 x {number(possible)} "
                              f"{far.section['unit']}/s, what ({letter}) or the shape allows",
                     "reached": f"{ratio:.2f} x", "met": ratio >= 0.9})
    if "gc" in first and first["gc"].ours:
        told += tail_bars(first["gc"])
    return told


def engine_median(row, name, field=None):
    """A figure of `headrace bench`'s engine counters over the rounds; None when it told none."""
    values = [run["engine"][name] for run in row["runs"] if name in run.get("engine", {})]
    if field:
        values = [value[field] for value in values]
    return statistics.median(values) if values else None


def tail_bars(section):
    part = "headrace_fetch_part_seconds"
    told = []
    for name, is_asked in (("headrace", True), ("headrace, no hedges", False)):
        row = section.rows.get(name)
        late = engine_median(row, part, "p999") if row else None
        if late is None:
            continue
        ratio = late / engine_median(row, part, "p50")
        told.append({"asked": "(gc) a read's p99.9 at most 6 x its median" if is_asked else
                              "(gc) the same without hedges, to compare",
                     "reached": f"{ratio:.1f} x", "met": ratio <= 6 if is_asked else True})
    hedges = engine_median(section.ours, "headrace_fetch_hedges_total{started}")
    requests = engine_median(section.ours, "headrace_fetch_requests_total")
    if requests:
        share = (hedges or 0) / requests
        told.append({"asked": "(gc) at most 2 % more requests", "reached": f"{100 * share:.2f} %",
                     "met": share <= 0.02})
    return told


def text_of(report):
    where = report["machine"]
    lines = ["# The race", "",
             f"`bench/race.py --rounds {report['rounds']}`, work by work, each at the commit that "
             f"stands with it; {where['cpu']}, {where['cores']} cores, {where['memory_gib']} GiB, "
             f"kernel {where['kernel']}. Medians of {report['rounds']} interleaved rounds after "
             "one untimed; spread is slowest to fastest. Servers are not pinned: they share the "
             "processors with the contestant. How to read this: docs/performance.md.", ""]
    for section in report["sections"]:
        lines += [f"## ({section['letter']}) {section['title']}; {section['server']}", "",
                  f"At commit {section['commit']}, {section['date']}.", "", table(section), ""]
    if report["bars"]:
        lines += ["## Asked and reached", "", "| asked | reached | |", "|---|---|---|"]
        lines += [f"| {bar['asked']} | {bar['reached']} | {'yes' if bar['met'] else '**no**'} |"
                  for bar in report["bars"]]
    return "\n".join(lines) + "\n"


STYLE = ("body{font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2em auto;padding:0 1em;"
         "color:#222;background:#fff}h2{font-size:1.05em;margin:1.6em 0 .3em}svg{width:100%;"
         "height:auto}text{font-size:12px;fill:#333}.peer{fill:#8aa4c0}.ours{fill:#1f5f99}"
         ".floor{fill:#bbb}.spread{stroke:#333}")
ROW_HEIGHT, LABEL_WIDTH, BAR_WIDTH = 22, 170, 480


def plot(section, field, title):
    """Bars side by side, longest first; the spread of rates as a line."""
    rows = sorted((row for row in section["rows"] if field in row), key=lambda row: -row[field])
    if not rows:
        return ""
    spread = "rate_max" if field == "rate" else field
    scale = BAR_WIDTH / (max(row[spread] for row in rows) or 1)
    parts = [f'<h2>{html.escape(title)}</h2>\n<svg viewBox="0 0 800 {ROW_HEIGHT * len(rows) + 4}" '
             'role="img">']
    for index, row in enumerate(rows):
        y = index * ROW_HEIGHT
        kind = "floor" if row["is_floor"] else "ours" if row["name"] == "headrace" else "peer"
        parts.append(
            f'<g><title>{html.escape(row["setting"])}</title>'
            f'<text x="{LABEL_WIDTH - 8}" y="{y + 15}" text-anchor="end">'
            f'{html.escape(row["name"])}</text><rect class="{kind}" x="{LABEL_WIDTH}" y="{y + 3}" '
            f'width="{row[field] * scale:.1f}" height="{ROW_HEIGHT - 6}"/>')
        if field == "rate":
            low, high = (LABEL_WIDTH + row[end] * scale for end in ("rate_min", "rate_max"))
            parts.append(f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 11}" '
                         f'y2="{y + 11}"/>')
        parts.append(f'<text x="{LABEL_WIDTH + row[spread] * scale + 6:.1f}" y="{y + 15}">'
                     f'{number(row[field])}</text></g>')
    return "\n".join([*parts, "</svg>\n"])


def page_of(report):
    parts = ['<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>The race</title>'
             f"<style>{STYLE}</style></head>\n<body>\n<h1>The race</h1>\n<p>"
             f"{html.escape(report['machine']['cpu'])}, {report['machine']['cores']} cores. "
             f"Medians of {report['rounds']} interleaved rounds; lines: slowest to "
             "fastest. Settings show under the pointer. Commits stand in "
             "race.md.</p>\n"]
    for section in report["sections"]:
        title = f"({section['letter']}) {section['title']}; {section['server']}"
        parts.append(plot(section, "rate", f"{title}: {section['unit']}/s"))
        parts.append(plot(section, "cpu_per", f"{title}: {cpu_unit(section)}"))
    return "".join(parts) + "</body></html>\n"


def command_of(options):
    words = ["bench/race.py"]
    for name in ("work", "peers", "servers", "concurrency"):
        if getattr(options, name):
            words += [f"--{name}", str(getattr(options, name))]
    return " ".join(words + [f"--rounds {options.rounds}"] + (["--quick"] if options.quick else []))


def earlier_sections(folder, like, order):
    """What a race of the same machine and rounds has put there already, so that works can be run
    one by one in quiet hours, and again when something changed for them; nothing of any other."""
    try:
        report = json.loads((folder / "race.json").read_text())
    except (OSError, ValueError):
        return []
    if any(report.get(name) != like[name] for name in ("machine", "rounds")):
        return []
    return [section for section in report["sections"] if section["letter"] in order]


def merged(earlier, sections, order):
    """The newer of two sections about the same work and server, in the order of the works."""
    by_place = {(section["letter"], section["server"]): section for section in earlier + sections}
    return sorted(by_place.values(), key=lambda section: order.index(section["letter"]))


def write(folder, sections, options, order):
    """race.json, race.md and race.html of what has been run so far; `order`: all letters."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    commit = harness.commit()
    report = {"command": command_of(options), "machine": harness.machine(),
              "rounds": options.rounds}
    sections = [{**summarized(section), "date": now, "commit": commit} for section in sections]
    report["sections"] = merged(earlier_sections(folder, report, order), sections, order)
    report["bars"] = bars(report["sections"])
    (folder / "race.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "race.md").write_text(text_of(report))
    (folder / "race.html").write_text(page_of(report))
