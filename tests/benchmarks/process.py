"""Whole processes, measured by what the kernel counts for them, and medians as a markdown table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """One process, from its start to its end."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, with the children it waited for."""
    peak: float
    """MB of resident memory at most; of the largest process where there are several.

    The kernel counts the memory of the process that forked, too: nothing below this program's own 15 MB can be seen.
    """


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Raises SystemExit, with the command's own words, when it fails: a failed run is no measurement."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}; run it by hand to see why")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def measure(commands: Mapping[str, Sequence[str]], rounds: int, environment: Mapping[str, str]) -> dict[str, list[Run]]:
    """Every command `rounds` times, taking turns, so that what disturbs the machine disturbs all alike.

    A first round, to fill the page cache, is not counted.
    """
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for at in range(rounds + 1):
        for name, command in commands.items():
            measured = run(command, environment)
            if at:
                runs[name].append(measured)
                print(f"round {at} of {rounds}: {name}: {measured.wall:.2f} s", file=sys.stderr)
    return runs


def median(runs: Sequence[Run]) -> Run:
    """The median of each quantity by itself."""
    return Run(
        statistics.median(r.wall for r in runs),
        statistics.median(r.cpu for r in runs),
        statistics.median(r.peak for r in runs),
    )


def table(runs: Mapping[str, Sequence[Run]], against: str) -> str:
    """Medians, and how often the `against` row's numbers each row needs."""
    base = median(runs[against])
    lines = [
        f"| | wall | CPU | peak memory | wall / {against} | CPU / {against} | memory / {against} |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, measured in runs.items():
        m = median(measured)
        ratios = [m.wall / base.wall, m.cpu / base.cpu, m.peak / base.peak]
        cells = [f"{m.wall:.2f} s", f"{m.cpu:.2f} s", f"{m.peak:.0f} MB", *(f"{ratio:.2f}" for ratio in ratios)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """What the numbers hold for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, Python {sys.version.split()[0]}, {sys.platform}"
