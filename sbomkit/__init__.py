"""sbomkit: inventories, SBOM documents and supply-chain proofs for container images."""

__version__ = "0.1.0"
