"""One layer: read once as a stream into a LayerRecord; records stacked into the tree a container sees."""
