"""The words of OCI: descriptors, manifests, indexes, platforms. Transport to registries will live here too."""
