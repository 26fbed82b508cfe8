"""From an image to its inventory: map over the layers, reduce over the image."""

from sbomkit.scan.scan import Examined, examine, scan

__all__ = ["Examined", "examine", "scan"]
