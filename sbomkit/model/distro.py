"""The Linux distribution an image is built on.

Source: https://www.freedesktop.org/software/systemd/man/latest/os-release.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distro:
    """What os-release (or one of its fallbacks) says. Every field may be empty."""

    id: str = ""
    version_id: str = ""
    name: str = ""
    pretty_name: str = ""
    codename: str = ""
    id_like: tuple[str, ...] = ()
    path: str = ""
    """Where it was read, absolute in the image."""

    @property
    def qualifier(self) -> str:
        """The `distro=` qualifier of purls: ID-VERSION_ID, or what there is of it."""
        return "-".join(part for part in (self.id, self.version_id) if part)

    @property
    def family(self) -> tuple[str, ...]:
        """The id, then the ids it says it is like, nearest first."""
        return (self.id, *self.id_like) if self.id else self.id_like
