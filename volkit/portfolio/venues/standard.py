"""Standard margin: each short option by a formula, spreads by their largest loss at expiry, perpetuals by a rate.

Plain arrays or a `RiskUnit` enter; positive margins (USD) leave.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from volkit.checks import check_positive
from volkit.errors import DataError
from volkit.margin.tiers import SkewScaleMargin
from volkit.portfolio.venues.entry import Entry
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.shocks import NotNegative, Share
from volkit.portfolio.venues.unit import Floats, OptionLegs, RiskUnit, RuleMargin, rule_margin

__all__ = [
    "ExpiryMargin",
    "LinearRate",
    "ShortOptionMargin",
    "ShortOptionRates",
    "StandardParameters",
    "expiry_margin",
    "largest_expiry_loss",
    "short_option_margin",
    "standard_margin",
]


class ShortOptionRates(Entry):
    """Rates of a short option, fractions of the spot (or of the mark, where named so).

    Attributes
    ----------
    initial, initial_minimum : float
        Initial rate at the money, less what the option is out of the money over spot, but not below the minimum.
    call_maintenance, put_maintenance, put_maintenance_of_mark : float
        A put pays the larger of the rate times spot and the last one times its mark.
    put_initial_over_maintenance : float
        A put's initial margin is at least this many times its maintenance margin.
    """

    initial: Share
    initial_minimum: Share
    call_maintenance: Share
    put_maintenance: Share
    put_maintenance_of_mark: NotNegative
    put_initial_over_maintenance: NotNegative


class LinearRate(Entry):
    """Rates of a perpetual or future: fractions of the notional, rising with every unit of the position."""

    initial: Annotated[float, Field(gt=0.0, le=1.0)]
    maintenance: Annotated[float, Field(gt=0.0, le=1.0)]
    slope_per_unit: NotNegative = 0.0


class StandardParameters(Entry):
    """Parameters of the standard margin.

    Attributes
    ----------
    option : ShortOptionRates
    linear : LinearRate
    offsets_spreads : bool
        Whether an expiry may pay its largest loss at expiry instead, where that is less.
    unpaired_initial, unpaired_maintenance : float
        Times the forward for every net short call when it does.
    confidence_threshold, confidence_rate : float
        Below this confidence of its prices, (1 - confidence) x rate x spot is added per short option.
    stable_threshold, stable_factor : float
        Below this price of the settlement coin, (threshold - price) x factor x spot is added per short option and
        perpetual.
    """

    option: ShortOptionRates
    linear: LinearRate
    offsets_spreads: bool = False
    unpaired_initial: NotNegative = 0.0
    unpaired_maintenance: NotNegative = 0.0
    confidence_threshold: NotNegative = 0.0
    confidence_rate: NotNegative = 0.0
    stable_threshold: NotNegative = 0.0
    stable_factor: NotNegative = 0.0


class ShortOptionMargin(NamedTuple):
    """Margins of options (USD, the mark of a short option included), each an array, shape (n_options,); 0 when long."""

    initial: Floats
    maintenance: Floats


class ExpiryMargin(NamedTuple):
    """Margins of one expiry (USD, marks of short options included), and whether the spread offset decided either."""

    initial: float
    maintenance: float
    spread_offset: bool


def short_option_margin(
    *,
    spot: float,
    strike: ArrayLike,
    is_call: ArrayLike,
    quantity: ArrayLike,
    value: ArrayLike,
    rates: ShortOptionRates,
) -> ShortOptionMargin:
    """Return the margins of short options one by one, the mark included.

    Parameters
    ----------
    spot : float
        USD per unit.
    strike : array_like, shape (n_options,)
        USD per unit.
    is_call : array_like of bool, shape (n_options,)
    quantity : array_like, shape (n_options,)
        Units, negative when sold; a bought option has no margin.
    value : array_like, shape (n_options,)
        Quantity times mark price, USD, negative when sold.
    rates : ShortOptionRates
        Of a venue.

    Returns
    -------
    ShortOptionMargin
        Positive, USD.

    Raises
    ------
    ArgumentError
        For a spot that is not positive.
    DataError
        For a value whose sign is not that of its quantity.

    Notes
    -----
    With q < 0 units of spot S and V = value, otm the amount out of the money over S, r = max(initial - otm, minimum):
    call: maintenance -(V + m S q), initial -(V + r S q); put: maintenance -(V + min(m S q, k V)), initial the larger
    of -(V + r S q) and f x maintenance.

    Examples
    --------
    >>> from volkit.portfolio.venues import load_venue_rules
    >>> rates = load_venue_rules("deribit-standard").parameters_for("BTC").option
    >>> margin = short_option_margin(spot=100, strike=[100], is_call=[True], quantity=[-1], value=[-5], rates=rates)
    >>> margin.initial, margin.maintenance
    (array([20.]), array([12.5]))
    """
    S = check_positive(spot, argument="spot", unit="USD per unit")
    K, q, V = (np.asarray(x, dtype=float) for x in (strike, quantity, value))
    call = np.asarray(is_call, dtype=bool)
    if (bad := np.flatnonzero(q * V < 0.0)).size:
        got = f"{V.ravel()[bad[0]]:g} for a quantity of {q.ravel()[bad[0]]:g} in row {bad[0] + 1}"
        raise DataError("value", "must have the sign of its quantity", got, "pass quantity times mark price")
    otm = np.maximum(np.where(call, K - S, S - K), 0.0) / S
    r = np.maximum(rates.initial - otm, rates.initial_minimum)
    call_maintenance = V + rates.call_maintenance * S * q
    put_maintenance = V + np.minimum(rates.put_maintenance * S * q, rates.put_maintenance_of_mark * V)
    maintenance = np.where(call, call_maintenance, put_maintenance)
    base = V + r * S * q
    initial = np.where(call, base, np.minimum(base, rates.put_initial_over_maintenance * put_maintenance))
    short = q < 0.0
    return ShortOptionMargin(np.where(short, -initial, 0.0), np.where(short, -maintenance, 0.0))


def largest_expiry_loss(*, strike: ArrayLike, is_call: ArrayLike, quantity: ArrayLike) -> float:
    """Return the largest loss of options at expiry among a price of zero and the strikes.

    Parameters
    ----------
    strike, is_call, quantity : array_like, shape (n_options,)
        Of one expiry; quantity negative when sold.

    Returns
    -------
    float
        USD, at least 0. Net short calls lose more above the highest strike: see `expiry_margin`.

    Examples
    --------
    >>> largest_expiry_loss(strike=[1800, 2000], is_call=[True, True], quantity=[-1, 1])
    200.0
    """
    K, q = (np.asarray(x, dtype=float) for x in (strike, quantity))
    call = np.asarray(is_call, dtype=bool)
    prices = np.concatenate([[0.0], K])[:, None]
    payoffs = np.where(call, np.maximum(prices - K, 0.0), np.maximum(K - prices, 0.0)) @ q
    return max(0.0, -float(payoffs.min()))


def expiry_margin(options: OptionLegs, *, spot: float, parameters: StandardParameters) -> ExpiryMargin:
    """Return the margins of all options of one expiry: one by one, or by their largest loss where that is less.

    Parameters
    ----------
    options : OptionLegs
        Of one expiry.
    spot : float
        USD per unit.
    parameters : StandardParameters
        Of a venue.

    Returns
    -------
    ExpiryMargin
        Positive, USD.
    """
    alone = short_option_margin(
        spot=spot,
        strike=options.strike,
        is_call=options.is_call,
        quantity=options.quantity,
        value=options.value(),
        rates=parameters.option,
    )
    initial, maintenance = float(alone.initial.sum()), float(alone.maintenance.sum())
    if not parameters.offsets_spreads or not len(options):
        return ExpiryMargin(initial, maintenance, False)
    loss = largest_expiry_loss(strike=options.strike, is_call=options.is_call, quantity=options.quantity)
    unpaired = max(0.0, -float(options.quantity[options.is_call].sum())) * float(options.forward.max())
    offset_initial = loss + parameters.unpaired_initial * unpaired
    offset_maintenance = loss + parameters.unpaired_maintenance * unpaired
    decided = offset_initial < initial or offset_maintenance < maintenance
    return ExpiryMargin(min(initial, offset_initial), min(maintenance, offset_maintenance), decided)


def standard_margin(unit: RiskUnit, parameters: StandardParameters, feeds: Feeds) -> RuleMargin:
    """Return the standard margin of a risk unit, expiry by expiry and contract by contract.

    Parameters
    ----------
    unit : RiskUnit
        Positions on one underlying.
    parameters : StandardParameters
        Of a venue.
    feeds : Feeds
        Confidence of the prices, price of the settlement coin.

    Returns
    -------
    RuleMargin
        The value of bought options is part of the margin: it does not count as collateral.
    """
    o, spreads = unit.options, 0
    options = np.zeros(2)
    for time in np.unique(o.time):
        here = expiry_margin(_of_expiry(o, o.time == time), spot=unit.spot, parameters=parameters)
        # Equity counts every option at its mark; the venue's margin of an expiry replaces that value.
        options += np.array([here.initial, here.maintenance]) + float(o.value()[o.time == time].sum())
        spreads += here.spread_offset
    shorts, c = float(-o.quantity[o.quantity < 0.0].sum()), parameters
    doubt = (1.0 - feeds.confidence) * c.confidence_rate if feeds.confidence < c.confidence_threshold else 0.0
    depeg = max(0.0, c.stable_threshold - feeds.stable_price) * c.stable_factor
    exposed = shorts + abs(float(unit.perpetual))
    linear = [
        _linear_margin(q, p, parameters.linear) for q, p in zip(unit.linear_quantity, unit.linear_price, strict=True)
    ]
    rows = [
        ("options", float(options[0]), float(options[1])),
        ("perpetual and futures", sum(i for i, _ in linear), sum(m for _, m in linear)),
        ("oracle", doubt * unit.spot * shorts, 0.0),
        ("de-peg", depeg * unit.spot * exposed, 0.0),
    ]
    words = f"largest loss at expiry in {spreads} of {len(np.unique(o.time))} expiries" if spreads else ""
    return rule_margin(rows, worst_scenario=words)


def _of_expiry(o: OptionLegs, rows: np.ndarray) -> OptionLegs:
    return OptionLegs(
        quantity=o.quantity[rows],
        strike=o.strike[rows],
        forward=o.forward[rows],
        time=o.time[rows],
        volatility=o.volatility[rows],
        is_call=o.is_call[rows],
    )


def _linear_margin(quantity: float, price: float, rate: LinearRate) -> tuple[float, float]:
    notional = abs(float(quantity)) * float(price)
    initial, maintenance = (
        SkewScaleMargin(skew_scale=1.0, slope=rate.slope_per_unit, minimum_rate=base, maintenance_share=1.0)
        for base in (rate.initial, rate.maintenance)
    )
    return initial.initial_margin(notional, price=price), maintenance.initial_margin(notional, price=price)
