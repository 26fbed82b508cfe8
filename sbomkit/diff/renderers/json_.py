"""For programs: see schemas/diff.schema.json."""

from __future__ import annotations

import orjson

from sbomkit.diff.document import document
from sbomkit.diff.renderers.base import Options, Renderer
from sbomkit.diff.types import Diff


def dumps(value: object) -> str:
    """Indented, with a newline at the end. A text that is no Unicode (a lone surrogate) is escaped, not refused."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    except TypeError:
        return orjson.dumps(_scalar(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_scalar(key)): _scalar(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scalar(item) for item in value]
    return value


def render(diff: Diff, options: Options) -> str:
    return dumps(document(diff, options.verdict))


RENDERER = Renderer("json", ".json", "application/json", render)
