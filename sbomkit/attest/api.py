"""The room's front: sign, and verify, in one call each. Everything here can be done without the command line.

bundle = sign_statement(signer, build_statement([("app.tar", target.digests[:1])], CYCLONEDX, sbom))
outcome = verify(read_bundles(raw, "app.sigstore.json"), target, IdentityPolicy.of(identity=..., issuer=...))
predicate = outcome.require()[0].predicate
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sbomkit.attest.bundle import Bundle
from sbomkit.attest.dsse import Envelope
from sbomkit.attest.policy import Who
from sbomkit.attest.predicates import COSIGN_SIGN, predicate_uri
from sbomkit.attest.reasons import NotTaken
from sbomkit.attest.signers import Signer
from sbomkit.attest.statement import build_statement, parse_statement
from sbomkit.attest.target import Target
from sbomkit.attest.trust import TrustedRoot
from sbomkit.attest.verifier import Candidate, PredicateCheck, Verification, Verifier
from sbomkit.errors import UsageError


def attest(signer: Signer, target: Target, predicate_type: str, predicate: bytes, *, name: str = "") -> Bundle:
    """Sign a statement that says `predicate` (JSON bytes, kept exactly) of `target`.

    `predicate_type` is an alias or a URI. Raises UsageError, CorruptInput, CannotCheck.
    """
    # one digest names an artifact; more of them only give verifiers more to disagree about
    statement = build_statement([(name, target.digests[:1])], predicate_uri(predicate_type), predicate)
    return signer.sign_statement(statement)


def sign_image(signer: Signer, target: Target, *, name: str = "") -> Bundle:
    """Sign an image in the form of cosign v3: a statement that says no more than that it was signed."""
    return attest(signer, target, COSIGN_SIGN, b"{}", name=name)


def sign_blob(signer: Signer, target: Target) -> Bundle:
    """Sign a file by itself: a message signature, which carries no statement."""
    return signer.sign_target(target)


def claimed_predicate_type(bundle: Bundle) -> str | None:
    """What a bundle's payload says its predicate is, *unverified*: for annotations and for choosing what to fetch."""
    if not isinstance(bundle.content, Envelope):
        return None
    try:
        return parse_statement(bundle.content.payload).predicate_type
    except NotTaken:
        return None


def verify(
    candidates: Iterable[Candidate],
    target: Target,
    who: Who,
    *,
    predicate_type: str | None = None,
    trusted_roots: tuple[TrustedRoot, ...] | None = None,
    max_age: timedelta | None = None,
    check_predicate: PredicateCheck | None = None,
    now: datetime | None = None,
) -> Verification:
    """Judge every candidate; the outcome tells what was taken, and of each other one why it was not.

    Opens no socket. Without `trusted_roots` the public good instance is believed, as the installed sigstore ships it.
    `now` is this machine's clock unless given; it decides about age, never about whether a signature was in time.
    """
    wanted = predicate_uri(predicate_type) if predicate_type is not None else None
    clock = now if now is not None else datetime.now(UTC)
    if clock.tzinfo is None:
        raise UsageError("`now` is a time without a zone")
    return Verifier(who, clock, trusted_roots, wanted, max_age, check_predicate).verify(candidates, target)
