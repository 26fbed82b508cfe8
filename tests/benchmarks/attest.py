"""How long signing and verifying take: `python -m tests.benchmarks.attest`. A script, not a test: clocks are not code.

Aims: 30 MB sign (Rekor v2) and verify in under 2 s each, a second verification of a small bundle in under 10 ms.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

from sbomkit.attest import IdentityPolicy, KeylessSigner, Target, TrustConfig, attest, read_bundle, verify
from sbomkit.model.digest import Digest
from tests.sigstore_service import SigstoreService

TARGET = Target.of_digest(Digest.of(b"image"))


def sbom(components: int) -> bytes:
    """Some 280 bytes a component."""
    listed = [
        {
            "name": f"package-{n}",
            "version": "1.0",
            "purl": f"pkg:generic/package-{n}@1.0",
            "properties": [{"name": "origin", "value": "x" * 60}],
            "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
        }
        for n in range(components)
    ]
    return json.dumps({"bomFormat": "CycloneDX", "components": listed}).encode()


def timed(label: str, work: Callable[[], object]) -> None:
    before, cpu = time.perf_counter(), time.process_time()
    work()
    print(f"{label:34} {time.perf_counter() - before:8.4f} s wall {time.process_time() - cpu:8.4f} s cpu")


class Bench:
    """One instance, one signer, and the last bundle it made."""

    def __init__(self, service: SigstoreService) -> None:
        config = TrustConfig.of(json.dumps(service.trust_config()).encode())
        self._signer, self._roots = KeylessSigner(config, service.token()), config.trusted_roots()
        self._who = IdentityPolicy.of(identity="ci@example.com", issuer=service.url)
        self._raw = b""

    def sign(self, predicate: bytes) -> None:
        self._raw = attest(self._signer, TARGET, "cyclonedx", predicate).raw

    def check(self) -> None:
        verify([read_bundle(self._raw)], TARGET, self._who, trusted_roots=self._roots).require()


def main() -> None:
    large = sbom(120_000)
    for version in (1, 2):
        with SigstoreService(rekor_version=version) as service:
            bench = Bench(service)
            print(f"Rekor v{version}")
            timed("  sign, small, first", partial(bench.sign, b"{}"))
            for label in ("first", "second", "third"):
                timed(f"  verify, small, {label}", bench.check)
            if version == 2:
                timed(f"  sign, {len(large) >> 20} MB", partial(bench.sign, large))
                timed(f"  verify, {len(large) >> 20} MB", bench.check)


if __name__ == "__main__":
    main()
