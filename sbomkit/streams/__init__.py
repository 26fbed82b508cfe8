"""Bytes as they flow: decompression, digests, tar. Knows nothing of images."""
