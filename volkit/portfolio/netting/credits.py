"""Offsets between assets from measured dependence: a credit a pair where the correlation is significant and reliable.

Verdicts of the correlation stage and signed margins enter; an `OffsetCredits` leaves.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from volkit.checks import check_floats, check_fraction, check_table, real_number
from volkit.correlation.bounds import OffsetVerdicts
from volkit.correlation.bounds.netting import MOST_REDUCTION
from volkit.correlation.bounds.verdicts import ADMITTED
from volkit.errors import DataError
from volkit.formatting import percent_to
from volkit.margin.horizon import concentration_factor
from volkit.portfolio.netting.inputs import Floats
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["OffsetCredits", "offset_credits"]

_COLUMNS = ("first", "second", "verdict", "offset")
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class OffsetCredits(ResultDisplay):
    """Margin of a book across assets, with the credit that each pair earns.

    Attributes
    ----------
    table : DataFrame, shape (n_pairs, 8)
        `first`, `second`; `is_hedge` whether the two margins offset each other under the admitted correlation;
        `verdict`; `correlation` used, of the two losses (no unit): minus the admitted bound for an admitted hedge, 1
        for every other pair; `pair_margin`, of the two alone under it, money; `credit`, share of their sum that it
        removes, fraction; `reasons` in words.
    margins : DataFrame, shape (n_assets, 3)
        By name: `margin` as given (signed), `concentration` factor (at least 1), `weighted`, their product, money.
    gross : float
        Sum of the absolute weighted margins, money.
    uncapped : float
        sqrt(sum of m_i m_j rho_ij), money.
    margin : float
        To charge: `uncapped`, or what the cap leaves of the gross, if more; money.
    cap : float
        Largest share of the gross that may be credited.
    as_of : Timestamp or None
        Last time (UTC) behind the verdicts, where known.
    provenance : Provenance
        Series behind it.
    """

    table: pd.DataFrame
    margins: pd.DataFrame
    gross: float
    uncapped: float
    margin: float
    cap: float
    as_of: pd.Timestamp | None
    provenance: Provenance

    @property
    def is_capped(self) -> bool:
        """Whether the cap and not the correlations sets the margin."""
        return self.margin > self.uncapped

    @property
    def headline(self) -> str:
        """Margin, gross, credit and pairs in one line."""
        earning = int((self.table["credit"] > 0.0).sum())
        capped = f", capped at {percent_to(self.cap, 0)}" if self.is_capped else ""
        credit = 1.0 - self.margin / self.gross
        return (
            f"margin {self.margin:,.6g} of {self.gross:,.6g} gross, credit {percent_to(credit)}{capped}; "
            f"{earning} of {len(self.table)} pairs earn one"
        )

    def summary(self) -> pd.DataFrame:
        """Return one row a pair, units in the labels."""
        units = {"pair_margin": "margin of the two (money)", "credit": "credit (share of their sum)",
                 "correlation": "correlation of losses used", "is_hedge": "hedge"}  # fmt: skip
        shown = self.table.rename(columns=units).drop(columns=["first", "second"])
        pairs = [f"{a} and {b}" for a, b in zip(self.table["first"], self.table["second"], strict=True)]
        return shown.set_axis(pd.Index(pairs, name="pair"), axis=0)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, one row a pair."""
        return self.table.copy()


