"""`sbomkit cache`: the kept layer records."""

from __future__ import annotations

import re

import click

from sbomkit.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


@click.group()
def command() -> None:
    """The records of layers that were read before, kept so that a layer is read once.

    They are in $SBOMKIT_CACHE_DIR/layers, else in the user's cache directory. Dropping them costs only time.
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def info(as_json: bool) -> int:
    """Where the records are, how many, and how large."""
    from sbomkit.layers.cache import RecordCache, default_directory

    found = RecordCache(default_directory()).info()
    if as_json:
        import orjson

        value = {"directory": str(found.directory), "entries": found.entries, "size": found.size, "limit": found.limit}
        click.echo(orjson.dumps(value).decode())
    else:
        click.echo(f"{found.directory}: {found.entries} layers, {found.size} of at most {found.limit} bytes")
    return 0


@command.command()
@click.option(
    "--size", "limit", default="0", metavar="BYTES", help="Keep at most so much, e.g. 500M or 1Gi. Default: 0."
)
def prune(limit: str) -> int:
    """Drop the records that were used longest ago."""
    from sbomkit.layers.cache import RecordCache, default_directory

    click.echo(f"{RecordCache(default_directory()).prune(_size(limit))} dropped")
    return 0


@command.command()
def clear() -> int:
    """Drop every record."""
    from sbomkit.layers.cache import RecordCache, default_directory

    click.echo(f"{RecordCache(default_directory()).clear()} dropped")
    return 0


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,15})\s*([kmg]i?)?b?", text.strip().lower())
    if not match:
        raise UsageError(f"not a size: {text!r}", hint="Write bytes, or 500M, or 1Gi.")
    return int(match[1]) * _UNITS[match[2] or ""]
