"""One portfolio under many rule sets: margins, what decides them, and why a rule does not apply, in one table.

A `PositionBook` and a `MarketState` enter; a `MarginUnderRules` leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from volkit.checks import check_kind
from volkit.errors import ArgumentError
from volkit.instruments import MarketState, PositionBook
from volkit.portfolio.venues.feeds import Feeds
from volkit.portfolio.venues.files import VenueRules, load_venue_rules, venue_rule_names
from volkit.portfolio.venues.unit import RuleMargin
from volkit.portfolio.venues.units import HeldUnit, held_units
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["MarginUnderRules", "margin_under_rules"]

_SHOWN = 3
_COMPONENTS = ["rule", "account", "underlying", "component", "initial", "maintenance"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class MarginUnderRules(ResultDisplay):
    """The margin of one portfolio under several rule sets.

    Attributes
    ----------
    table : DataFrame, shape (n_rules, 9)
        Indexed by rule. initial_margin, maintenance_margin (USD, summed over accounts and underlyings; NaN where
        `reason` says why the rule does not apply), initial_rate (initial margin over gross notional), worst_scenario
        (of the underlying with the largest margin), is_illustrative (whether a parameter is stated by no source at
        hand), reason, title, date, source.
    components : DataFrame
        rule, account, underlying, component, initial, maintenance (USD): what the margins are made of.
    illustrative : dict of str to tuple of str
        Parameters without a source that bear on the portfolio, by rule.
    notes : tuple of str
        What was filled, old parameters, and what rules do not see.
    gross_notional : float
        Sum of absolute positions at spot, USD.
    as_of : Timestamp
        Of the market, UTC.
    provenance : Provenance
        Of the market.
    """

    table: pd.DataFrame
    components: pd.DataFrame
    illustrative: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    gross_notional: float
    as_of: pd.Timestamp
    provenance: Provenance

    @property
    def n_applied(self) -> int:
        """Rule sets that apply to the portfolio."""
        return int(self.table["initial_margin"].notna().sum())

    @property
    def headline(self) -> str:
        """Range of initial margins, and how many rules apply, in one line."""
        margins = self.table["initial_margin"].dropna().sort_values()
        told = f"{self.n_applied} of {len(self.table)} rules apply"
        when = f"{self.as_of:%Y-%m-%d %H:%M} UTC"
        if margins.empty:
            return f"{told}, {when}"
        low, high = margins.index[0], margins.index[-1]
        return (
            f"initial margin from {margins.iloc[0]:,.0f} USD ({low}) to {margins.iloc[-1]:,.0f} ({high}) on a gross "
            f"notional of {self.gross_notional:,.0f}; {told}, {when}"
        )

    def summary(self) -> pd.DataFrame:
        """Return margins (USD), initial rate of the gross notional (decimal), worst scenario, and marks or reasons."""
        t = self.table
        remark = np.where(t["reason"] != "", t["reason"], np.where(t["is_illustrative"], "illustrative parameters", ""))
        return pd.DataFrame(
            {
                "initial margin (USD)": t["initial_margin"],
                "maintenance margin (USD)": t["maintenance_margin"],
                "initial / gross notional": t["initial_rate"],
                "worst scenario": t["worst_scenario"],
                "parameters of": t["date"].dt.strftime("%Y-%m-%d"),
                "remark": remark,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the table with the rule as a column and its illustrative parameters in words."""
        words = {name: ", ".join(keys) for name, keys in self.illustrative.items()}
        return self.table.assign(illustrative_parameters=self.table.index.map(words)).reset_index()


def margin_under_rules(
    book: PositionBook,
    market: MarketState,
    *,
    rules: str | Sequence[str | Path | VenueRules] = "all",
    stable_price: float = 1.0,
    confidence: float = 1.0,
) -> MarginUnderRules:
    """Return the margin of one portfolio under each rule set.

    Parameters
    ----------
    book : PositionBook
        Each account is margined alone, and the margins are summed.
    market : MarketState
        Forwards that are missing are filled from their neighbours, and `notes` says so.
    rules : "all", a name, or a sequence of names, paths and VenueRules
        All packaged rule sets by default.
    stable_price : float
        Of the settlement coin, USD.
    confidence : float
        In every price, 0 to 1, for rules that charge for doubtful ones.

    Returns
    -------
    MarginUnderRules
        A margin is the equity (USD, every position counted at its mark) that the account must hold, so that rules with
        other conventions compare: what a venue asks for a short option beside its mark, and the value of a bought
        option where it does not count as collateral.

    Raises
    ------
    ArgumentError
        For no rule, a rule that comes twice, or a feed out of range.
    DataError
        For a position that cannot be priced, or a rule file that does not fit.
    SourceError
        For an unknown rule.

    Examples
    --------
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [-2.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-11-28", tz="UTC"), spot=pd.Series({"BTC": 90_000.0}))
    >>> result = margin_under_rules(PositionBook.from_frame(frame), market, rules=["derive-standard", "binance-tiers"])
    >>> result.table["initial_margin"].round(2).to_dict()
    {'derive-standard': 11880.0, 'binance-tiers': 1800.0}
    """
    check_kind(book, PositionBook, argument="book")
    check_kind(market, MarketState, argument="market")
    chosen = _chosen(rules)
    filled = market.fill_forwards(book.instruments.values())
    units = held_units(book, filled)
    feeds = Feeds(stable_price=stable_price, confidence=confidence)
    gross = float(sum(_gross(h) for h in units))
    coins = sorted({held.unit.underlying for held in units})
    marks = {rule.name: rule.illustrative_for(coins) for rule in chosen}
    rows, parts = [], []
    for rule in chosen:
        row, components = _under(rule, units, feeds)
        rows.append({**row, "is_illustrative": bool(marks[rule.name])})
        parts.extend(components)
    table = pd.DataFrame(rows).set_index("rule")
    table["initial_rate"] = table["initial_margin"] / gross if gross else np.nan
    order = ["initial_margin", "maintenance_margin", "initial_rate", "worst_scenario", "is_illustrative", "reason"]
    return MarginUnderRules(
        table=freeze(table[[*order, "title", "date", "source"]]),
        components=freeze(pd.DataFrame(parts, columns=_COMPONENTS)),
        illustrative=marks,
        notes=(*filled.filled, *_ages(chosen, filled.as_of), *_coins(units)),
        gross_notional=gross,
        as_of=filled.as_of,
        provenance=filled.provenance,
    )