def offset_credits(
    verdicts: OffsetVerdicts | pd.DataFrame,
    margins: pd.Series | Mapping[Hashable, float],
    *,
    cap: float = MOST_REDUCTION,
    thresholds: pd.Series | Mapping[Hashable, float] | None = None,
) -> OffsetCredits:
    """Return the margin across assets with credits only where dependence is significant and reliable.

    Parameters
    ----------
    verdicts : OffsetVerdicts or DataFrame
        From `volkit.correlation.bounds.offset_verdicts`, or a table with `first`, `second`, `verdict` and `offset` (the
        admissible correlation of the returns). A pair that is not in it earns nothing.
    margins : Series or mapping, shape (n_assets,)
        Net margin of each asset in money with the sign of its exposure: positive long, negative short.
    cap : float
        Largest share of the gross margin that may be credited, fraction.
    thresholds : Series or mapping, optional
        By name, money: a margin beyond it counts sqrt(margin / threshold) times (`concentration_factor`); no
        concentration by default, and for names that are not in it.

    Returns
    -------
    OffsetCredits
        One row a pair of `margins`.

    Raises
    ------
    ArgumentError
        For a cap outside 0 to 1 or a threshold that is not positive.
    DataError
        For margins that are not finite, all zero or named twice; a table without its columns, with a pair twice, an
        offset beyond -1 to 1, or offsets of admitted pairs that are no correlation matrix together.

    Notes
    -----
    SIMM-style: margin = sqrt(sum_ij m_i m_j rho_ij), m the absolute weighted margins. For an admitted pair whose
    exposures offset each other, rho_ij = -abs(offset), the bound nearer to zero. Every other pair has rho_ij = 1: no
    credit, also none for diversification, since a low correlation that is not shown may be a high one. With thresholds
    an admitted pair's correlation is also scaled by min(c_i, c_j) / max(c_i, c_j) of the concentration factors.
    The cap is that of Article 27(4) of Commission Delegated Regulation (EU) No 153/2013 by default.

    Examples
    --------
    >>> table = pd.DataFrame([("BTC", "ETH", "significant and reliable", 0.7), ("BTC", "SPX", "refused", 0.0)],
    ...                      columns=["first", "second", "verdict", "offset"])
    >>> found = offset_credits(table, {"BTC": 100.0, "ETH": -80.0, "SPX": -50.0})
    >>> found.table[["correlation", "credit"]].round(3).to_numpy().tolist()
    [[-0.7, 0.599], [1.0, 0.0], [1.0, 0.0]]
    >>> found
    <OffsetCredits: margin 160.312 of 230 gross, credit 30.3 %; 1 of 3 pairs earn one>
    """
    share = check_fraction(cap, argument="cap")
    m = _check_margins(margins)
    factors = _concentration(m, thresholds)
    weighted = m * factors
    names, size = m.index, weighted.abs().to_numpy()
    admitted, words = _admitted(verdicts, names)
    sides = np.sign(m.to_numpy())
    hedge = admitted * np.outer(sides, sides) < 0.0
    scale = np.minimum.outer(factors.to_numpy(), factors.to_numpy())
    scale = scale / np.maximum.outer(factors.to_numpy(), factors.to_numpy())
    used = np.where(hedge, -np.abs(admitted) * scale, 1.0)
    gross = float(size.sum())
    uncapped = float(np.sqrt(max(size @ used @ size, 0.0)))
    with_time = isinstance(verdicts, OffsetVerdicts)
    return OffsetCredits(
        table=freeze(_pairs(names, size, used, hedge, words)),
        margins=freeze(pd.DataFrame({"margin": m, "concentration": factors, "weighted": weighted})),
        gross=gross,
        uncapped=uncapped,
        margin=max(uncapped, (1.0 - share) * gross),
        cap=share,
        as_of=verdicts.as_of if with_time else None,
        provenance=verdicts.provenance if with_time else Provenance(()),
    )


def _check_margins(margins: pd.Series | Mapping[Hashable, float]) -> pd.Series:
    m = margins if isinstance(margins, pd.Series) else pd.Series(dict(margins), dtype=object)
    m = pd.Series(check_floats(m, argument="margins"), index=m.index, name=m.name)
    if m.index.has_duplicates:
        twice = ", ".join(map(str, m.index[m.index.duplicated()].unique()))
        raise DataError("margins", "must name every asset once", f"{twice} more than once", "net them by asset first")
    values = m.to_numpy(dtype=np.float64, na_value=np.nan)
    if not len(m) or not np.isfinite(values).all() or not values.any():
        bad = [str(name) for name in m.index[~np.isfinite(values)]]
        got = f"none for {', '.join(bad)}" if bad else "only zeros, or no asset"
        raise DataError("margins", "must be finite with at least one above zero", got, "leave out what has no margin")
    return pd.Series(values, index=m.index, name="margin")


