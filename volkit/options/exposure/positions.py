"""Whose options they are: signed dealer positions from open interest under a stated assumption, or as given."""

from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from volkit.checks import check_choice
from volkit.errors import DataError

__all__ = ["DEALER_ASSUMPTIONS", "DealerAssumption", "dealer_positions", "dealer_words"]

DealerAssumption: TypeAlias = Literal["long_calls_short_puts", "short_calls_long_puts", "long_all", "short_all"]
DEALER_ASSUMPTIONS: tuple[DealerAssumption, ...] = get_args(DealerAssumption)

_SIGNS = {
    "long_calls_short_puts": (1.0, -1.0),
    "short_calls_long_puts": (-1.0, 1.0),
    "long_all": (1.0, 1.0),
    "short_all": (-1.0, -1.0),
}


def dealer_positions(options: pd.DataFrame, dealer: DealerAssumption | pd.Series) -> np.ndarray:
    """Return signed positions of dealers, in units of the underlying.

    Parameters
    ----------
    options : DataFrame, shape (n_options, n_columns)
        instrument, is_call, open_interest (units of the underlying, NaN where none).
    dealer : DealerAssumption or Series
        The sign of the whole open interest by side; or positions of one's own (units of the underlying, signed) by
        instrument, where those not named have none.

    Returns
    -------
    ndarray, shape (n_options,)
        NaN where the open interest is unknown.

    Raises
    ------
    ArgumentError
        For an unknown assumption.
    DataError
        For positions of instruments that are not among the options, given twice, or not finite.

    Examples
    --------
    >>> options = pd.DataFrame({"instrument": ["C", "P"], "is_call": [True, False], "open_interest": [10.0, 4.0]})
    >>> dealer_positions(options, "long_calls_short_puts").tolist()
    [10.0, -4.0]
    >>> dealer_positions(options, pd.Series({"P": 2.5})).tolist()
    [0.0, 2.5]
    """
    if isinstance(dealer, pd.Series):
        return _given(options, dealer)
    call, put = _SIGNS[check_choice(dealer, argument="dealer", choices=DEALER_ASSUMPTIONS)]
    return np.asarray(np.where(options["is_call"], call, put) * options["open_interest"].to_numpy(dtype=np.float64))


def dealer_words(dealer: DealerAssumption | pd.Series) -> str:
    """Return the assumption as one reads it.

    Examples
    --------
    >>> dealer_words("long_calls_short_puts")
    'dealers long calls, short puts'
    """
    if isinstance(dealer, pd.Series):
        return f"dealer positions given for {len(dealer):,} options"
    return "dealers " + dealer.replace("_all", " all options").replace("_calls_", " calls, ").replace("_puts", " puts")


def _given(options: pd.DataFrame, dealer: pd.Series) -> np.ndarray:
    strangers = dealer.index.difference(pd.Index(options["instrument"]))
    if len(strangers):
        got = f"{len(strangers)} unknown, first {strangers[0]!r}"
        raise DataError("dealer", "must name options of the book", got, "spell them as the venue, or drop them")
    if dealer.index.has_duplicates:
        got = repr(dealer.index[dealer.index.duplicated()][0])
        raise DataError("dealer", "must name each option once", got, "add up the positions of an option")
    values = dealer.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        got = repr(dealer.index[~np.isfinite(values)][0])
        raise DataError("dealer", "must hold finite positions", f"none for {got}", "pass 0 for no position")
    return np.asarray(pd.Series(values, dealer.index).reindex(options["instrument"], fill_value=0.0))