def _chosen(rules: str | Sequence[str | Path | VenueRules]) -> list[VenueRules]:
    names: Sequence[str | Path | VenueRules]
    names = (venue_rule_names() if rules == "all" else [rules]) if isinstance(rules, str) else rules
    chosen = [r if isinstance(r, VenueRules) else load_venue_rules(r) for r in names]
    found = [rule.name for rule in chosen]
    if not found or len(set(found)) < len(found):
        got = ", ".join(found) or "none"
        raise ArgumentError("rules", "must be at least one rule set, each once", got, 'pass "all", or drop the double')
    return chosen


def _gross(held: HeldUnit) -> float:
    unit = held.unit
    return unit.spot * float(np.abs(unit.linear_quantity).sum() + np.abs(unit.options.quantity).sum())


def _under(
    rule: VenueRules, units: Sequence[HeldUnit], feeds: Feeds
) -> tuple[dict[str, object], list[tuple[object, ...]]]:
    about = {
        "rule": rule.name,
        "title": rule.title,
        "date": rule.date,
        "source": rule.source,
    }
    reason = _refusal(rule, units)
    if reason:
        none = {"initial_margin": np.nan, "maintenance_margin": np.nan, "worst_scenario": "", "reason": reason}
        return {**about, **none}, []
    margins = [rule.engine.margin(h.unit, rule.parameters_for(h.unit.underlying), feeds) for h in units]
    largest = max(zip(units, margins, strict=True), key=lambda pair: pair[1].initial_margin, default=None)
    row = {
        "initial_margin": float(sum(m.initial_margin for m in margins)),
        "maintenance_margin": float(sum(m.maintenance_margin for m in margins)),
        "worst_scenario": _words(*largest, alone=len(units) == 1) if largest is not None else "",
        "reason": "",
    }
    parts = [
        (rule.name, held.account, held.unit.underlying, *component)
        for held, margin in zip(units, margins, strict=True)
        for component in margin.components.itertuples(name=None)
    ]
    return {**about, **row}, parts


def _words(held: HeldUnit, margin: RuleMargin, *, alone: bool) -> str:
    words = margin.worst_scenario
    return words if alone or not words else f"{held.unit.underlying} ({held.account}): {words}"


def _refusal(rule: VenueRules, units: Sequence[HeldUnit]) -> str:
    """Return in words why a rule cannot margin a book; empty when it can."""
    foreign: dict[str, list[str]] = {}
    for held in units:
        for kind, names in held.names.items():
            if kind not in rule.instruments and names:
                foreign.setdefault(kind, []).extend(names)
    if foreign:
        kinds = " and ".join(f"{kind}s" for kind in rule.instruments)
        held_words = " and ".join(_counted(kind, names) for kind, names in foreign.items())
        return f"margins {kinds} only; the book holds {held_words}"
    coins = sorted({held.unit.underlying for held in units})
    unknown = [coin for coin in coins if rule.default is None and coin not in rule.by_underlying]
    if unknown:
        known = ", ".join(rule.by_underlying)
        return f"has parameters for {known}, none for {', '.join(unknown)}; add [underlyings.{unknown[0]}] to a copy"
    return ""


def _counted(kind: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return f"{len(names)} {kind}{'s' * (len(names) != 1)} ({shown})"


def _ages(rules: Sequence[VenueRules], as_of: pd.Timestamp) -> list[str]:
    return [f"{rule.name}: {words}" for rule in rules if (words := rule.age_words(as_of))]


def _coins(units: Sequence[HeldUnit]) -> list[str]:
    coins: dict[str, float] = {}
    for held in units:
        if held.unit.coins:
            coins[held.unit.underlying] = coins.get(held.unit.underlying, 0.0) + held.unit.coins
    if not coins:
        return []
    told = ", ".join(f"{amount:g} {name}" for name, amount in coins.items())
    return [f"coins ({told}) offset risk under scenario-portfolio rules only; other rules leave them out"]
