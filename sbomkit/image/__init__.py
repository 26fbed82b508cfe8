"""Where images come from: one module per source, each giving an Image."""
