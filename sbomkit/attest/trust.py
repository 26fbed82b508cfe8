"""Trusted roots: the certificate authorities, logs and timestamp authorities that a verification believes.

Format: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
What must be present in a bundle follows from the root: an instance that runs no log cannot have made an entry in one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sbomkit.attest.strictjson import JsonError, parse, unbase64
from sbomkit.errors import CorruptInput

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore._internal.trust import CTKeyring, RekorKeyring

_MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)
_TRUST_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_PUBLIC_GOOD = "https://tuf-repo-cdn.sigstore.dev"
_MAX_ROOT = 8 << 20
_MAX_ROOTS = 32


@dataclass(frozen=True, slots=True)
class Window:
    """When something was in service. Both ends are inclusive; no end is open."""

    start: datetime
    end: datetime | None

    def holds(self, time: datetime) -> bool:
        return self.start <= time and (self.end is None or time <= self.end)


@dataclass(frozen=True, slots=True)
class Authority:
    """A chain from the issuing (or timestamping) certificate up to its root."""

    chain: tuple[Certificate, ...]
    window: Window


@dataclass(frozen=True, slots=True)
class Log:
    keyring: RekorKeyring
    window: Window


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """One instance's root of trust, ready for use."""

    label: str
    authorities: tuple[Authority, ...]
    logs: Mapping[bytes, Log] = field(repr=False)
    ct_keyring: CTKeyring | None = field(repr=False)
    """None for an instance without a certificate transparency log."""
    timestamp_authorities: tuple[Authority, ...]


def load_trusted_roots(raw: bytes, label: str = "trusted root") -> tuple[TrustedRoot, ...]:
    """Read a trusted_root.json, a client trust configuration, or several roots in JSON lines. Raises CorruptInput."""
    if len(raw) > _MAX_ROOT:
        raise CorruptInput(f"{label} is too large for a trusted root")
    lines = [line for line in raw.splitlines() if line.strip()]
    several = len(lines) > 1 and all(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in lines)
    documents = lines if several else [raw]
    if len(documents) > _MAX_ROOTS:
        raise CorruptInput(f"{label} holds more than {_MAX_ROOTS} roots")
    return tuple(_load(document, label) for document in documents)


@cache
def public_good_roots() -> tuple[TrustedRoot, ...]:
    """The public good instance, as the installed sigstore release ships it. No network, no user cache."""
    shipped = resources.files("sigstore._store") / quote(_PUBLIC_GOOD, safe="") / "trusted_root.json"
    return load_trusted_roots(shipped.read_bytes(), "the public good instance")


def _load(raw: bytes, label: str) -> TrustedRoot:
    from cryptography.exceptions import UnsupportedAlgorithm
    from sigstore.errors import Error

    try:
        found = parse(raw)
        if isinstance(found, dict) and found.get("mediaType") == _TRUST_CONFIG:
            found = found.get("trustedRoot")
        if not isinstance(found, dict) or found.get("mediaType") not in _MEDIA_TYPES:
            raise JsonError("no media type of a trusted root")
        return TrustedRoot(
            label,
            tuple(map(_authority, found.get("certificateAuthorities") or ())),
            dict(map(_log, found.get("tlogs") or ())),
            _ct_keyring(found.get("ctlogs") or ()),
            tuple(map(_authority, found.get("timestampAuthorities") or ())),
        )
    except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm, Error) as error:
        raise CorruptInput(f"{label} is not a trusted root: {error}") from error


def _window(found: Any) -> Window:
    times = found or {}
    start, end = times.get("start"), times.get("end")
    return Window(_time(start) if start else datetime.min.replace(tzinfo=UTC), _time(end) if end else None)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise JsonError(f"{text} is a time without a zone")
    return time


def _authority(found: Any) -> Authority:
    from cryptography.x509 import load_der_x509_certificate

    chain = tuple(
        load_der_x509_certificate(unbase64(certificate["rawBytes"], "certificate"))
        for certificate in found["certChain"]["certificates"]
    )
    if not chain:
        raise JsonError("an authority without a certificate")
    return Authority(chain, _window(found.get("validFor")))


def _log(found: Any) -> tuple[bytes, Log]:
    from sigstore._internal.trust import Keyring, RekorKeyring

    log_id = unbase64(found["logId"]["keyId"], "log id")
    return log_id, Log(RekorKeyring(Keyring([_public_key(found)])), _window(found["publicKey"].get("validFor")))


def _ct_keyring(found: Sequence[Any]) -> CTKeyring | None:
    from sigstore._internal.trust import CTKeyring, Keyring

    return CTKeyring(Keyring([_public_key(log) for log in found])) if found else None


def _public_key(found: Any) -> Any:
    from sigstore_models.common.v1 import PublicKey

    return PublicKey.from_json(json.dumps(found["publicKey"]))
