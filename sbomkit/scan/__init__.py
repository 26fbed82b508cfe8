"""From an image to its inventory: map over the layers, reduce over the image."""

from sbomkit.scan.scan import scan

__all__ = ["scan"]
