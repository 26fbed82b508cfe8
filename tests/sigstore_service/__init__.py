"""A private Sigstore on loopback: real tokens, certificates, proofs and timestamps, for tests only.

Every part does its job as the public service does (a token is checked, a log grows, a timestamp is signed), so a bundle
made here verifies in any client that is given `SigstoreService.trust_config()`. `Faults` bends one part at a time.
"""

from tests.sigstore_service.faults import Faults
from tests.sigstore_service.service import SigstoreService

__all__ = ["Faults", "SigstoreService"]
