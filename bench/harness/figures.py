"""Ratios, their limits, and what came out of the rounds."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Ratio:
    """One line of the table."""

    number: str
    title: str
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    # What was measured in the place of what the limit is about.
    remark: str = ""
    values: list[float] = field(default_factory=list)

    @property
    def measured(self):
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def reached(self):
        limit_holds = self.at_least is None or self.measured >= self.at_least
        return limit_holds and (self.at_most is None or self.measured <= self.at_most)

    @property
    def limit(self):
        if self.at_least is not None:
            return f"≥ {self.at_least:.2f}{self.unit}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}{self.unit}"
        return "measured"

    @property
    def shown(self):
        text = show(self.measured) + self.unit
        if len(self.values) > 1:
            text += f" ({show(min(self.values))} to {show(max(self.values))})"
        return text + (f", {self.remark}" if self.remark else "")


def show(value):
    """Two decimals where they say something."""
    return f"{value:.0f}" if abs(value) >= 20 else f"{value:.2f}"


class Figures:
    """All ratios of a sitting, in the order of the table."""

    def __init__(self):
        self.ratios = {}

    def add(self, number, title, value, **limits):
        """Another round's value of a ratio."""
        ratio = self.ratios.setdefault((number, title), Ratio(number, title, **limits))
        ratio.values.append(value)

    def in_order(self):
        return sorted(self.ratios.values(), key=lambda ratio: int(ratio.number))
