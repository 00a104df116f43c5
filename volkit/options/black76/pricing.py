"""Black-76 prices of options on a forward: options in, prices in the quote currency out."""

import numpy as np

from volkit.errors import ArgumentError
from volkit.kernels import load_kernels
from volkit.options.black76.arguments import ArrayLike, by_block, call_signs, check_option, check_range, numbers

__all__ = ["black76_price", "price_grid"]

_KERNELS = "volkit.options.black76._price"


def black76_price(
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    *,
    discount: ArrayLike = 1.0,
) -> np.ndarray:
    """Return Black-76 prices of European options on a forward.

    Parameters
    ----------
    forward, strike : array_like
        In the quote currency per unit of the underlying, above zero.
    time : array_like
        Years of 365 days to expiry; 0 gives the intrinsic value.
    volatility : array_like
        Decimal per year; 0 gives the intrinsic value of the forward.
    is_call : array_like of bool
        True for calls, false for puts.
    discount : array_like
        Price today of one unit of quote currency at expiry; 1 leaves prices undiscounted.

    Returns
    -------
    ndarray
        Prices in the quote currency, in the shape to which the arguments broadcast; a scalar for scalars.

    Raises
    ------
    DataError
        For a forward, strike or discount that is not positive, a negative time or volatility, NaN or inf.
    ArgumentError
        For shapes that do not broadcast, or `is_call` that is not true or false.

    See Also
    --------
    price_grid : many options in many scenarios, quicker and to 1e-13 of the forward.

    Notes
    -----
    With d = ln(F / K) / s + s / 2 and s = sigma sqrt(t) a call is worth D [F N(d) - K N(d - s)]. The relative error of
    out-of-the-money prices is a few roundings times max(1, d^2), also for 20 deviations out of the money and where
    volatility and time are small. Prices below 1e-300 of the forward are 0.

    References
    ----------
    .. [1] Black, F. (1976), The pricing of commodity contracts, Journal of Financial Economics 3, eq. 16.

    Examples
    --------
    >>> black76_price(60_000, 65_000, 30 / 365, 0.6, [True, False]).round(6)
    array([2237.868155, 7237.868155])
    """
    arguments = check_option(forward, strike, time, volatility, is_call, discount)
    return by_block(load_kernels(_KERNELS).price_options, arguments, outputs=[np.float64])[0]


