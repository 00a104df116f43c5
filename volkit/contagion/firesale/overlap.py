"""Liquidity-weighted overlaps of portfolios, and the index of endogenous risk that their largest eigenvector gives."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from volkit.contagion.firesale.book import ProtocolBook, named_numbers
from volkit.formatting import percent_to
from volkit.results import Provenance, ResultDisplay, freeze

__all__ = ["PortfolioOverlaps", "portfolio_overlaps"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class PortfolioOverlaps(ResultDisplay):
    """Who can hurt whom by selling.

    Attributes
    ----------
    overlaps : DataFrame, shape (n_protocols, n_protocols)
        USD: to first order, what the row loses (and, the matrix being symmetric, the column) when the other sells all.
    eigenvalues : Series, shape (n_protocols,)
        USD, the largest first.
    risk_index : Series, shape (n_protocols,)
        Entries of the largest eigenvector, not negative, of length one: the indirect contagion index.
    equity : Series, shape (n_protocols,)
        USD.
    provenance : Provenance
        Series behind it.
    """

    overlaps: pd.DataFrame
    eigenvalues: pd.Series
    risk_index: pd.Series
    equity: pd.Series
    provenance: Provenance

    @property
    def largest_eigenvalue(self) -> float:
        """USD lost by all, to first order, when each sells in proportion to its entry of the eigenvector."""
        return float(self.eigenvalues.iloc[0])

    @property
    def concentration(self) -> float:
        """Largest eigenvalue over the sum of all, decimal: near one, a single pattern of sales matters."""
        total = float(self.eigenvalues.sum())
        return self.largest_eigenvalue / total if total > 0.0 else 0.0

    @property
    def as_of(self) -> None:
        """None: the model has no clock."""
        return None

    @property
    def headline(self) -> str:
        """Most exposed protocol, its index and the share of the first pattern in one line."""
        top = self.risk_index.idxmax()
        return (
            f"{len(self.risk_index)} protocols, most exposed {top} (index {self.risk_index.max():.3f}), first pattern "
            f"{percent_to(self.concentration)} of all overlap"
        )

    def summary(self) -> pd.DataFrame:
        """Return index (no unit), own and others' overlap (USD) and overlap over equity by protocol."""
        values = self.overlaps.to_numpy()
        own = np.diag(values)
        parts = {
            "risk index": self.risk_index,
            "own sales (USD)": pd.Series(own, index=self.overlaps.index),
            "sales of others (USD)": pd.Series(values.sum(axis=1) - own, index=self.overlaps.index),
            "sales of others over equity": pd.Series(values.sum(axis=1) - own, index=self.overlaps.index) / self.equity,
        }
        return pd.DataFrame(parts).sort_values("risk index", ascending=False, kind="stable")

    def to_frame(self) -> pd.DataFrame:
        """Return tidy rows: protocol, other, overlap (USD)."""
        named = self.overlaps.rename_axis(index="protocol", columns="other")
        return named.stack().rename("overlap").reset_index()


def portfolio_overlaps(book: ProtocolBook, *, depth: Mapping[str, float] | pd.Series) -> PortfolioOverlaps:
    """Return the liquidity-weighted overlaps of a book.

    Parameters
    ----------
    book : ProtocolBook
        Holdings and debt.
    depth : Series or mapping
        By asset: USD whose sale would move the price by all of itself at the first dollar's rate, positive.

    Returns
    -------
    PortfolioOverlaps
        USD.

    Raises
    ------
    DataError
        For a depth that is missing, zero or negative.

    Notes
    -----
    Omega_ij = sum_k h_ik h_jk / D_k. When protocol j sells the fraction g_j of its portfolio under linear impact, all
    lose Omega g to first order, whence the largest eigenvector as an index of how much each takes part in losses that
    feed on themselves [1]_.

    References
    ----------
    .. [1] Cont and Schaanning (2019), Monitoring indirect contagion, Journal of Banking & Finance 104, 85-102.

    Examples
    --------
    >>> held = pd.DataFrame([[100.0, 0.0], [50.0, 50.0]], index=["X", "Y"], columns=["BTC", "ETH"])
    >>> book = ProtocolBook(holdings=held, debt=pd.Series({"X": 50.0, "Y": 20.0}))
    >>> portfolio_overlaps(book, depth={"BTC": 1_000.0, "ETH": 500.0}).overlaps.to_numpy().tolist()
    [[10.0, 5.0], [5.0, 7.5]]
    """
    D = named_numbers(depth, book.holdings.columns, argument="depth", unit="USD", positive=True)
    h = book.holdings.to_numpy()
    omega = (h / D.to_numpy()) @ h.T
    omega = 0.5 * (omega + omega.T)
    values, vectors = np.linalg.eigh(omega)
    # Of a matrix without negative entries; its sign is free, and rounding may leave -1e-17.
    first = np.abs(vectors[:, -1])
    names = book.holdings.index
    return PortfolioOverlaps(
        overlaps=freeze(pd.DataFrame(omega, index=names, columns=names)),
        eigenvalues=freeze(pd.Series(np.maximum(values[::-1], 0.0), name="eigenvalue")),
        risk_index=freeze(pd.Series(first, index=names, name="risk_index")),
        equity=book.equity,
        provenance=book.provenance,
    )
