"""Reading documents of any maker: take what is there, say what is wrong, never fail on a single field.

A document that is not one at all is a CorruptInput. A field that is not what it should be is left out, and becomes an
issue whose reason starts with the JSON pointer of the place.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import orjson

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Issue
from sbomkit.model.package import License
from sbomkit.sbom.text import printable

_ISSUES = 1000
_UTF8_BOM = b"\xef\xbb\xbf"


def parse_json(raw: bytes) -> Any:
    """What JSON says. Raises orjson.JSONDecodeError, also for nesting beyond 1,024.

    The garbage collector would walk the growing document again and again: it finds nothing, and takes two thirds of the
    time. It rests meanwhile.
    """
    resting = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(raw)
    finally:
        if resting:
            gc.enable()


def load_json(raw: bytes, what: str) -> dict[str, Any]:
    """The object that a document is. Raises CorruptInput; nesting is bounded by the parser."""
    try:
        document = parse_json(raw.removeprefix(_UTF8_BOM))
    except orjson.JSONDecodeError as error:
        raise CorruptInput(
            f"the {what} document is not JSON: {error}", hint="Is the file complete, and UTF-8?"
        ) from error
    if not isinstance(document, dict):
        raise CorruptInput(f"the {what} document is not a JSON object", hint="Give the document itself.")
    return document


class Reader:
    """Takes typed values out of plain ones, and notes what was not as it should be."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.left_out = 0

    def fault(self, pointer: str, reason: str) -> None:
        if len(self.issues) < _ISSUES:
            self.issues.append(Issue("", f"document {pointer or '/'}: {printable(reason[:300])}"))
        else:
            self.left_out += 1

    def text(self, entry: dict[str, Any], key: str, pointer: str) -> str:
        """A string; empty where there is none, or something else."""
        value = entry.get(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self.fault(f"{pointer}/{key}", f"is {_kind(value)}, not a string")
        return ""

    def object(self, entry: dict[str, Any], key: str, pointer: str) -> dict[str, Any]:
        """An object; empty where there is none, or something else."""
        value = entry.get(key)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.fault(f"{pointer}/{key}", f"is {_kind(value)}, not an object")
        return {}

    def objects(self, entry: dict[str, Any], key: str, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The objects of a list, each with its pointer."""
        value = entry.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.fault(f"{pointer}/{key}", f"is {_kind(value)}, not a list")
            return
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{pointer}/{key}/{index}", item
            else:
                self.fault(f"{pointer}/{key}/{index}", f"is {_kind(item)}, not an object")

    def texts(self, entry: dict[str, Any], key: str, pointer: str) -> list[str]:
        """The strings of a list."""
        value = entry.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(f"{pointer}/{key}", f"is {_kind(value)}, not a list")
            return []
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.fault(f"{pointer}/{key}/{index}", f"is {_kind(item)}, not a string")
        return [item for item in value if isinstance(item, str)]

    def digest(self, algorithm: str, content: str, pointer: str) -> Digest | None:
        """A hash; None, and an issue, where it is none that the model knows."""
        try:
            return Digest(algorithm.lower().replace("sha-", "sha"), content.lower())
        except ValueError as error:
            self.fault(pointer, str(error))
            return None

    def all_issues(self) -> list[Issue]:
        """The faults found, and how many more there were."""
        more = [Issue("", f"document: {self.left_out} more faults")] if self.left_out else []
        return self.issues + more


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def licenses_as_stated(entries: object) -> tuple[License, ...]:
    """The licence statements that our encoders keep beside the format's own; nothing where they are not that."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return ()
    return tuple(
        License(
            str(entry.get("value", "")),
            entry.get("concluded") is True,
            str(entry.get("text", "")),
            str(entry.get("source", "")),
        )
        for entry in entries
    )


def plain_pairs(entries: object) -> list[tuple[str, str]] | None:
    """Names and values of properties, where every one is as it should be; most are, and this is the quick way."""
    try:
        found = [(item["name"], item["value"]) for item in entries] if isinstance(entries, list | tuple) else None
    except (TypeError, KeyError):
        return None
    if found is None or not all(type(name) is str is type(value) for name, value in found):
        return None
    return found


def json_of(text: str) -> object:
    """What a field holds as JSON; None where it does not."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def confidence_of(text: str) -> float:
    """A number from 0 to 1; 1 where the text is none."""
    try:
        value = float(text)
    except ValueError:
        return 1.0
    return value if 0 <= value <= 1 else 1.0