def price_grid(
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    *,
    forward_row: ArrayLike | None = None,
    discount: ArrayLike = 1.0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return Black-76 prices of options (rows) in scenarios (columns).

    Parameters
    ----------
    forward : array_like, shape (n_scenarios,) or (n_forwards, n_scenarios)
        Forwards by scenario, in the quote currency, above zero.
    strike : array_like, shape (n_options,)
        In the quote currency, above zero.
    time, volatility : array_like, shape (n_options,) or (n_options, n_scenarios)
        Years to expiry and decimals per year, by option or by option and scenario (scalar: all alike). Time 0 gives
        the intrinsic value.
    is_call : array_like of bool, shape (n_options,)
        True for calls.
    forward_row : array_like of int, shape (n_options,), optional
        Row of `forward` that an option is on. Default: the only row, or one row an option.
    discount : array_like, shape (n_options,)
        Price today of one unit of quote currency at expiry.
    out : ndarray of float64, shape (n_options, n_scenarios), optional
        C-contiguous array to fill; a new one by default.

    Returns
    -------
    ndarray, shape (n_options, n_scenarios)
        Prices in the quote currency: `out`, when it was given.

    Raises
    ------
    DataError
        For values outside their range; the message names the row.
    ArgumentError
        For shapes that do not fit, or an `out` that cannot be filled.

    Notes
    -----
    Without a branch, with one exponential for both distribution functions; one thread. The error is below 1e-13 of the
    forward; `black76_price` is exact to the last digits of small prices too.

    Examples
    --------
    >>> price_grid([50_000, 60_000, 70_000], [60_000, 65_000], 30 / 365, 0.6, [True, False]).round(2)
    array([[  697.74,  4112.36, 11124.96],
           [15270.53,  7237.87,  2547.96]])
    """
    forwards = np.ascontiguousarray(
        np.atleast_2d(check_range(numbers(forward, argument="forward"), argument="forward"))
    )
    strikes = np.atleast_1d(check_range(numbers(strike, argument="strike"), argument="strike"))
    n_options, n_scenarios = len(strikes), forwards.shape[1]
    rows = _forward_rows(forward_row, n_options=n_options, n_forwards=len(forwards))
    shape = (n_options, n_scenarios)
    times = _by_option(check_range(numbers(time, argument="time"), argument="time", zero=True), "time", shape)
    volatilities = _by_option(numbers(volatility, argument="volatility"), "volatility", shape)
    if volatilities.shape[1] == 1:
        check_range(volatilities, argument="volatility", zero=True)
    discounts = _per_option(
        check_range(numbers(discount, argument="discount"), argument="discount"), "discount", n_options
    )
    signs = _per_option(call_signs(is_call), "is_call", n_options)
    prices = _checked_output(out, (n_options, n_scenarios))
    # A power of two near the forward keeps logarithms small, and so their rounding; dividing by it is exact.
    scale = np.ldexp(1.0, np.frexp(forwards[:, 0])[1]) if forwards.size else np.ones(len(forwards))
    log_forwards, log_strikes = np.log(forwards / scale[:, None]), np.log(strikes / scale[rows])
    # The kernel looks at volatilities by scenario as it reads them, which saves a pass.
    n_wrong = load_kernels(_KERNELS).price_rows(
        forwards, log_forwards, rows, strikes, log_strikes, signs, discounts, times, volatilities,
        np.empty(n_scenarios), prices,
    )  # fmt: skip
    if n_wrong:
        check_range(volatilities, argument="volatility", zero=True)
    return prices


def _forward_rows(forward_row: ArrayLike | None, *, n_options: int, n_forwards: int) -> np.ndarray:
    if forward_row is None:
        if n_forwards not in (1, n_options):
            got = f"{n_forwards} rows for {n_options} options"
            raise ArgumentError("forward", "must have one row, or one an option", got, "pass forward_row")
        return np.zeros(n_options, dtype=np.int64) if n_forwards == 1 else np.arange(n_options)
    rows = np.asarray(forward_row)
    if rows.shape != (n_options,) or rows.dtype.kind not in "iu" or (n_options and not _within(rows, n_forwards)):
        rule = f"must name for each of {n_options} options a row from 0 to {n_forwards - 1}"
        raise ArgumentError("forward_row", rule, f"shape {rows.shape} of {rows.dtype}", "pass whole numbers")
    return rows.astype(np.int64)


def _within(rows: np.ndarray, n_forwards: int) -> bool:
    return bool(rows.min() >= 0 and rows.max() < n_forwards)


def _by_option(values: np.ndarray, argument: str, shape: tuple[int, int]) -> np.ndarray:
    """Return values with a row an option, and one column or one a scenario."""
    if values.ndim < 2:
        return _per_option(values, argument, shape[0]).reshape(-1, 1)
    if values.shape[0] not in (1, shape[0]) or values.shape[1] not in (1, shape[1]) or values.ndim > 2:
        remedy = "pass one value an option, or one an option and scenario"
        raise ArgumentError(argument, f"must have shape {shape}", str(values.shape), remedy)
    return np.ascontiguousarray(np.broadcast_to(values, (shape[0], values.shape[1])))


def _per_option(values: np.ndarray, argument: str, n_options: int) -> np.ndarray:
    if values.shape not in ((), (1,), (n_options,)):
        rule = f"must have one value for each of {n_options} options"
        raise ArgumentError(argument, rule, f"shape {values.shape}", "pass a scalar or one value an option")
    return np.ascontiguousarray(np.broadcast_to(values, n_options))


def _checked_output(out: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    if out is None:
        return np.empty(shape)
    if out.shape != shape or out.dtype != np.float64 or not out.flags.c_contiguous or not out.flags.writeable:
        got = f"{out.dtype} of shape {out.shape}"
        raise ArgumentError(
            "out", f"must be writable C-contiguous float64 of shape {shape}", got, "pass np.empty(shape)"
        )
    return out
