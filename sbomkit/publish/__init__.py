"""Attaching to images and finding what is attached, in a registry and in a layout directory alike."""
