"""What a price move costs by contract, and which move exhausts a margin.

A linear contract settles in the quote currency, an inverse one in the coin; losses and margins are fractions of the
notional at entry in the currency of settlement.
"""

from typing import Literal

import numpy as np

from volkit.checks import check_choice, real_number
from volkit.conventions import SIDES, Side
from volkit.errors import ArgumentError

__all__ = ["CONTRACTS", "Contract", "check_contract", "check_margin", "exhausting_move", "losses_of_moves"]

Contract = Literal["linear", "inverse"]
CONTRACTS: tuple[Contract, Contract] = ("linear", "inverse")


def losses_of_moves(log_moves: np.ndarray, *, side: Side, contract: Contract = "linear") -> np.ndarray:
    """Return losses of log price moves since entry, fractions of the notional at entry, same shape.

    Notes
    -----
    With R = exp(move) a linear long loses 1 - R and an inverse long 1/R - 1, unbounded as the price falls; a short
    loses the opposite.

    Examples
    --------
    >>> losses_of_moves(np.log([0.8, 1.25]), side="long", contract="inverse").round(4).tolist()
    [0.25, -0.2]
    """
    sign = 1.0 if side == "long" else -1.0
    # An inverse contract is a linear one seen from the coin. The 0.0 makes a loss of -0.0 one of 0.0.
    return np.asarray((-sign * np.expm1(log_moves) if contract == "linear" else sign * np.expm1(-log_moves)) + 0.0)


def exhausting_move(margin: float, *, side: Side, contract: Contract = "linear") -> float:
    """Return the log price move at which the loss equals the margin: negative for a long, positive for a short.

    Raises
    ------
    ArgumentError
        For a margin of zero or less, or one that no move exhausts (1 or more, for a linear long and an inverse short).

    Examples
    --------
    >>> round(exhausting_move(0.25, side="long", contract="inverse"), 6)  # ln 0.8
    -0.223144
    """
    m = check_margin(margin, side=side, contract=contract)
    if contract == "linear":
        return float(np.log1p(-m) if side == "long" else np.log1p(m))
    return float(-np.log1p(m) if side == "long" else -np.log1p(-m))


def check_contract(side: Side, contract: Contract) -> None:
    """Refuse an unknown side or contract.

    Raises
    ------
    ArgumentError
        For either.

    Examples
    --------
    >>> check_contract("long", "linear")
    """
    check_choice(side, argument="side", choices=SIDES)
    check_choice(contract, argument="contract", choices=CONTRACTS)


def check_margin(margin: float, *, side: Side, contract: Contract) -> float:
    """Return a margin (fraction of the notional) that some price exhausts.

    Raises
    ------
    ArgumentError
        For what is no number, zero, a negative number, or a margin as large as the largest loss.

    Examples
    --------
    >>> check_margin(0.05, side="long", contract="linear")
    0.05
    """
    check_contract(side, contract)
    m = real_number(margin, argument="margin")
    bounded = (side == "long") == (contract == "linear")
    if not 0.0 < m < (1.0 if bounded else np.inf):
        upper = " and below 1, the most that can be lost" if bounded else ""
        remedy = f"pass a decimal: margin={m / 100:g}" if 1.0 <= m < 100.0 else "pass a decimal such as 0.05"
        raise ArgumentError("margin", f"must be above 0{upper} ({contract} {side})", f"{margin!r}", remedy)
    return m
