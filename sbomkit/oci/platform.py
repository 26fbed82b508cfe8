"""Platforms as `os/architecture[/variant]`, and choosing one from an index.

Normalisation as containerd's (https://github.com/containerd/platforms): x86_64 is amd64, arm64 means arm64/v8.
"""

from __future__ import annotations

import platform as host
from collections.abc import Sequence
from dataclasses import dataclass

from sbomkit.errors import UsageError

_ARCHITECTURES = {
    "x86_64": ("amd64", ""), "x86-64": ("amd64", ""), "aarch64": ("arm64", ""), "i386": ("386", ""),
    "i686": ("386", ""),
    "armhf": ("arm", "v7"), "armv7l": ("arm", "v7"), "armv6l": ("arm", "v6"), "armel": ("arm", "v6"),
}  # fmt: skip
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


@dataclass(frozen=True, slots=True)
class Platform:
    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os/architecture[/variant]`. Raises UsageError."""
        parts = text.lower().split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise UsageError(
                f"not a platform: {text!r}", hint="Write it as os/architecture, e.g. linux/arm64 or linux/arm/v7."
            )
        architecture, variant = _ARCHITECTURES.get(parts[1], (parts[1], ""))
        return cls(parts[0], architecture, parts[2] if len(parts) == 3 else variant)

    @classmethod
    def default(cls) -> Platform:
        """Linux on this machine's architecture."""
        machine = host.machine().lower()
        architecture, variant = _ARCHITECTURES.get(machine, (machine, ""))
        return cls("linux", architecture, variant)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def matches(self, offered: Platform) -> bool:
        """Whether what is offered is what is asked for; a variant that is not named is the architecture's default."""
        if (self.os, self.architecture) != (offered.os, offered.architecture):
            return False
        default = _DEFAULT_VARIANT.get(self.architecture, "")
        return (self.variant or default) == (offered.variant or default)


def choose(wanted: Platform, offered: Sequence[Platform | None]) -> int | None:
    """Index of the best match: exact, then, where no variant was asked for, any variant of the architecture."""
    for at, platform in enumerate(offered):
        if platform and wanted.matches(platform):
            return at
    if not wanted.variant:
        for at, platform in enumerate(offered):
            if platform and (platform.os, platform.architecture) == (wanted.os, wanted.architecture):
                return at
    return None
