"""Strings out of images, made fit for documents and terminals.

Names in an image are bytes, so the model's strings may hold lone surrogates (undecodable bytes, PEP 383), control
characters and terminal escapes. JSON can hold all but the surrogates; a terminal must be given none of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_LONGEST = 2048
"""Characters of a URL or a supplier that are looked at; longer ones are neither."""
EPOCH = "1970-01-01T00:00:00Z"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_URL = re.compile(
    r"(?:https?|ftps?|git|ssh|svn)(?:\+[a-z]+)?://(?:[\w!$&'()*+,;=:@/?#.~-]|%[0-9A-Fa-f]{2})+\Z", re.ASCII
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\Z", re.ASCII)
_NAME_EMAIL = re.compile(r"\s*([^<>]*?)\s*<\s*([^<>\s]+)\s*>\s*\Z")
_PLAIN = re.compile(r"[ -~]*\Z")


def without_surrogates(text: str) -> str:
    """The text with each lone surrogate written out (`\\udc80`), so that it can be encoded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_without_surrogates(value: Any, clean: Callable[[str], str] = without_surrogates) -> Any:
    """The same for every string of a plain value. Our own documents are shallow, so recursion is safe here."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): plain_without_surrogates(item, clean) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_without_surrogates(item, clean) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain_without_surrogates(asdict(value), clean)
    return value


def utc_seconds(time: str) -> str:
    """An RFC 3339 time in UTC with whole seconds, as SPDX wants it; empty where it is not a time."""
    match = _TIME.match(time.strip())
    if not match:
        return ""
    zone = match.group(3).upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{match.group(1)}T{match.group(2)}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def is_url(text: str) -> bool:
    """Whether documents may hold it where they ask for a URL. Stricter than RFC 3986: hosts by name, no odd bytes."""
    return len(text) <= _LONGEST and _is_url(text)


@lru_cache(maxsize=4096)
def _is_url(text: str) -> bool:
    return text.count("#") <= 1 and _URL.match(text) is not None


def name_and_email(text: str) -> tuple[str, str]:
    """`Name <mail@host>` apart; the mail is empty where there is none that holds water."""
    return _name_and_email(text) if len(text) <= _LONGEST else (text, "")


@lru_cache(maxsize=4096)
def _name_and_email(text: str) -> tuple[str, str]:
    match = _NAME_EMAIL.match(text)
    if match and _EMAIL.match(match.group(2)):
        return match.group(1).strip("\"' "), match.group(2)
    return text, ""


def one_line(text: str) -> str:
    """The text with control characters and line ends as single blanks, for formats that are read by the line."""
    if _PLAIN.match(text):
        return text.strip()
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in without_surrogates(text)).split())


def printable(text: str) -> str:
    """The text as a terminal may see it: every control, format and private character written out as an escape."""
    if _PLAIN.match(text):
        return text
    return "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns of a terminal the (printable) text takes."""
    if _PLAIN.match(text):
        return len(text)
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """The text cut or padded to exactly this many columns."""
    if columns(text) <= width:
        return text + " " * (width - columns(text))
    kept, used = [], 0
    for character in text:
        step = _columns(character)
        if used + step > width - 1:
            break
        kept.append(character)
        used += step
    return "".join(kept) + "…" + " " * (width - 1 - used)
