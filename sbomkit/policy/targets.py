"""What is to be deployed: the images that a file names, each with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sbomkit.policy.marked import NOWHERE, Mark

Role = Literal["image", "init", "ephemeral", "volume", "model", "build-context", "dockerfile"]
"""`dockerfile` and `build-context` go into a build; the others are run or mounted as they are."""
BUILD_ROLES: frozenset[Role] = frozenset({"build-context", "dockerfile"})

TargetKind = Literal["image", "sbom", "compose", "kubernetes"]


@dataclass(frozen=True, slots=True)
class ImageUse:
    """One image reference at one place. `reference` is as written, variables replaced."""

    reference: str
    mark: Mark = NOWHERE
    owner: str = ""
    """Who uses it: `services.web`, `Deployment/web container app`."""
    role: Role = "image"
    built: bool = False
    """Built from source on the spot: the reference is a name for the outcome (or empty), not something to pull."""
    platform: str = ""
    unset: tuple[str, ...] = ()
    """Variables in it that have no value."""
    pinnable: bool = True
    """The text at the mark is this reference and nothing else."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one TARGET of the call means. `texts` are the files it was read from, as text, for pinning."""

    kind: TargetKind
    name: str
    uses: tuple[ImageUse, ...] = ()
    notes: tuple[str, ...] = ()
    """What limits the word of this target: services that a profile leaves out, an unset variable."""
    texts: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
