"""The private Sigstore for this room's tests."""

from tests.sigstore_service.fixtures import _service_v1, _service_v2, sigstore_v1, sigstore_v2

__all__ = ["_service_v1", "_service_v2", "sigstore_v1", "sigstore_v2"]
