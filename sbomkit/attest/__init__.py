"""Statements, bundles, signers and verifiers. The only room that imports sigstore and cryptography, and lazily.

Importing this package costs nothing; a name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbomkit.attest.api import attest, claimed_predicate_type, sign_blob, sign_image, verify
    from sbomkit.attest.bundle import Bundle, read_bundle, read_bundles
    from sbomkit.attest.certificate import Identity
    from sbomkit.attest.keyless import KeylessSigner, TrustConfig, ambient_token, given_token, interactive_token
    from sbomkit.attest.keys import PrivateKey, PublicKey, generate_key, load_private_key, load_public_key
    from sbomkit.attest.legacy import TwoStep, read_legacy_layer
    from sbomkit.attest.policy import Exactly, IdentityPolicy, KeyPolicy, Matching
    from sbomkit.attest.predicates import family, predicate_uri
    from sbomkit.attest.reasons import Reason, Refusal
    from sbomkit.attest.signers import KeySigner, Signer, uri_signer
    from sbomkit.attest.statement import Statement, Subject, build_statement, parse_in_toto
    from sbomkit.attest.target import Target
    from sbomkit.attest.times import VerifiedTime
    from sbomkit.attest.trust import TrustedRoot, load_trusted_roots, public_good_roots
    from sbomkit.attest.verifier import Verification, Verified, Verifier
    from sbomkit.attest.witness import Witness

_HOMES = {
    "api": ("attest", "claimed_predicate_type", "sign_blob", "sign_image", "verify"),
    "bundle": ("Bundle", "read_bundle", "read_bundles"),
    "certificate": ("Identity",),
    "keyless": ("KeylessSigner", "TrustConfig", "ambient_token", "given_token", "interactive_token"),
    "keys": ("PrivateKey", "PublicKey", "generate_key", "load_private_key", "load_public_key"),
    "legacy": ("TwoStep", "read_legacy_layer"),
    "policy": ("Exactly", "IdentityPolicy", "KeyPolicy", "Matching"),
    "predicates": ("family", "predicate_uri"),
    "reasons": ("Reason", "Refusal"),
    "signers": ("KeySigner", "Signer", "uri_signer"),
    "statement": ("Statement", "Subject", "build_statement", "parse_in_toto"),
    "target": ("Target",),
    "times": ("VerifiedTime",),
    "trust": ("TrustedRoot", "load_trusted_roots", "public_good_roots"),
    "verifier": ("Verification", "Verified", "Verifier"),
    "witness": ("Witness",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Bundle",
    "Exactly",
    "Identity",
    "IdentityPolicy",
    "KeyPolicy",
    "KeySigner",
    "KeylessSigner",
    "Matching",
    "PrivateKey",
    "PublicKey",
    "Reason",
    "Refusal",
    "Signer",
    "Statement",
    "Subject",
    "Target",
    "TrustConfig",
    "TrustedRoot",
    "TwoStep",
    "Verification",
    "Verified",
    "VerifiedTime",
    "Verifier",
    "Witness",
    "ambient_token",
    "attest",
    "build_statement",
    "claimed_predicate_type",
    "family",
    "generate_key",
    "given_token",
    "interactive_token",
    "load_private_key",
    "load_public_key",
    "load_trusted_roots",
    "parse_in_toto",
    "predicate_uri",
    "public_good_roots",
    "read_bundle",
    "read_bundles",
    "read_legacy_layer",
    "sign_blob",
    "sign_image",
    "uri_signer",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
