"""The images that a Dockerfile begins from, copies from and mounts from.

https://docs.docker.com/reference/dockerfile/ — FROM, COPY/ADD --from, RUN --mount=from, ARG before FROM, heredocs,
the escape and syntax directives.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sbomkit.policy.compose.interpolate import Names, TemplateError, interpolate

MAX_LINES = 100_000

_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*\Z")
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1")
_MOUNT_FROM = re.compile(r"(?:\A|,)from=([^,]+)")
_PLATFORM = {
    "BUILDPLATFORM",
    "TARGETPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDVARIANT",
}


class DockerfileError(ValueError):
    """What is wrong, and in which line (from 1)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


@dataclass(frozen=True, slots=True)
class BaseImage:
    reference: str
    line: int
    platform: str = ""
    unset: tuple[str, ...] = ()


def base_images(text: str, arguments: Mapping[str, str]) -> list[BaseImage]:
    """Every image that is not a stage of the file itself, in the file's order. Raises DockerfileError."""
    stages: set[str] = set()
    count = 0
    values: dict[str, str] = {}
    found: list[BaseImage] = []
    for line, word, rest in _instructions(text):
        if word == "SYNTAX":
            # the frontend is an image that runs the build
            found.append(BaseImage(rest, line))
        elif word == "ARG" and not count:
            _declare(rest, arguments, values, line)
        elif word == "FROM":
            base, stage = _from(rest, values, line)
            if base.reference.lower() not in stages and base.reference != "scratch":
                found.append(base)
            count += 1
            stages |= {stage.lower()} if stage else set()
        elif word in ("COPY", "ADD", "RUN"):
            found += [
                base for base in _borrowed(word, rest, values, line) if not _is_stage(base.reference, stages, count)
            ]
    return found


def _is_stage(name: str, stages: set[str], count: int) -> bool:
    return name.lower() in stages or (name.isdigit() and int(name[:9]) < count) or name in ("", "scratch")


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, instruction in upper case, and its text with continued lines joined. Heredocs are left out."""
    lines = text.lstrip("\ufeff").splitlines()
    if len(lines) > MAX_LINES:
        raise DockerfileError(MAX_LINES, f"more than {MAX_LINES} lines")
    escape, at, head = "\\", 0, True
    while at < len(lines):
        start, line = at, lines[at].strip()
        at += 1
        if head:
            directive = _DIRECTIVE.match(line)
            name = directive.group(1).lower() if directive else ""
            if directive and name == "escape":
                escape = directive.group(2)
            elif directive and name == "syntax":
                yield start + 1, "SYNTAX", directive.group(2)
            head = directive is not None
        if not line or line.startswith("#"):
            continue
        parts = []
        while line.endswith(escape):
            parts.append(line[:-1])
            # comments and empty lines within a continued instruction do not end it
            while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
                at += 1
            if at >= len(lines):
                line = ""
                break
            line = lines[at].strip()
            at += 1
        parts.append(line)
        word, _, rest = " ".join(parts).strip().partition(" ")
        if word.upper() == "ONBUILD":
            word, _, rest = rest.strip().partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD"):
            for heredoc in _HEREDOC.finditer(rest):
                while at < len(lines) and lines[at].strip() != heredoc.group(2):
                    at += 1
                at += 1
        yield start + 1, word.upper(), rest.strip()


def _declare(rest: str, arguments: Mapping[str, str], values: dict[str, str], line: int) -> None:
    for word in _words(rest, line):
        name, equals, default = word.partition("=")
        if name in arguments:
            values[name] = arguments[name]
        elif equals:
            values[name] = _expanded(default, values, line, Names())


def _from(rest: str, values: Mapping[str, str], line: int) -> tuple[BaseImage, str]:
    words = rest.split()
    platform = ""
    while words and words[0].startswith("--"):
        name, _, value = words.pop(0).partition("=")
        if name == "--platform":
            platform = _platform(value, values, line)
    if not words:
        raise DockerfileError(line, "FROM names no image")
    names = Names()
    reference = _expanded(words[0].strip("\"'"), values, line, names)
    stage = words[2] if len(words) > 2 and words[1].upper() == "AS" else ""
    return BaseImage(reference, line, platform, tuple(sorted(names.unset))), stage


def _platform(value: str, values: Mapping[str, str], line: int) -> str:
    """Empty where it depends on the machine that builds."""
    names = Names()
    text = _expanded(value, values, line, names)
    return "" if names.unset or names.used & _PLATFORM else text


def _borrowed(word: str, rest: str, values: Mapping[str, str], line: int) -> Iterator[BaseImage]:
    for part in rest.split():
        if not part.startswith("--"):
            return
        name, _, value = part.partition("=")
        if name == "--from" and word != "RUN":
            pass
        elif name == "--mount" and word == "RUN":
            mounted = _MOUNT_FROM.search(value.strip("\"'"))
            if mounted is None:
                continue
            value = mounted.group(1)
        else:
            continue
        names = Names()
        yield BaseImage(_expanded(value.strip("\"'"), values, line, names), line, "", tuple(sorted(names.unset)))


def _words(text: str, line: int) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise DockerfileError(line, f"a quote does not end: {text[:80]!r}") from error


def _expanded(text: str, values: Mapping[str, str], line: int, names: Names) -> str:
    try:
        return interpolate(text, values.get, names)
    except TemplateError as error:
        raise DockerfileError(line, str(error)) from error
