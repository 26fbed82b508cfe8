"""What can go wrong, and the exit code that says so.

Exit codes: 0 fine; 1 checked and refused; 2 usage; 3 could not check.
Nothing that could not be checked ever counts as passed.
"""

from __future__ import annotations


class SbomkitError(Exception):
    """An error for people: what is wrong, where, and (`hint`) what to do about it."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(SbomkitError):
    """It was checked, and the answer is no."""

    exit_code = 1


class UsageError(SbomkitError):
    """The words of the call are off."""

    exit_code = 2


class CannotCheck(SbomkitError):
    """The input could not be read, so nothing can be said about it."""

    exit_code = 3


class CorruptInput(CannotCheck):
    """The bytes are not what their digest, size or format promises."""
