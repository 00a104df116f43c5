"""Forced flow by source, in rounds through one impact law: who sold what, and how far the price went."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from volkit.checks import check_count, check_kind, check_kinds, check_positive, real_number
from volkit.contagion.options.sources import FlowSource, FlowState, HedgingSource
from volkit.contagion.options.splits import DealerSigns, FlowSplit
from volkit.errors import ArgumentError, DataError
from volkit.impact.law import ImpactLaw
from volkit.results import Provenance, freeze

__all__ = ["split_by_dealer_sign", "split_flows"]

# A price that has moved by this factor has no bottom.
_COLLAPSE = np.log(100.0)
_ONE_PER_CENT = 0.01


def split_flows(
    liquidations: Sequence[FlowSource],
    impact: ImpactLaw,
    *,
    price: float,
    shock: float,
    dealers: HedgingSource | None = None,
    volatility: float | None = None,
    max_rounds: int = 1_000,
    tolerance: float = 1e-10,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> FlowSplit:
    """Return the forced flow that a shock sets off, by source and round.

    Parameters
    ----------
    liquidations : sequence of FlowSource
        Whose positions may be closed; with names of their own.
    impact : ImpactLaw
        One for all: every coin sold moves the price in the same market.
    price : float
        Before the shock, USD; of option books the spot of their market.
    shock : float
        Simple return, above -1.
    dealers : HedgingSource, optional
        Who hedges; nobody by default.
    volatility : float, optional
        Without hedging, decimal per year, for `FlowSplit.feedback_volatility`.
    max_rounds : int
        After so many the cascade is named "unfinished".
    tolerance : float
        Log move of the price in a round below which nobody is said to trade.
    as_of : Timestamp, optional
        Instant (UTC) of the books.
    provenance : Provenance, optional
        Of the books.

    Returns
    -------
    FlowSplit

    Raises
    ------
    ArgumentError
        For a price or tolerance that is not positive, or not that of an option book, or a shock of -1 or less or NaN.
    DataError
        For nobody who might trade, or two of one name.

    Notes
    -----
    The shock moves the reference price. In a round liquidated accounts trade once and for good, and dealers what their
    delta has changed by since they traded last; dealers long gamma, who might push the price past where they need
    trade no more, stop there. The price is the reference displaced by all coins sold so far, and the next round looks
    at it. No time passes: impact does not decay and nothing expires.

    With impact lambda per coin, liquidations of uniform density rho and dealers whose delta gains -G coins per unit of
    log price, the log price falls by s / (1 - lambda (rho + G)): further with dealers short gamma (G > 0), less far
    with dealers long gamma, and without end from lambda (rho + G) = 1 on. With G below -rho prices come back after the
    first liquidations, which are not undone: the fall is then s (1 + lambda rho) / (1 - lambda G).

    Examples
    --------
    >>> from volkit.contagion.options.sources import ConstantGamma, UniformLiquidations
    >>> from volkit.impact.laws import LinearImpact
    >>> split = split_flows([UniformLiquidations(2_000.0)], LinearImpact(1e-4), price=100.0, shock=np.expm1(-0.07),
    ...                     dealers=ConstantGamma(-1_000.0))
    >>> round(split.amplification, 6), split.shares.round(3).to_dict()
    (1.428571, {'perpetual longs': 0.667, 'dealer hedging': 0.333})
    """
    check_kind(impact, ImpactLaw, argument="impact", remedy="pass a law, e.g. LinearImpact(...)")
    liquidations = check_kinds(
        liquidations, FlowSource, argument="liquidations", remedy="pass e.g. UniformLiquidations(...)"
    )
    if dealers is not None:
        check_kind(dealers, HedgingSource, argument="dealers", remedy="pass e.g. ConstantGamma(...)")
    start = check_positive(price, argument="price", unit="USD")
    check_positive(tolerance, argument="tolerance", unit="log move")
    check_count(max_rounds, argument="max_rounds", unit="rounds")
    if not -1.0 < real_number(shock, argument="shock") < np.inf:
        raise ArgumentError("shock", "must be a simple return above -1", f"{shock!r}", "pass -0.1 for a fall of 10 %")
    names = [source.name for source in liquidations] + ([dealers.name] if dealers is not None else [])
    if not names or len(set(names)) < len(names):
        got = ", ".join(names) or "none"
        raise DataError("sources", "must be at least one, each with a name of its own", got, "rename or merge them")
    states = [source.begin(start) for source in liquidations]
    market = _Market(impact=impact, reference=start * (1.0 + shock), start=start)
    status, prices, flows = _rounds(market, states, dealers, max_rounds=max_rounds, tolerance=tolerance)
    accounts = [state.accounts for state in states] + [0] * (dealers is not None)
    debts = [state.bad_debt for state in states] + [0.0] * (dealers is not None)
    table = np.reshape(flows, (len(flows), len(names)))
    return FlowSplit(
        flows=freeze(pd.DataFrame(table, index=pd.RangeIndex(1, len(flows) + 1, name="round"), columns=names)),
        prices=freeze(pd.Series(prices, index=pd.RangeIndex(len(prices), name="round"), name="price")),
        accounts=pd.Series(accounts, index=names, name="accounts"),
        bad_debt=pd.Series(debts, index=names, name="bad_debt"),
        start=start,
        shock=float(shock),
        status=status,
        dealer_gamma=dealers.log_gamma(start) * _ONE_PER_CENT * start if dealers is not None else 0.0,
        critical_gamma=-impact.coins_for(_ONE_PER_CENT) * start,
        volatility=volatility,
        words=dealers.words if dealers is not None else "no dealers",
        as_of=as_of,
        provenance=provenance or Provenance(()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    impact: ImpactLaw
    reference: float
    start: float

    def price(self, sold: float) -> float:
        moved = self.impact.displacement(sold)
        return self.reference * float(np.exp(-np.sign(sold) * moved)) if sold else self.reference


def _rounds(
    market: _Market,
    states: Sequence[FlowState],
    dealers: HedgingSource | None,
    *,
    max_rounds: int,
    tolerance: float,
) -> tuple[str, list[float], list[list[float]]]:
    """Return the status, prices after the shock and each round, and coins by source in each round."""
    prices, sold = [market.reference], 0.0
    flows: list[list[float]] = []
    # Dealers are hedged before the shock.
    hedged = dealers.begin(market.start) if dealers is not None else 0.0
    for _ in range(max_rounds):
        coins = [state.sold(prices[-1]) for state in states]
        sold += sum(coins)
        if dealers is not None:
            hedge = _hedge(dealers, market, price=prices[-1], sold=sold, hedged=hedged)
            coins.append(hedge)
            hedged += hedge
            sold += hedge
        after = market.price(sold)
        if not (np.isfinite(after) and after > 0.0):
            return "no depth", prices, flows
        step = abs(np.log(after / prices[-1]))
        if any(coins):
            flows.append(coins)
            prices.append(after)
        if step < tolerance:
            return "settled", prices, flows
        if abs(np.log(after / market.start)) > _COLLAPSE:
            return "fractured", prices, flows
    return "unfinished", prices, flows


def _hedge(dealers: HedgingSource, market: _Market, *, price: float, sold: float, hedged: float) -> float:
    """Return the coins that dealers sell: the gap to their delta, or less where the price then needs no more."""
    gap = dealers.delta(price) - hedged
    if gap == 0.0:
        return 0.0

    def left(share: float) -> float:
        # In the direction of the gap: what is still to be traded at the price that this much trading leaves.
        after = market.price(sold + share * gap)
        if not (np.isfinite(after) and after > 0.0):
            return -1.0 if gap < 0.0 else 1.0
        return (dealers.delta(after) - hedged) / gap - share

    if left(1.0) >= 0.0:
        return gap
    if left(0.0) <= 0.0:
        return 0.0
    return gap * float(brentq(left, 0.0, 1.0, xtol=1e-14, rtol=1e-13))


def split_by_dealer_sign(
    liquidations: Sequence[FlowSource],
    dealers: HedgingSource,
    impact: ImpactLaw,
    *,
    price: float,
    shock: float,
    volatility: float | None = None,
    max_rounds: int = 1_000,
    as_of: pd.Timestamp | None = None,
    provenance: Provenance | None = None,
) -> DealerSigns:
    """Return the forced flow under both signs of the dealers' position.

    Parameters
    ----------
    liquidations : sequence of FlowSource
        Whose positions may be closed.
    dealers : HedgingSource
        As assumed; the other sign is theirs reversed.
    impact, price, shock, volatility, max_rounds, as_of, provenance
        As in `split_flows`.

    Returns
    -------
    DealerSigns

    Raises
    ------
    ArgumentError, DataError
        As `split_flows`.

    Examples
    --------
    >>> from volkit.contagion.options.sources import ConstantGamma, UniformLiquidations
    >>> from volkit.impact.laws import LinearImpact
    >>> signs = split_by_dealer_sign([UniformLiquidations(2_000.0)], ConstantGamma(-1_000.0), LinearImpact(1e-4),
    ...                              price=100.0, shock=-0.05)
    >>> round(signs.assumed.amplification, 4), round(signs.opposite.amplification, 4)
    (1.4286, 1.1111)
    """
    splits = [
        split_flows(
            liquidations,
            impact,
            price=price,
            shock=shock,
            dealers=hedgers,
            volatility=volatility,
            max_rounds=max_rounds,
            as_of=as_of,
            provenance=provenance,
        )
        for hedgers in (dealers, dealers.reversed())
    ]
    return DealerSigns(assumed=splits[0], opposite=splits[1])
