"""Readers of container formats (executables, zip archives, JSON) that several catalogers share."""
