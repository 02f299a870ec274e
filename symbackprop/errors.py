"""The package's exceptions: a small tree; each message says what to do next."""

from dataclasses import dataclass


class SymbackpropError(Exception):
    """Root of all errors of this package."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file: 1-based line and column, 0 where that is not known."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """The place as editors read it: file:line:column."""
        parts = [self.file or "<input>"]
        parts += [str(n) for n in (self.line, self.column) if n]
        return ":".join(parts)


class InputError(SymbackpropError):
    """Unusable input: where it stands, what was expected, what came, what to try."""

    def __init__(
        self, message: str, *, place: Place | None = None, hint: str = ""
    ) -> None:
        """Keep the parts, so that a caller can add the place later."""
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        """One line: place, message, hint."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.message}" + (f" ({self.hint})" if self.hint else "")


class FormulaError(InputError):
    """A formula that cannot be read; `offset` is the 0-based character in its text."""

    def __init__(self, message: str, *, offset: int = 0, hint: str = "") -> None:
        """Keep the offset until the reader of the file knows line and column."""
        super().__init__(message, hint=hint)
        self.offset = offset


class Refused(SymbackpropError):
    """A kernel rule that does not apply; `rule` names it, `point` may refute it."""

    def __init__(
        self, rule: str, message: str, *, point: dict[str, str] | None = None
    ) -> None:
        """Keep the rule's name and the refuting point, if one was found."""
        super().__init__(f"{rule}: {message}")
        self.rule = rule
        self.message = message
        self.point = point


class TooLarge(SymbackpropError):
    """A size limit was reached before anything was built or decided."""
