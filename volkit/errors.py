"""Errors and warnings of volkit: typed, with the facts as attributes.

Every error inherits `VolkitError` and the built-in it resembles, so that ``except ValueError`` keeps
working. An argument error says four things: which argument, what was required, what came, what to do.
"""

__all__ = [
    "ArgumentError",
    "AsynchronousWarning",
    "ConvergenceError",
    "ConvergenceWarning",
    "DataError",
    "DataLossError",
    "DataQualityWarning",
    "NearIntegratedWarning",
    "SeriesNotFoundError",
    "SmallSampleWarning",
    "SourceError",
    "StudyError",
    "VolkitError",
    "VolkitWarning",
]


class VolkitError(Exception):
    """Base of every error that volkit raises on purpose."""


class ArgumentError(VolkitError, ValueError):
    """An argument that cannot be used as it is.

    Parameters
    ----------
    argument : str
        Name of the argument, as the caller wrote it.
    requirement : str
        What was required, as a clause: "must be a positive number of periods".
    got : str
        What came, short enough for one line.
    remedy : str
        What to do, as an imperative.

    Attributes
    ----------
    argument, requirement, got, remedy : str
        The parts of the message.

    Examples
    --------
    >>> print(ArgumentError("horizon", "must be at least 1 period", "0", "pass horizon=1 for the next period"))
    horizon must be at least 1 period; got 0; pass horizon=1 for the next period.
    """

    def __init__(self, argument: str, requirement: str, got: str, remedy: str) -> None:
        super().__init__(argument, requirement, got, remedy)
        self.argument = argument
        self.requirement = requirement
        self.got = got
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.argument} {self.requirement}; got {self.got}; {self.remedy}."


class DataError(ArgumentError):
    """Data that would silently give a wrong number (times, prices, units)."""


class DataLossError(ArgumentError):
    """More rows would be dropped than the caller allowed."""


class SourceError(VolkitError, OSError):
    """A source that cannot deliver what was asked of it."""


class SeriesNotFoundError(SourceError, LookupError):
    """A series that the source does not have.

    Attributes
    ----------
    missing : tuple of str
        The names that were asked for in vain.
    available : tuple of str
        The names that the source has.
    """

    def __init__(self, source: str, missing: tuple[str, ...], available: tuple[str, ...]) -> None:
        super().__init__(source, missing, available)
        self.source = source
        self.missing = missing
        self.available = available

    def __str__(self) -> str:
        has = ", ".join(self.available) or "nothing"
        return f"source {self.source!r} has no {', '.join(self.missing)}; it has {has}."


class StudyError(VolkitError, ValueError):
    """A study file or run folder that cannot be read or does not fit its schema."""


class ConvergenceError(VolkitError, RuntimeError):
    """An estimate was needed and the optimiser did not reach one."""


class VolkitWarning(UserWarning):
    """Base of volkit's warnings: the number is usable, but doubtful."""


class ConvergenceWarning(VolkitWarning):
    """A fit stopped without reaching an optimum."""


class NearIntegratedWarning(VolkitWarning):
    """Estimated volatility persistence is so near one that the long-run level is not identified."""


class SmallSampleWarning(VolkitWarning):
    """Too few observations for the claim that the number invites."""


class AsynchronousWarning(VolkitWarning):
    """Two series are compared at instants that lie far apart."""


class DataQualityWarning(VolkitWarning):
    """Data with blemishes that were left as they are."""
