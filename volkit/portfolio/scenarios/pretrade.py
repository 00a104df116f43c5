"""Pre-trade checks: what an order would do to an account's margin, in microseconds."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from volkit.errors import ArgumentError, DataError
from volkit.formatting import percent_to
from volkit.kernels import load_kernels
from volkit.portfolio.scenarios.arrays import RiskArray, units_of
from volkit.portfolio.scenarios.tail import tail_of

__all__ = ["AccountState", "PreTradeCheck"]

# Beyond it a profit may not fit a double; it also keeps NaN out of the kernel, whose comparisons do without.
_LARGEST = 1e200


class PreTradeCheck(NamedTuple):
    """Outcome of a check: margin after the order (USD), its change, and whether the equity covers it."""

    margin: float
    change: float
    passes: bool


class AccountState:
    """An account that keeps its profit and loss by scenario, so that an order is one row more.

    Parameters
    ----------
    units : mapping or Series
        Signed units by instrument.
    array : RiskArray
        Of every instrument that may be ordered.
    equity : float
        USD that margins are met from; orders are taken to trade at today's values, which leave it as it is.
    confidence : float, optional
        For expected shortfall over a sample; None takes the worst of the weighted grid.

    Raises
    ------
    ArgumentError
        For an equity that is not finite, or a confidence with less than one scenario beyond it.
    DataError
        For an instrument that the array does not have, or a confidence on a weighted grid.

    Notes
    -----
    A check leaves the account as it is, and `apply` takes the order in. One object serves one thread.

    Examples
    --------
    >>> from volkit.portfolio.scenarios import risk_array_of_profits
    >>> profits = pd.DataFrame({"down": [-100.0, 90.0], "up": [100.0, -110.0]}, index=["future", "hedge"])
    >>> account = AccountState({"future": 1.0}, risk_array_of_profits(profits), equity=150.0)
    >>> account.check("future", 1.0)
    PreTradeCheck(margin=200.0, change=100.0, passes=False)
    >>> account.apply("hedge", 1.0)
    PreTradeCheck(margin=10.0, change=-90.0, passes=True)
    """

    __slots__ = (
        *("_kernel", "_likely", "_margin", "_profits", "_rows", "_sums", "_tail", "_units"),
        *("array", "confidence", "equity"),
    )

    def __init__(
        self,
        units: Mapping[str, float] | pd.Series,
        array: RiskArray,
        *,
        equity: float,
        confidence: float | None = None,
    ) -> None:
        if not np.isfinite(equity):
            raise ArgumentError("equity", "must be finite", f"{equity}", "pass dollars")
        self.array, self.equity, self.confidence = array, float(equity), confidence
        profits = array.profits.to_numpy()
        if confidence is None:
            # Weights are not negative, and the worst of weighted profits is the tail of one scenario.
            profits = profits * array.weights.to_numpy()
        shares = (1.0,) if confidence is None else tail_of(array, confidence).shares
        self._profits = np.ascontiguousarray(profits)
        self._rows = {name: i for i, name in enumerate(array.instruments)}
        self._units = units_of(units, array)
        self._kernel = load_kernels("volkit.portfolio.scenarios._kernels").add_and_find_worst
        # Each in a first row; the second is scratch of the kernel.
        self._sums = np.zeros((2, self._profits.shape[1]))
        self._tail = np.array([shares, shares])
        self._sum_up()

    def _sum_up(self) -> None:
        """Work out profits by scenario afresh: rounding does not pile up over many orders."""
        total, shares = self._units @ self._profits, self._tail[0]
        likely = np.argpartition(total, len(shares) - 1)[: len(shares)]
        # The worst first, as the shares have them.
        self._likely = likely[np.argsort(total[likely])]
        self._sums[0] = total
        self._margin = -float(shares @ total[self._likely])

    def __repr__(self) -> str:
        measure = (
            "worst scenario" if self.confidence is None else f"expected shortfall {percent_to(self.confidence, 2)}"
        )
        held = int(np.count_nonzero(self._units))
        return (
            f"<AccountState: {held} of {len(self._rows)} instruments held, margin {self.margin:,.6g} USD of "
            f"{self.equity:,.6g} equity, {measure}>"
        )

    @property
    def margin(self) -> float:
        """Margin now, USD, at least 0."""
        return max(self._margin, 0.0)

    @property
    def units(self) -> pd.Series:
        """Units held, by instrument."""
        held = pd.Series(self._units.copy(), index=self.array.instruments, name="units")
        return held[held != 0.0]

    def check(self, instrument: str, units: float) -> PreTradeCheck:
        """Return what an order of signed units would do.

        Raises
        ------
        DataError
            For an instrument that the risk array does not have.
        ArgumentError
            For units that are not finite.
        """
        row = self._rows.get(instrument)
        if row is None:
            got = f"{instrument!r}"
            raise DataError("instrument", "must be in the risk array", got, "value it in the array when it is made")
        if not -_LARGEST < units < _LARGEST:
            raise ArgumentError("units", "must be finite", f"{units}", "pass signed units of the underlying")
        found = -self._kernel(self._sums, self._profits, row, float(units), self._likely, self._tail)
        margin = found if found > 0.0 else 0.0
        return PreTradeCheck(margin, margin - max(self._margin, 0.0), margin <= self.equity)

    def apply(self, instrument: str, units: float) -> PreTradeCheck:
        """Take an order into the account, whether it passes or not, and return its check.

        Raises
        ------
        DataError
            For an instrument that the risk array does not have.
        ArgumentError
            For units that are not finite.
        """
        checked = self.check(instrument, units)
        self._units[self._rows[instrument]] += units
        self._sum_up()
        return checked
