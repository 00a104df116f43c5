"""Black-76 Greeks of options on a forward: options in, sensitivities in the quote currency or in coin out."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from volkit.kernels import load_kernels
from volkit.options.black76.arguments import ArrayLike, by_block, check_option
from volkit.results import ResultDisplay

__all__ = ["Black76Greeks", "InverseGreeks", "black76_greeks", "inverse_greeks"]


class _GreekDisplay(ResultDisplay):
    """How arrays of Greeks show themselves."""

    __slots__ = ()

    @property
    def headline(self) -> str:
        """How many options, and the range of their deltas."""
        delta = np.ravel(self.to_frame()["delta"])
        text = f"{delta.size} options" if delta.size != 1 else "1 option"
        return f"{text}, delta {delta.min():.3f} to {delta.max():.3f}" if delta.size else text

    def summary(self) -> pd.DataFrame:
        """Return least, median and greatest value of each Greek."""
        return self.to_frame().quantile([0.0, 0.5, 1.0]).T.set_axis(["least", "median", "greatest"], axis=1)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an option and a column for each Greek."""
        return pd.DataFrame({field.name: np.ravel(getattr(self, field.name)) for field in fields(self)})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Black76Greeks(_GreekDisplay):
    """Price and sensitivities of options, each in the shape of the options (scalars for scalars).

    Attributes
    ----------
    price : ndarray
        In the quote currency per unit of the underlying.
    delta : ndarray
        Change of the price for a forward higher by one unit of quote currency; Deribit's "Black Scholes delta".
    gamma : ndarray
        Change of delta for it. Zero at expiry and without volatility, also at the money, where it has no limit.
    vega : ndarray
        Change of the price for 1.00 of volatility.
    theta : ndarray
        Change of the price in a year of calendar time, at the same forward, volatility and rate of interest.
    vanna : ndarray
        Change of delta for 1.00 of volatility, or of vega for one unit of the forward.
    volga : ndarray
        Change of vega for 1.00 of volatility.
    rho : ndarray
        Change of the price for 1.00 of a yearly, continuous rate of interest behind the discount, at the same forward.
    """

    price: np.ndarray
    delta: np.ndarray
    gamma: np.ndarray
    vega: np.ndarray
    theta: np.ndarray
    vanna: np.ndarray
    volga: np.ndarray
    rho: np.ndarray

    @property
    def vega_per_point(self) -> np.ndarray:
        """Change of the price for one percentage point of volatility."""
        return self.vega / 100.0

    @property
    def theta_per_day(self) -> np.ndarray:
        """Change of the price in a day, a 365th of `theta`."""
        return self.theta / 365.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class InverseGreeks(_GreekDisplay):
    """Price and sensitivities of options that settle in coin, each in the shape of the options.

    Attributes
    ----------
    price : ndarray
        In coin per unit of the underlying: the Black-76 price over the forward.
    delta : ndarray
        The plain Black-76 delta (Deribit's "Black Scholes delta"), without premium adjustment.
    net_transaction_delta : ndarray
        Premium-adjusted delta, ``delta - price``: coin gained for a forward higher by its whole, d price / d ln F. It
        is what the option adds to Deribit's "delta total"; add the equity in coin when profit counts in quote currency.
    coin_delta, coin_gamma : ndarray
        First and second derivative of the coin price by the forward.
    coin_vega, coin_volga : ndarray
        First and second derivative of the coin price by volatility (per 1.00).
    coin_theta : ndarray
        Change of the coin price in a year.
    coin_vanna : ndarray
        Change of `coin_delta` for 1.00 of volatility.
    """

    price: np.ndarray
    delta: np.ndarray
    net_transaction_delta: np.ndarray
    coin_delta: np.ndarray
    coin_gamma: np.ndarray
    coin_vega: np.ndarray
    coin_theta: np.ndarray
    coin_vanna: np.ndarray
    coin_volga: np.ndarray


