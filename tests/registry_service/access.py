"""Ways for the tests to reach a test registry, without ever really waiting."""

from __future__ import annotations

from dataclasses import dataclass, field

from sbomkit.oci.access import Access, Patience
from sbomkit.oci.auth import Credential, Keychain
from tests.registry_service.server import Registry


@dataclass
class Naps:
    """Stands in for time.sleep, and remembers."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def access_to(*registries: Registry, credential: Credential | None = None, naps: Naps | None = None) -> Access:
    """Plain http to these registries, with this credential for the first of them."""
    patience = Patience(sleep=naps or Naps(), clock=registries[0].now, silence=5, connect=5)
    given = {registries[0].host: credential} if credential else {}
    plain = frozenset(r.host for r in registries if r.origin.startswith("http://"))
    return Access(Keychain(given=given), plain, proxies=False, patience=patience)
