"""How long `sbomkit --help` takes, beside a Python that does nothing.

python -m tests.benchmarks.startup [--rounds 20]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.process import machine, measure, table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.startup", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    script = Path(sys.executable).parent / "sbomkit"
    ours = [str(script)] if script.exists() else [sys.executable, "-m", "sbomkit"]
    commands = {"sbomkit --help": [*ours, "--help"], "python -c pass": [sys.executable, "-c", "pass"]}
    runs = measure(commands, rounds, {})
    print(f"Medians of {rounds} rounds, taking turns; {machine()}.\n")
    print(table(runs, "python -c pass"))


if __name__ == "__main__":
    main()
