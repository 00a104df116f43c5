"""Implied volatility of Black-76: prices in, volatilities and a code for each row out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.kernels import load_kernels
from volkit.options.black76.arguments import ArrayLike, by_block, call_signs, numbers
from volkit.results import ResultDisplay

__all__ = ["CODE_NAMES", "ImpliedVolatility", "implied_volatility", "implied_volatility_of_coin_quote"]

# In the order of the codes that the kernel gives.
CODE_NAMES = (
    "found",
    "not finite",
    "not positive",
    "no time",
    "zero price",
    "below intrinsic",
    "at intrinsic",
    "above maximum",
    "not converged",
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ImpliedVolatility(ResultDisplay):
    """Implied volatilities of prices, with what kept a row from having one.

    Attributes
    ----------
    volatility : ndarray
        Decimal per year, in the shape of the options; NaN where `code` is not 0.
    code : ndarray of int8
        0 found; 1 an argument is not finite; 2 a forward, strike or discount is not positive; 3 no time left; 4 the
        price is zero; 5 the price is below the intrinsic value; 6 it is the intrinsic value (nothing of the time
        value is left in its digits); 7 it is at or above the most that the option can be worth; 8 the
        search did not converge (no such price is known).
    rounding : ndarray
        Relative change of the volatility when the price changes by half a unit of its last digit, 2^-53 of it: the
        accuracy that a price can give. NaN where `code` is not 0.
    """

    volatility: np.ndarray
    code: np.ndarray
    rounding: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Which rows have a volatility (bool, same shape)."""
        return np.asarray(self.code == 0)

    @property
    def code_names(self) -> np.ndarray:
        """The code of each row in words, same shape."""
        return np.asarray(np.asarray(CODE_NAMES, dtype=object)[self.code], dtype=object)

    @property
    def headline(self) -> str:
        """How many rows have a volatility, and the range of it."""
        n_found = int(np.sum(self.found))
        text = f"{n_found} of {np.size(self.code)} found"
        if n_found:
            values = np.asarray(self.volatility)[self.found]
            text += f", {percent_to(values.min(), 2)} to {percent_to(values.max(), 2)} a year"
        return text

    def summary(self) -> pd.DataFrame:
        """Return the number and share of rows by code, those that occur."""
        counts = np.bincount(np.ravel(self.code), minlength=len(CODE_NAMES))
        frame = pd.DataFrame({"rows": counts, "share": counts / max(counts.sum(), 1)}, index=list(CODE_NAMES))
        return frame[frame["rows"] > 0].rename_axis("code")

    def to_frame(self) -> pd.DataFrame:
        """Return one row an option: volatility, code, its name, and what one rounding of the price changes."""
        return pd.DataFrame(
            {
                "volatility": np.ravel(self.volatility),
                "code": np.ravel(self.code),
                "code_name": np.ravel(self.code_names),
                "rounding": np.ravel(self.rounding),
            }
        )


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    is_call: ArrayLike,
    *,
    discount: ArrayLike = 1.0,
    errors: Literal["code", "raise"] = "code",
) -> ImpliedVolatility:
    """Return the volatility at which Black-76 gives each price.

    Parameters
    ----------
    price : array_like
        In the quote currency per unit of the underlying.
    forward, strike : array_like
        In the quote currency.
    time : array_like
        Years of 365 days to expiry.
    is_call : array_like of bool
        True for calls, false for puts.
    discount : array_like
        Price today of one unit of quote currency at expiry.
    errors : {"code", "raise"}
        Whether a row without a volatility is marked by its code (the default, for scalars too) or raises.

    Returns
    -------
    ImpliedVolatility
        Volatility, code and accuracy by row, in the shape to which the arguments broadcast; scalars for scalars.

    Raises
    ------
    DataError
        With ``errors="raise"``, for the first row without a volatility; for an argument that is not numbers.
    ArgumentError
        For shapes that do not broadcast, or `is_call` that is not true or false.

    Notes
    -----
    The relative error is below 5e-15 plus what the roundings of the price itself change (`rounding`, for each half
    unit of its last digit). It grows for options far in the money, whose time value has few digits of the price: quote
    the option of the other side there.

    References
    ----------
    .. [1] Jaeckel, P. (2015), Let's be rational, Wilmott 2015(75), 40-53: Householder steps on the logarithm of low
       prices and of what high prices lack.

    Examples
    --------
    >>> found = implied_volatility([2237.868155404665, -1.0], 60_000, 65_000, 30 / 365, True)
    >>> found.volatility.round(12), found.code_names.tolist()
    (array([0.6, nan]), ['found', 'below intrinsic'])
    """
    check_choice(errors, argument="errors", choices=("code", "raise"))
    given = {"price": price, "forward": forward, "strike": strike, "time": time}
    arrays = [numbers(value, argument=name) for name, value in given.items()]
    volatility, rounding, code = by_block(
        load_kernels("volkit.options.black76._implied").find_volatilities,
        [*arrays, call_signs(is_call), numbers(discount, argument="discount")],
        outputs=[np.float64, np.float64, np.int8],
    )
    if errors == "raise" and np.any(code):
        row = int(np.flatnonzero(code)[0])
        word = CODE_NAMES[np.ravel(code)[row]]
        got = f"{np.count_nonzero(code)} rows without one, first row {row} ({word})"
        raise DataError("price", "must have an implied volatility", got, 'drop these rows, or pass errors="code"')
    return ImpliedVolatility(volatility=volatility, code=code, rounding=rounding)


def implied_volatility_of_coin_quote(
    quote: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    is_call: ArrayLike,
    *,
    errors: Literal["code", "raise"] = "code",
) -> ImpliedVolatility:
    """Return implied volatilities of quotes in coin, as options that settle in coin have them.

    The quote times the forward is the undiscounted price in the quote currency.

    Parameters
    ----------
    quote : array_like
        Units of coin per unit of the underlying.
    forward, strike, time, is_call, errors
        As for `implied_volatility`.

    Returns
    -------
    ImpliedVolatility
        Volatility, code and accuracy by row.

    Raises
    ------
    DataError, ArgumentError
        As `implied_volatility` does.

    Examples
    --------
    >>> implied_volatility_of_coin_quote(0.0372978, 60_000, 65_000, 30 / 365, True).volatility.round(6)
    np.float64(0.6)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        price = numbers(quote, argument="quote") * numbers(forward, argument="forward")
    return implied_volatility(price, forward, strike, time, is_call, errors=errors)