def _concentration(m: pd.Series, thresholds: pd.Series | Mapping[Hashable, float] | None) -> pd.Series:
    limits = dict(thresholds) if thresholds is not None else {}
    unknown = [str(name) for name in limits if name not in m.index]
    if unknown:
        known = ", ".join(map(str, m.index))
        raise DataError("thresholds", "must be of assets with a margin", ", ".join(unknown), f"choose from {known}")
    found = [concentration_factor(m[name], threshold=limits[name]) if name in limits else 1.0 for name in m.index]
    return pd.Series(found, index=m.index)


def _admitted(
    verdicts: OffsetVerdicts | pd.DataFrame, names: pd.Index
) -> tuple[Floats, dict[frozenset[Hashable], tuple[str, str]]]:
    """Return the admitted correlation of each pair of names, 0 without, and verdict and reasons by pair."""
    table = verdicts.table if isinstance(verdicts, OffsetVerdicts) else check_table(verdicts, argument="verdicts")
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        got, remedy = f"no {', '.join(missing)}", "pass offset_verdicts(...) or its table"
        raise DataError("verdicts", f"must have the columns {', '.join(_COLUMNS)}", got, remedy)
    keys = [frozenset(pair) for pair in zip(table["first"], table["second"], strict=True)]
    twice = [i for i, key in enumerate(keys) if key in keys[:i] or len(key) < 2]
    if twice:
        row = table.iloc[twice[0]]
        got = f"{row['first']} and {row['second']} in row {table.index[twice[0]]}"
        raise DataError("verdicts", "must have each pair of two assets once", got, "keep one row a pair")
    words, place = {}, {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for key, row in zip(keys, table.to_dict("records"), strict=True):
        offset = real_number(row["offset"], argument="offset")
        if not -1.0 <= offset <= 1.0:
            got = f"{row['offset']!r} for {row['first']} and {row['second']}"
            raise DataError("verdicts", "must have offsets from -1 to 1", got, "pass the admissible correlation")
        words[key] = (str(row["verdict"]), str(row.get("reasons", "")))
        if row["verdict"] == ADMITTED and row["first"] in place and row["second"] in place:
            i, j = place[row["first"]], place[row["second"]]
            # The verdicts' matrix shrinks offsets that do not fit together; a table is checked instead.
            fits = verdicts.offsets.loc[row["first"], row["second"]] if isinstance(verdicts, OffsetVerdicts) else offset
            matrix[i, j] = matrix[j, i] = fits
    smallest = float(np.linalg.eigvalsh(matrix + np.eye(len(names)))[0])
    if smallest < -_ROUNDING:
        got, remedy = f"a smallest eigenvalue of {smallest:.3g}", "pass offset_verdicts(...), which makes them fit"
        raise DataError("verdicts", "must have offsets that are a correlation matrix together", got, remedy)
    return matrix, words


def _pairs(
    names: pd.Index,
    size: Floats,
    used: Floats,
    hedge: npt.NDArray[np.bool_],
    words: Mapping[frozenset[Hashable], tuple[str, str]],
) -> pd.DataFrame:
    rows = []
    for i, j in zip(*np.triu_indices(len(names), k=1), strict=True):
        verdict, reasons = words.get(frozenset((names[i], names[j])), ("not judged", "no row in the verdicts"))
        alone = size[i] + size[j]
        pair = float(np.sqrt(max(size[i] ** 2 + size[j] ** 2 + 2.0 * used[i, j] * size[i] * size[j], 0.0)))
        credit = 1.0 - pair / alone if hedge[i, j] and alone > 0.0 else 0.0
        if verdict == ADMITTED and not hedge[i, j]:
            reasons = "admitted, but the exposures do not offset each other"
        rows.append((names[i], names[j], bool(hedge[i, j]), verdict, used[i, j], pair, credit, reasons))
    columns = ["first", "second", "is_hedge", "verdict", "correlation", "pair_margin", "credit", "reasons"]
    return pd.DataFrame(rows, columns=columns)
