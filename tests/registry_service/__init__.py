"""Registries for the tests: a strict in-process one that counts and misbehaves on demand, and real ones."""
