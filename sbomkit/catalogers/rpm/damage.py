"""What was wrong with a database that is otherwise read to its end."""

from __future__ import annotations

from sbomkit.layers.select import ParseError


class Damage:
    """Problems met while reading one file: all counted, the first few told."""

    _TOLD = 3
    _BEARABLE = 10_000

    def __init__(self) -> None:
        self.count = 0
        self._told: list[str] = []

    def note(self, reason: str) -> None:
        """Raises ParseError where there is more damage than any accident makes: the file is out to waste our time."""
        self.count += 1
        if len(self._told) < self._TOLD and reason not in self._told:
            self._told.append(reason)
        if self.count >= self._BEARABLE:
            raise ParseError(f"damaged all over: {self}")

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        rest = self.count - len(self._told)
        return "; ".join(self._told) + (f"; and {rest} more problems" if rest else "")
