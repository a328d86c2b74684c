"""Plots as SVG: plain shapes and the reader's own fonts, light or dark as the reader has it."""

import math
import statistics
from html import escape

from .figures import show

STYLE = """
svg { --ground: #ffffff; --text: #1f2937; --faint: #6b7280; --line: #e5e7eb; --first: #2563eb; --second: #c2410c;
  --good: #15803d; --bad: #b91c1c; font: 13px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --text: #e6edf3; --faint: #9ca3af; --line: #30363d;
  --first: #60a5fa; --second: #fb923c; --good: #4ade80; --bad: #f87171; } }
text { fill: var(--text); } .faint { fill: var(--faint); } .title { font-weight: 600; font-size: 15px; }
.grid { stroke: var(--line); } .limit { stroke: var(--text); stroke-dasharray: 4 3; }
.first { stroke: var(--first); fill: var(--first); } .second { stroke: var(--second); fill: var(--second); }
.path { fill: none; stroke-width: 2; } text.first, text.second { stroke: none; }
.good { fill: var(--good); } .bad { fill: var(--bad); }
"""

COLOURS = ("first", "second")


def svg(width, height, title, parts):
    """A whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(title)}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{width}" height="{height}" fill="var(--ground)"/>\n'
        f'<text class="title" x="20" y="28">{escape(title)}</text>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def thousands(number):
    return f"{number:,}".replace(",", "\u202f")


def ceiling_of(value):
    """The next round number, for the end of an axis."""
    step = 10 ** math.floor(math.log10(value))
    return next(step * factor for factor in (1, 2, 3, 5, 10) if step * factor >= value)


def lines(title, x_title, series):
    """Milliseconds over a size. The places on the x axis stand evenly, whatever is between them.

    `series` are (name, {size: milliseconds}), at most as many as there are colours.
    """
    width, height, left, right, top, bottom = 720, 320, 80, 150, 56, 270
    sizes = sorted({size for _, points in series for size in points})
    highest = ceiling_of(1.15 * max(value for _, points in series for value in points.values()))

    def x(size):
        return left + (width - left - right) * (sizes.index(size) / max(1, len(sizes) - 1))

    def y(value):
        return bottom - (bottom - top) * value / highest

    parts = []
    for step in range(5):
        value = highest * step / 4
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(text(left - 8, y(value) + 4, f"{value:g} ms", 'class="faint" text-anchor="end"'))
    for size in sizes:
        parts.append(text(x(size), bottom + 20, thousands(size), 'class="faint" text-anchor="middle"'))
    parts.append(text((left + width - right) / 2, bottom + 40, x_title, 'class="faint" text-anchor="middle"'))
    ends = []
    for colour, (name, points) in zip(COLOURS, series):
        way = " ".join(f"{x(size):.1f},{y(value):.1f}" for size, value in sorted(points.items()))
        parts.append(f'<polyline class="path {colour}" style="fill:none" points="{way}"/>')
        for size, value in sorted(points.items()):
            parts.append(f'<circle class="{colour}" cx="{x(size):.1f}" cy="{y(value):.1f}" r="4"/>')
            # The number stands above the line, but for one that another line runs close above of.
            above = [points[size] for _, points in series if points.get(size, 0) > value]
            close = above and y(value) - y(min(above)) < 24
            down = y(value) + (20 if close else -10)
            parts.append(text(x(size), down, show(value), f'class="{colour}" text-anchor="middle"'))
        last = max(points)
        ends.append([y(points[last]) + 4, x(last), name, colour])
    # Names beside the ends of their lines, not over one another.
    ends.sort(key=lambda end: end[0])
    for before, after in zip(ends, ends[1:]):
        after[0] = max(after[0], before[0] + 16)
    parts += [text(at + 14, down, name, f'class="{colour}"') for down, at, name, colour in ends]
    return svg(width, height, title, parts)


def bars(title, ratios):
    """Each ratio against its limit: what ends at the dashed line or right of it is reached."""
    ratios = [ratio for ratio in ratios if ratio.at_least is not None or ratio.at_most is not None]
    row, left, right, width = 22, 400, 150, 900
    scale = (width - left - right) / 2
    height = 64 + row * len(ratios) + 20
    parts = [text(left + scale, 50, "must reach", 'class="faint" text-anchor="middle"')]
    for index, ratio in enumerate(ratios):
        # As far from the limit as twice, or less than half, is the end of the row.
        share = ratio.measured / ratio.at_least if ratio.at_least is not None else ratio.at_most / max(ratio.measured, 1e-9)
        if ratio.measured < 0:
            share = 2
        long = scale * min(2, share)
        y = 64 + row * index
        colour = "good" if ratio.reached else "bad"
        parts.append(text(left - 10, y + 13, f"{ratio.number}  {ratio.title.replace('`', '')}", 'text-anchor="end" font-size="11"'))
        parts.append(f'<rect class="{colour}" x="{left}" y="{y + 3}" width="{long:.1f}" height="{row - 8}" rx="2"/>')
        words = f"{'✓' if ratio.reached else '✗'} {show(ratio.measured)}{ratio.unit} ({ratio.limit})"
        parts.append(text(left + 2 * scale + 8, y + 13, words, 'class="faint" font-size="11"'))
    parts.append(f'<line class="limit" x1="{left + scale}" x2="{left + scale}" y1="58" y2="{height - 16}"/>')
    return svg(width, height, title, parts)


def medians(taken, scenario, by):
    """Half-way latencies of a scenario on PostgreSQL by users or group: {size: milliseconds}."""
    found = {}
    for line in taken:
        if line["scenario"] == scenario and line["round"] and line["server"].startswith("postgres ") and by in line:
            size = int(line["server"].split()[1]) if by == "users" else line[by]
            found.setdefault(size, []).append(line["p50_ms"])
    return {size: statistics.median(values) for size, values in found.items()}


def write(folder, figures, taken):
    """All plots that there are measurements for; gives (file, what it shows)."""
    wanted = [
        ("look-ups.svg", "Look-ups, 16 connections, p50", "users of the tenant", "users", [
            ("userName eq", "eq"), ("e-mail value path", "email_eq"),
        ]),
        ("pages.svg", "Page of 100 users, 16 connections, p50", "users of the tenant", "users", [
            ("last page", "page_last"), ("first page", "page_first"),
        ]),
        ("members.svg", "PATCH of one member, one connection, p50", "members of the group", "group", [
            ("in or out", "group_member"),
        ]),
    ]
    folder.mkdir(exist_ok=True)
    written = []
    for file, title, x_title, by, scenarios in wanted:
        series = [(name, medians(taken, scenario, by)) for name, scenario in scenarios]
        series = [(name, points) for name, points in series if len(points) > 1]
        if series:
            (folder / file).write_text(lines(title, x_title, series), encoding="utf-8")
            written.append((file, title))
    title = "Each ratio against its limit"
    (folder / "ratios.svg").write_text(bars(title, figures.in_order()), encoding="utf-8")
    return [("ratios.svg", title), *written]
