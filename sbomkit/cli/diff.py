"""`sbomkit diff`: what changed between two releases."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sbomkit.cli._registry import registry_options
from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.cli._inputs import Input
    from sbomkit.diff.renderers import Options, Renderer
    from sbomkit.diff.types import Diff
    from sbomkit.model.files import FileDrift


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("old")
@click.argument("new")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT[=FILE]", default=("text",),
    help="text, json, markdown, html, sarif, junit or drift, and where to; repeatable. Default: text.",
)  # fmt: skip
@click.option(
    "--fail-on", multiple=True, metavar="KIND[,KIND]",
    help="Exit 1 when there is such a change: added, removed, downgraded, license:GPL-*, tamper, setuid, secret, "
    "user, root, base, unknown-origin, any ...; repeatable.",
)  # fmt: skip
@click.option("--exit-code", is_flag=True, help="Exit 1 when there is any difference, as git does.")
@click.option(
    "--only", multiple=True, metavar="PART[,PART]",
    help="packages, config, layers, files, licenses; app or base: what came with the one or the other. Repeatable.",
)  # fmt: skip
@click.option(
    "--ignore", multiple=True, metavar="PURL-GLOB", help="Leave packages out, as pkg:deb/*/tzdata; repeatable."
)
@click.option("--explain", is_flag=True, help="Say of every pair of packages why it is one.")
@click.option("--marker", metavar="NAME", default="", help="Hidden in markdown, so that CI can replace its comment.")
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Which image of an index. Default: linux, as here.")
@click.option("--old-base", metavar="IMAGE", help="The image that OLD was built on, to tell base from app.")
@click.option("--new-base", metavar="IMAGE", help="The image that NEW was built on.")
@click.option("--full", is_flag=True, help="Read layers whole, also those that have a table of contents.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep records of a registry's layers.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@registry_options
def command(
    old: str,
    new: str,
    outputs: tuple[str, ...],
    fail_on: tuple[str, ...],
    exit_code: bool,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    explain: bool,
    marker: str,
    platform: str | None,
    old_base: str | None,
    new_base: str | None,
    full: bool,
    no_cache: bool,
    quiet: bool,
    **access: Any,
) -> int:
    """Say what changed from OLD to NEW: packages, config, layers and, of images, files.

    \b
    OLD and NEW are each one of:
      an image    any SOURCE of `sbomkit generate`
      a document  an SBOM of any format and maker, or a saved inventory (-o json); - is standard input

    \b
    Examples:
      sbomkit diff registry.example/app:1.2 registry.example/app:1.3
      sbomkit diff oci-dir:./image:v1 oci-dir:./image:v2 --fail-on tamper,setuid,root
      sbomkit diff old.cdx.json new.spdx.json -o markdown=comment.md --marker app
      sbomkit diff app:1.2 app:1.3 --only app --ignore 'pkg:deb/*' -o html=diff.html -o drift=drift.json

    Differences alone exit 0. Exit codes: 0 fine, 1 refused by --fail-on or --exit-code, 2 wrong call, 3 one side could
    not be read.
    """
    from sbomkit.cli._inputs import Inputs, without_garbage_collection
    from sbomkit.cli._output import write_all
    from sbomkit.diff.judge import judge, parse
    from sbomkit.diff.select import ignore as ignored
    from sbomkit.diff.select import only as selected

    chosen = [_output(text) for text in outputs]
    if len({os.path.realpath(output.path) if output.path else "" for output in chosen}) < len(chosen):
        raise UsageError("two outputs to the same place", hint="Give each -o a file of its own: -o FORMAT=FILE.")
    rules = parse(fail_on)
    parts = [word for text in only for word in text.split(",")]
    texts = tuple(text for text in (old, new, old_base, new_base) if text)
    inputs = Inputs(texts, platform=platform, quiet=quiet, cached=not no_cache, full=full, **access)
    with without_garbage_collection():
        sides = inputs.open(old), inputs.open(new)
        bases = [inputs.open(base) if base else None for base in (old_base, new_base)]
        found = ignored(selected(_compared(sides, bases), parts), ignore)
        verdict = judge(found, rules)
        write_all(
            (one.path, one.renderer.render(found, _options(one, verdict, explain=explain, marker=marker)).encode())
            for one in chosen
        )
    return 1 if verdict.hits or (exit_code and not found.is_empty) else 0


class _Output(NamedTuple):
    renderer: Renderer
    path: str
    """Empty for standard output."""


def _output(text: str) -> _Output:
    from sbomkit.diff.renderers import renderer

    name, equals, path = text.partition("=")
    found = renderer(name.strip().lower())
    if equals and not path:
        raise UsageError(f"a file is missing after '=' in {text[:200]!r}", hint=f"Write {name}=FILE, or {name} alone.")
    if "\0" in path:
        raise UsageError("a file name cannot hold a NUL character")
    return _Output(found, "" if path == "-" else path)


def _options(output: _Output, verdict: Any, *, explain: bool, marker: str) -> Options:
    from sbomkit import __version__
    from sbomkit.cli._output import wants_color
    from sbomkit.diff.renderers import ANSI, PLAIN, Options

    colored = not output.path and output.renderer.name == "text" and wants_color(sys.stdout.isatty())
    return Options(verdict, ANSI if colored else PLAIN, explain, marker, tool_version=__version__)


def _compared(sides: tuple[Input, Input], bases: list[Input | None]) -> Diff:
    from sbomkit.diff.compare import diff

    old_base, new_base = (base.inventory if base else None for base in bases)
    return diff(sides[0].inventory, sides[1].inventory, files=_files(*sides), old_base=old_base, new_base=new_base)


def _files(old: Input, new: Input) -> FileDrift | None:
    """Only where both sides are images."""
    if old.examined is None or new.examined is None:
        return None
    from sbomkit.scan.drift import file_drift

    return file_drift(old.examined, new.examined)
