"""pytest fixtures: `from tests.sigstore_service.fixtures import sigstore_v1, sigstore_v2` in a conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sigstore_service.service import SigstoreService


@pytest.fixture(scope="session")
def _service_v1() -> Iterator[SigstoreService]:
    with SigstoreService(rekor_version=1) as service:
        yield service


@pytest.fixture(scope="session")
def _service_v2() -> Iterator[SigstoreService]:
    with SigstoreService(rekor_version=2) as service:
        yield service


@pytest.fixture
def sigstore_v1(_service_v1: SigstoreService) -> Iterator[SigstoreService]:
    """A private instance with Rekor v1. Faults that a test sets are gone after it."""
    yield _service_v1
    _service_v1.honest()


@pytest.fixture
def sigstore_v2(_service_v2: SigstoreService) -> Iterator[SigstoreService]:
    """A private instance with Rekor v2."""
    yield _service_v2
    _service_v2.honest()
