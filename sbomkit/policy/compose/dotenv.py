"""Environment files, as compose reads them for interpolation.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sbomkit.policy.compose.interpolate import Lookup, TemplateError, interpolate
from sbomkit.policy.marked import Mark, MarkedError

MAX_BYTES = 1 << 20

_KEY = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:([=:])[ \t]*|(?=\r?(?:\n|\Z)))")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT = re.compile(r"[ \t]+#.*|\A#.*")
_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b", "v": "\v", "a": "\a"}


def read_env(text: str, file: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of one file. `environment` has precedence inside values, and gives names without a value theirs.

    Raises MarkedError with the line.
    """
    if len(text) > MAX_BYTES:
        raise MarkedError(Mark(file), f"{len(text)} characters, and at most {MAX_BYTES} are read")
    found: dict[str, str] = {}

    def lookup(name: str) -> str | None:
        value = environment.get(name)
        return found.get(name) if value is None else value

    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank and blank.end() > at:
            at = blank.end()
            continue
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        mark = Mark(file, text.count("\n", 0, at) + 1, 1)
        key = _KEY.match(text, at)
        if key is None:
            shown = text[at : at + 40].partition("\n")[0]
            raise MarkedError(mark, f"not a line of an environment file: {shown!r}")
        if key.group(2) is None:
            inherited = environment.get(key.group(1))
            if inherited is not None:
                found[key.group(1)] = inherited
            at = key.end()
            continue
        try:
            found[key.group(1)], at = _value(text, key.end(), lookup)
        except TemplateError as error:
            raise MarkedError(mark, f"{key.group(1)}: {error}") from error
    return found


def _value(text: str, at: int, lookup: Lookup) -> tuple[str, int]:
    """A value, and where the next line begins. Raises TemplateError."""
    quote = text[at : at + 1]
    if quote in ("'", '"'):
        quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
        if quoted is None:
            raise TemplateError("a quoted value does not end")
        rest = _BLANK.match(text, quoted.end())
        if rest is None:
            raise TemplateError("something stands after the closing quote")
        raw = quoted.group(1)
        if quote == "'":
            return raw.replace("\\'", "'"), rest.end()
        return interpolate(_unescaped(raw), lookup), rest.end()
    end = text.find("\n", at)
    end = len(text) if end == -1 else end
    raw = _COMMENT.sub("", text[at:end], count=1).strip()
    return interpolate(raw, lookup), end + 1


def _unescaped(text: str) -> str:
    """Escapes of a double-quoted value; `\\$` is a dollar that begins no variable."""

    def one(match: re.Match[str]) -> str:
        letter = match.group(1)
        if letter == "$":
            return "$$"
        return _ESCAPES.get(letter, letter if letter in "\"\\'" else match.group())

    return _ESCAPE.sub(one, text)
