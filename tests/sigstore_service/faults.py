"""What can be bent in the service, one knob each, to make material that a verifier must refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Faults:
    """All knobs off is an honest service. Tests turn them between two signatures."""

    certificate_shift: timedelta = field(default_factory=timedelta)
    """Moves the certificate's validity window against the true time."""

    log_shift: timedelta = field(default_factory=timedelta)
    """Moves the integrated time of Rekor v1."""

    omit_sct: bool = False
    forge_sct: bool = False
    """The SCT is signed by a key nobody trusts."""

    omit_code_signing: bool = False
    omit_digital_signature: bool = False
    omit_issuer: bool = False
    """No issuer extension in the certificate."""

    second_san: str = ""
    """A second identity beside the token's own."""

    replay_index: int | None = None
    """The log answers with this older entry instead of the one it was asked to add."""

    intoto_entries: bool = False
    """Rekor v1 logs DSSE envelopes as `intoto` 0.0.2 instead of `dsse` 0.0.1."""

    forge_promise: bool = False
    """The signed entry timestamp is made by another key."""

    forge_checkpoint: bool = False
