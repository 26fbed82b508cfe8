"""Python versions.

https://packaging.python.org/en/latest/specifications/version-specifiers/ and, for versions that it does not know,
the older setuptools order: they come before all that it does.
"""

from __future__ import annotations

import re
from typing import Any

from sbomkit.diff.versions.distro import number

_PEP440 = re.compile(
    r"""\s*v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]*))?
    (?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_STAGE = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_DEV_ONLY, _NO_PRE = 0, 4
_ZERO = (0, "")


def key(version: str) -> Any:
    match = _PEP440.match(version)
    if match is None:
        return 0, _legacy(version)
    release = [number(part) for part in match["release"].split(".")]
    while release and release[-1] == _ZERO:
        release.pop()
    stage = match["pre"]
    if stage:
        pre = (_STAGE[stage.lower()], number(match["pre_n"]))
    else:
        # A development release of the release itself comes before its pre-releases.
        pre = (_DEV_ONLY if match["dev"] and not match["post"] else _NO_PRE, _ZERO)
    post = (1, number(match["post_n1"] or match["post_n2"] or "")) if match["post"] else (0, _ZERO)
    dev = (0, number(match["dev_n"] or "")) if match["dev"] else (1, _ZERO)
    return 1, number(match["epoch"] or ""), tuple(release), pre, post, dev, _local(match["local"])


def _local(text: str | None) -> tuple[Any, ...]:
    """Numbers after words, and none before any."""
    if not text:
        return ()
    parts = re.split(r"[-_.]", text.lower())
    return tuple((1, number(part)) if part.isdigit() else (0, (0, part)) for part in parts)


_LEGACY_PART = re.compile(r"([0-9]+|[a-z]+|\.|-)")
_LEGACY_ALIAS = {"pre": "c", "preview": "c", "-": "final-", "rc": "c", "dev": "@"}


def _legacy(version: str) -> tuple[Any, ...]:
    parts: list[str] = []
    for raw in _LEGACY_PART.split(version.lower()):
        part = _LEGACY_ALIAS.get(raw, raw)
        if not part or part == ".":
            continue
        if part[0].isdigit():
            bare = part.lstrip("0")
            parts.append(f"{len(bare):08d}{bare}")
            continue
        part = "*" + part
        if part < "*final":
            while parts and parts[-1] == "*final-":
                parts.pop()
        while parts and parts[-1] == "00000000":
            parts.pop()
        parts.append(part)
    return (*parts, "*final")
