"""How much a balance sheet leans on tokens that its owner issued: the haircut slider and its break-even."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from volkit.checks import check_fraction
from volkit.errors import ArgumentError
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze
from volkit.solvency.balance.ratios import ratio
from volkit.solvency.balance.sheet import ALL, BalanceSheet

__all__ = ["OwnTokenSensitivity", "own_token_sensitivity"]

HaircutStatus = Literal["break-even", "insolvent at full value", "solvent without own tokens"]
_STEPS = 21


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OwnTokenSensitivity(ResultDisplay):
    """Solvency against the haircut on own tokens.

    Attributes
    ----------
    curve : DataFrame, shape (n_haircuts, 3)
        All entities together, by haircut (fraction): assets and surplus (USD), solvency_ratio.
    break_even : DataFrame, shape (n_entities + 1, 3)
        By entity and "all": own_token_share (of the assets at full value), haircut at which the surplus is zero (NaN
        where there is none) and status: "break-even", "insolvent at full value" or "solvent without own tokens".
    as_of : Timestamp or None
        Of the sheet (UTC).
    provenance : Provenance
        Of the sheet.
    """

    curve: pd.DataFrame
    break_even: pd.DataFrame
    as_of: pd.Timestamp | None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @property
    def headline(self) -> str:
        """Share of own tokens and break-even haircut in one line."""
        total = self.break_even.loc[ALL]
        words = f"surplus is zero at a haircut of {percent_to(total['haircut'])}"
        told = words if total["status"] == "break-even" else str(total["status"])
        return f"own tokens are {percent_to(total['own_token_share'])} of the assets, {told}"

    def summary(self) -> pd.DataFrame:
        """Return the break-even haircuts by entity (fractions)."""
        return self.break_even

    def to_frame(self) -> pd.DataFrame:
        """Return the curve as tidy rows."""
        return self.curve.reset_index()


def own_token_sensitivity(sheet: BalanceSheet, *, haircuts: Sequence[float] | None = None) -> OwnTokenSensitivity:
    """Return solvency against the haircut on own tokens, with the haircut that uses the surplus up.

    Parameters
    ----------
    sheet : BalanceSheet
        What is owned and owed.
    haircuts : sequence of float, optional
        Fractions from 0 to 1, rising; by default 0 to 1 in steps of 0.05.

    Returns
    -------
    OwnTokenSensitivity

    Raises
    ------
    ArgumentError
        For haircuts that are no fractions or do not rise.

    Notes
    -----
    The surplus falls in a straight line, so the break-even haircut is (assets - liabilities) / own tokens, exactly.
    What is owed in an own token stays at its price: a fall of its price is a scenario of `stressed_solvency`.

    Examples
    --------
    >>> sheet = BalanceSheet.from_frame(pd.DataFrame({
    ...     "entity": "Venue", "side": ["asset", "asset", "liability"], "asset": ["BTC", "VEN", "BTC"],
    ...     "quantity": [9.0, 1e6, 10.0], "price": [80_000.0, 0.2, 80_000.0],
    ...     "own_token": [False, True, False], "liquid": [True, False, True]}))
    >>> own_token_sensitivity(sheet)
    <OwnTokenSensitivity: own tokens are 21.7 % of the assets, surplus is zero at a haircut of 60.0 %>
    """
    steps = np.linspace(0.0, 1.0, _STEPS) if haircuts is None else np.asarray(haircuts, dtype=np.float64)
    if steps.ndim != 1 or not len(steps) or not (np.diff(steps) > 0.0).all():
        raise ArgumentError("haircuts", "must rise", repr(haircuts), "sort them and drop repeated ones")
    for step in steps:
        check_fraction(float(step), argument="haircuts")
    sums = sheet.values()
    by_entity = pd.DataFrame({name: getattr(sums, name).sum(axis=1) for name in ("owned", "own_tokens", "owed")})
    table = by_entity.set_axis(sums.entities)
    table.loc[ALL] = table.sum()
    owned, own, owed = (float(table.loc[ALL, name]) for name in ("owned", "own_tokens", "owed"))
    assets = owned + (1.0 - steps) * own
    curve = {"assets": assets, "surplus": assets - owed, "solvency_ratio": ratio(assets, owed)}
    return OwnTokenSensitivity(
        curve=freeze(pd.DataFrame(curve, index=pd.Index(steps, name="haircut"))),
        break_even=freeze(_break_even(table)),
        as_of=sheet.as_of,
        provenance=sheet.provenance,
    )


def _break_even(table: pd.DataFrame) -> pd.DataFrame:
    full = table["owned"] + table["own_tokens"]
    at_full, without = full - table["owed"], table["owned"] - table["owed"]
    status = np.select([at_full < 0.0, without >= 0.0], ["insolvent at full value", "solvent without own tokens"],
                       "break-even")  # fmt: skip
    found = status == "break-even"
    share = np.divide(table["own_tokens"], full, out=np.zeros(len(table)), where=full > 0.0)
    haircut = np.divide(at_full, table["own_tokens"], out=np.full(len(table), np.nan), where=found)
    columns = {"own_token_share": share, "haircut": haircut, "status": pd.array(status, dtype="str")}
    return pd.DataFrame(columns, index=table.index)