def black76_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    *,
    discount: ArrayLike = 1.0,
) -> Black76Greeks:
    """Return Black-76 prices, first-order Greeks, gamma, vanna and volga.

    Parameters
    ----------
    forward, strike : array_like
        In the quote currency per unit of the underlying, above zero.
    time : array_like
        Years of 365 days to expiry, 0 or more.
    volatility : array_like
        Decimal per year, 0 or more.
    is_call : array_like of bool
        True for calls, false for puts.
    discount : array_like
        Price today of one unit of quote currency at expiry.

    Returns
    -------
    Black76Greeks
        In the shape to which the arguments broadcast. Without time or volatility they are the limits: delta 0, 1 or
        -1 times the discount, and half of it at the money.

    Raises
    ------
    DataError
        For a forward, strike or discount that is not positive, a negative time or volatility, NaN or inf.
    ArgumentError
        For shapes that do not broadcast, or `is_call` that is not true or false.

    References
    ----------
    .. [1] Haug, E. G. (2007), The complete guide to option pricing formulas, 2nd edition, section 2.2-2.7.

    Examples
    --------
    >>> greeks = black76_greeks(60_000, 65_000, 30 / 365, 0.6, True)
    >>> float(greeks.delta.round(6)), float(greeks.vega_per_point.round(4))
    (0.352226, 63.8604)
    """
    option = check_option(forward, strike, time, volatility, is_call, discount)
    delta, gamma, vega, theta, vanna, volga = by_block(
        load_kernels("volkit.options.black76._greeks").fill_greeks, option, outputs=[np.float64] * 6
    )
    price = by_block(load_kernels("volkit.options.black76._price").price_options, option, outputs=[np.float64])[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(option.time > 0.0, -np.log(option.discount) / option.time, 0.0)
    return Black76Greeks(
        price=price,
        delta=delta,
        gamma=gamma,
        vega=vega,
        theta=theta + rate * price,
        vanna=vanna,
        volga=volga,
        rho=-option.time * price,
    )


def inverse_greeks(
    forward: ArrayLike, strike: ArrayLike, time: ArrayLike, volatility: ArrayLike, is_call: ArrayLike
) -> InverseGreeks:
    """Return prices and Greeks of options that settle in coin, as Deribit's on BTC and ETH.

    Parameters
    ----------
    forward, strike : array_like
        In the quote currency per unit of the underlying, above zero.
    time, volatility, is_call : array_like
        As for `black76_greeks`.

    Returns
    -------
    InverseGreeks
        In the shape to which the arguments broadcast.

    Raises
    ------
    DataError, ArgumentError
        As `black76_greeks` does.

    Notes
    -----
    The price in coin is v = V / F with the undiscounted Black-76 price V, so that v' = (delta - v) / F and
    v'' = (gamma - 2 v') / F.

    References
    ----------
    .. [1] Deribit, API description of ``delta_total``: net transaction delta = Black Scholes delta - mark price.

    Examples
    --------
    >>> inverse = inverse_greeks(60_000, 65_000, 30 / 365, 0.6, True)
    >>> [float(value.round(6)) for value in (inverse.price, inverse.delta, inverse.net_transaction_delta)]
    [0.037298, 0.352226, 0.314928]
    """
    usd = black76_greeks(forward, strike, time, volatility, is_call)
    f = np.asarray(forward, dtype=np.float64)
    price = usd.price / f
    coin_delta = (usd.delta - price) / f
    return InverseGreeks(
        price=price,
        delta=usd.delta,
        net_transaction_delta=usd.delta - price,
        coin_delta=coin_delta,
        coin_gamma=(usd.gamma - 2.0 * coin_delta) / f,
        coin_vega=usd.vega / f,
        coin_theta=usd.theta / f,
        coin_vanna=(usd.vanna - usd.vega / f) / f,
        coin_volga=usd.volga / f,
    )
