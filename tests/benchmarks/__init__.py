"""Measurements, each a command; no test: the suite asserts nothing about time."""
