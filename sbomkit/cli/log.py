"""`sbomkit log`: a series of releases, and what came and went."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sbomkit.cli._registry import registry_options
from sbomkit.errors import UsageError

_FORMATS = ("text", "markdown", "json", "html")
_NUMBERS = re.compile(r"(\d+)")


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("releases", nargs=-1, required=True, metavar="RELEASE...|DIR")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT[=FILE]", default=("text",),
    help="text, markdown, json or html (with a chart), and where to; repeatable. Default: text.",
)  # fmt: skip
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Which image of an index. Default: linux, as here.")
@click.option("--full", is_flag=True, help="Read layers whole, also those that have a table of contents.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep records of a registry's layers.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@registry_options
def command(
    releases: tuple[str, ...],
    outputs: tuple[str, ...],
    platform: str | None,
    full: bool,
    no_cache: bool,
    quiet: bool,
    **access: Any,
) -> int:
    """One row for each release, oldest first: its packages, licences and size, and what changed.

    \b
    RELEASE is an image or a document, as for `sbomkit diff`; DIR is a directory of documents, taken by the time that
    the images in them were made, where every document tells one, else by name (1.9 before 1.10).

    \b
    Examples:
      sbomkit log registry.example/app:1.1 registry.example/app:1.2 registry.example/app:1.3
      sbomkit log ./sboms -o html=log.html
    """
    from sbomkit.cli._inputs import Inputs, without_garbage_collection
    from sbomkit.cli._output import write_all
    from sbomkit.diff import log

    chosen = [_output(text) for text in outputs]
    if len({path for _, path in chosen}) < len(chosen):
        raise UsageError("two outputs to the same place", hint="Give each -o a file of its own: -o FORMAT=FILE.")
    folder = Path(releases[0]) if len(releases) == 1 else None
    texts = tuple(_documents(folder)) if folder is not None and _holds_documents(folder) else releases
    inputs = Inputs(texts, platform=platform, quiet=quiet, cached=not no_cache, full=full, **access)
    with without_garbage_collection():
        series = [inputs.open(text).inventory for text in texts]
        if texts is not releases and all(one.subject.created for one in series):
            series.sort(key=lambda one: one.subject.created)
        rows = log.log(series)
        show = {"text": log.as_text, "markdown": log.as_markdown, "json": log.as_json, "html": log.as_html}
        write_all((path, show[format](rows).encode()) for format, path in chosen)
    return 0


def _output(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if name not in _FORMATS:
        raise UsageError(f"no such output format: {name[:64]!r}", hint=f"Known: {', '.join(_FORMATS)}.")
    if (equals and not path) or "\0" in path:
        raise UsageError(f"a file is missing after '=' in {text[:200]!r}", hint=f"Write {name}=FILE, or {name} alone.")
    return name, "" if path == "-" else path


def _holds_documents(folder: Path) -> bool:
    """A directory that is neither an image layout nor the root of a file system."""
    if not folder.is_dir() or (folder / "index.json").exists() or (folder / "oci-layout").exists():
        return False
    return any(path.is_file() for path in folder.iterdir()) and not (folder / "etc").is_dir()


def _documents(folder: Path) -> Iterator[str]:
    """The files in it, by name, numbers by their value; hidden ones are none of ours."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    yield from (str(path) for path in sorted(files, key=lambda path: _natural(path.name)))


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    parts = _NUMBERS.split(name)
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts[:200])
