"""Predicate types: the names people use, their URIs, and which URIs belong together.

Written with the unversioned URI, read by family: a producer's `https://cyclonedx.org/bom/v1.6` is CycloneDX too.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sbomkit.errors import UsageError

CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
PROVENANCE_V0_2 = "https://slsa.dev/provenance/v0.2"
VSA = "https://slsa.dev/verification_summary/v1"
SVR = "https://in-toto.io/attestation/svr/v0.2"
SCAI = "https://in-toto.io/attestation/scai/v0.3"
VULNS = "https://in-toto.io/attestation/vulns/v0.2"
COSIGN_VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
RELEASE = "https://in-toto.io/attestation/release/v0.1"
OPENVEX = "https://openvex.dev/ns"
COSIGN_CUSTOM = "https://cosign.sigstore.dev/attestation/v1"
COSIGN_SIGN = "https://sigstore.dev/cosign/sign/v1"

ALIASES = {
    "cosign-sign": COSIGN_SIGN,
    "custom": COSIGN_CUSTOM,
    "cyclonedx": CYCLONEDX,
    "openvex": OPENVEX,
    "release": RELEASE,
    "scai": SCAI,
    "slsaprovenance": PROVENANCE_V0_2,
    "slsaprovenance02": PROVENANCE_V0_2,
    "slsaprovenance1": PROVENANCE_V1,
    "spdx": SPDX,
    "spdxjson": SPDX,
    "svr": SVR,
    "test-result": TEST_RESULT,
    "vsa": VSA,
    "vuln": COSIGN_VULN,
    "vulns": VULNS,
}

# a version as the last step of the path, as in .../bom/v1.6
_VERSION = re.compile(r"/v[0-9]+(\.[0-9]+)*\Z")
# families whose versions are the same thing to a reader; SLSA provenance is not one: v0.2 and v1 are different shapes
_VERSIONED = (
    CYCLONEDX,
    SPDX,
    OPENVEX,
    "https://in-toto.io/attestation/vulns",
    "https://in-toto.io/attestation/svr",
    "https://in-toto.io/attestation/scai",
    "https://in-toto.io/attestation/test-result",
    "https://in-toto.io/attestation/release",
    "https://slsa.dev/verification_summary",
)


def predicate_uri(name: str) -> str:
    """The URI of an alias, or the URI itself. Raises UsageError for a word that is neither."""
    if name in ALIASES:
        return ALIASES[name]
    try:
        parts = urlsplit(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is no predicate type: {error}") from error
    if not parts.scheme or not (parts.netloc or parts.path):
        known = ", ".join(sorted(ALIASES))
        raise UsageError(f"{name!r} is no predicate type", hint=f"give a URI, or one of: {known}")
    return name


def family(uri: str) -> str:
    """The unversioned URI for types whose versions belong together; any other URI as it is."""
    if uri.startswith("https://slsa.dev/provenance/v1."):
        return PROVENANCE_V1
    base = _VERSION.sub("", uri)
    return base if base in _VERSIONED else uri


def is_wanted(actual: str, wanted: str) -> bool:
    """Does a statement's type answer for the wanted one?

    A wanted type without a version takes all of its family; one with a version takes exactly that version.
    """
    if actual == wanted:
        return True
    versioned_wish = _VERSION.search(wanted) is not None and wanted not in ALIASES.values()
    return not versioned_wish and family(actual) == family(wanted)
