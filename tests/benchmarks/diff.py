"""How long a diff of two large documents takes as a whole process: start, decode both, compare, print.

    python -m tests.benchmarks.diff [--packages 10000] [--changed 500] [--rounds 5] [--format inventory]

The target is 0.5 s and 250 MB for 10,000 against 10,000 packages. `crowd` is the worst case: every version differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.process import machine, measure, table

WORKER = """
import sys
from pathlib import Path
from sbomkit.diff.compare import diff
from sbomkit.diff.renderers import Options, renderer
from sbomkit.sbom.format import find
read = find(sys.argv[1]).decode
before, after = (read(Path(path).read_bytes()) for path in sys.argv[2:4])
sys.stdout.write(renderer(sys.argv[4]).render(diff(before, after), Options()))
"""


def write(folder: Path, name: str, count: int, changed: int, format: str) -> tuple[str, str]:
    """Two documents that differ in so many versions; their paths."""
    from sbomkit.model.inventory import Inventory
    from sbomkit.sbom.format import Meta, find
    from tests.benchmarks.encode import inventory

    def newer(one: Inventory) -> Inventory:
        names = {p.purl: p.purl.replace("?arch", ".1?arch") for p in one.packages[:changed]}
        packages = [replace(p, purl=names[p.purl], version=f"{p.version}.1") for p in one.packages[:changed]]
        edges = (
            replace(e, source=names.get(e.source, e.source), target=names.get(e.target, e.target))
            for e in one.relationships
        )
        return replace(one, packages=(*packages, *one.packages[changed:]), relationships=tuple(edges))

    old = inventory(count)
    meta = Meta("", "sbomkit", "0")
    paths = []
    for side, one in (("old", old), ("new", newer(old))):
        path = folder / f"{name}-{side}.json"
        path.write_bytes(find(format).encode(one, meta))
        paths.append(str(path))
    return paths[0], paths[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.diff", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--packages", type=int, default=10_000)
    parser.add_argument("--changed", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--format", default="inventory")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = [sys.executable, "-c", WORKER, chosen.format]
        same = write(folder, "same", chosen.packages, 0, chosen.format)
        some = write(folder, "some", chosen.packages, chosen.changed, chosen.format)
        crowd = write(folder, "crowd", chosen.packages, chosen.packages, chosen.format)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "the same": [*base, *same, "text"],
            f"{chosen.changed} changed": [*base, *some, "text"],
            "crowd": [*base, *crowd, "text"],
            "crowd, html": [*base, *crowd, "html"],
        }
        runs = measure(commands, chosen.rounds, {"PYTHONPATH": str(Path(__file__).parents[2])})
    print(f"{chosen.packages} against {chosen.packages}; medians of {chosen.rounds} rounds; {machine()}.\n")
    print(table(runs, "python -c pass"))


if __name__ == "__main__":
    main()
