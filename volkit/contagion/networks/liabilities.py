"""Who owes whom: a sparse table of liabilities beside what each node owns and owes outside of it.

One convention holds everywhere: a row owes a column. Tables of exposures, where a row holds a claim on a column, are
turned at the border (`LiabilityNetwork.from_matrix` with ``rows="creditors"``).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from volkit.checks import check_choice
from volkit.contagion.networks.by_node import (
    check_columns,
    few_words,
    node_amounts,
    node_names,
    read_amounts,
    read_external,
    row_words,
)
from volkit.errors import DataError
from volkit.results import Provenance, ResultDisplay

__all__ = ["LiabilityNetwork", "OwnClaims"]

Floats = npt.NDArray[np.float64]
OwnClaims = Literal["refuse", "drop", "keep"]

_OWN = ("refuse", "drop", "keep")
_COLUMNS = ("debtor", "creditor", "amount")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class LiabilityNetwork(ResultDisplay):
    """Liabilities among nodes, and what each owns and owes outside.

    Attributes
    ----------
    nodes : Index, shape (n_nodes,)
        Names, unique.
    liabilities : csr_array, shape (n_nodes, n_nodes)
        USD that the row owes the column, none negative.
    external_assets : ndarray, shape (n_nodes,)
        USD that a node owns besides its claims in the network, none negative.
    external_liabilities : ndarray, shape (n_nodes,)
        USD that a node owes outside, of the same rank as its liabilities in the network, none negative.
    obligations : ndarray, shape (n_nodes,)
        USD that a node owes in all, inside and outside.
    claims : ndarray, shape (n_nodes,)
        USD that a node is owed in the network.
    shares : csr_array, shape (n_nodes, n_nodes)
        Share of a row's payments that the column gets, decimal; what is left goes outside.
    owes_itself : bool
        Whether own debts were kept.
    note : str
        What was changed on the way in.
    as_of : Timestamp or None
        Of the amounts, UTC.
    provenance : Provenance
        Of the amounts.

    Examples
    --------
    >>> loans = pd.DataFrame({"debtor": ["A", "B"], "creditor": ["B", "C"], "amount": [4.0, 2.0]})
    >>> books = pd.DataFrame({"node": ["A", "B", "C"], "assets": [3.0, 1.0, 5.0], "liabilities": [0.0, 1.0, 2.0]})
    >>> LiabilityNetwork.from_frame(loans, books)
    <LiabilityNetwork: 3 nodes, 2 liabilities of 6 USD among them, 1 node with negative book equity>
    """

    nodes: pd.Index
    liabilities: sparse.csr_array
    external_assets: Floats
    external_liabilities: Floats
    obligations: Floats
    claims: Floats
    shares: sparse.csr_array
    owes_itself: bool = False
    note: str = ""
    as_of: pd.Timestamp | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance(()))

    @classmethod
    def from_frame(
        cls, exposures: pd.DataFrame, external: pd.DataFrame | None = None, *, own_claims: OwnClaims = "refuse",
        as_of: pd.Timestamp | None = None, provenance: Provenance | None = None,
    ) -> "LiabilityNetwork":  # fmt: skip
        """Return the network of a table of liabilities.

        Parameters
        ----------
        exposures : DataFrame
            Columns debtor, creditor and amount (USD); rows of the same pair are added.
        external : DataFrame, optional
            Columns node, assets and liabilities (USD), a row a node, which also says the order. Without it the nodes
            stand in the order of the exposures, own nothing and owe nothing outside.
        own_claims : {"refuse", "drop", "keep"}
            What becomes of amounts that a node owes itself. They wash out in clearing; in `debtrank` they feed a
            node's distress back to itself, as some published tables do.
        as_of : Timestamp, optional
            Of the amounts, UTC.
        provenance : Provenance, optional
            Of the amounts.

        Returns
        -------
        LiabilityNetwork

        Raises
        ------
        ArgumentError
            For an unknown choice.
        DataError
            For a missing column, amounts that are missing, negative or infinite, names that are missing, doubled or
            not in `external`, no node, or a node that owes itself; the rows are named.
        """
        check_columns(exposures, _COLUMNS, "exposures")
        amounts = read_amounts(exposures["amount"], "amount of exposures")
        ends = exposures[["debtor", "creditor"]]
        if ends.isna().to_numpy().any():
            rows = row_words(exposures.index[ends.isna().any(axis=1)])
            raise DataError("exposures", "must name debtor and creditor", f"none in {rows}", "fill in or drop the rows")
        if external is None:
            found_names = pd.unique(ends.to_numpy(dtype=object).ravel())
            nodes = node_names(found_names, len(found_names))
            assets = debts = np.zeros(len(nodes))
        else:
            nodes, assets, debts = read_external(external)
        found = [nodes.get_indexer(ends[side]) for side in ends]
        if (unknown := (found[0] < 0) | (found[1] < 0)).any():
            rows = row_words(exposures.index[unknown])
            who = sorted({str(n) for side, at in zip(ends, found, strict=True) for n in ends[side][at < 0]})
            got = f"{few_words(who)} in {rows}"
            raise DataError("exposures", "must name nodes of external", got, "add a row a node to external")
        matrix = sparse.coo_array((amounts, (found[0], found[1])), shape=(len(nodes), len(nodes)))
        return cls._made(matrix, nodes, assets, debts, own_claims, as_of, provenance)

    @classmethod
    def from_matrix(
        cls, matrix: Any, *, external_assets: Any = None, external_liabilities: Any = None,
        nodes: Sequence[Hashable] | pd.Index | None = None, rows: Literal["debtors", "creditors"] = "debtors",
        own_claims: OwnClaims = "refuse", as_of: pd.Timestamp | None = None, provenance: Provenance | None = None,
    ) -> "LiabilityNetwork":  # fmt: skip
        """Return the network of a square table.

        Parameters
        ----------
        matrix : array-like, DataFrame or sparse array, shape (n_nodes, n_nodes)
            USD.
        external_assets, external_liabilities : array-like or Series, shape (n_nodes,), optional
            USD; nothing by default. A Series is read by node.
        nodes : sequence, optional
            Names; those of the frame, or 0, 1, ... by default.
        rows : {"debtors", "creditors"}
            Whether a row owes the columns, or holds claims on them.
        own_claims : {"refuse", "drop", "keep"}
            What becomes of the diagonal; see `from_frame`.
        as_of : Timestamp, optional
            Of the amounts, UTC.
        provenance : Provenance, optional
            Of the amounts.

        Returns
        -------
        LiabilityNetwork

        Raises
        ------
        ArgumentError
            For an unknown choice.
        DataError
            For a table that is not square or names its rows and columns differently, amounts that are missing,
            negative or infinite, or a node that owes itself.

        Examples
        --------
        >>> network = LiabilityNetwork.from_matrix([[0.0, 4.0], [1.0, 0.0]], external_assets=[2.0, 3.0])
        >>> network.equity.tolist()
        [-1.0, 6.0]
        """
        check_choice(rows, argument="rows", choices=("debtors", "creditors"))
        if isinstance(matrix, pd.DataFrame):
            if not matrix.index.equals(matrix.columns):
                got, remedy = "names that differ", "reindex the columns like the rows"
                raise DataError("matrix", "must name its rows and columns alike", got, remedy)
            nodes = matrix.index if nodes is None else nodes
        dense = matrix if sparse.issparse(matrix) else np.asarray(matrix, dtype=np.float64)
        if dense.ndim != 2 or dense.shape[0] != dense.shape[1]:
            raise DataError(
                "matrix", "must be square", f"shape {dense.shape}", "pass a row and a column for every node"
            )
        table = sparse.coo_array(dense.T if rows == "creditors" else dense)
        names = node_names(pd.RangeIndex(table.shape[0]) if nodes is None else nodes, table.shape[0])
        assets = node_amounts(external_assets, names, "external_assets")
        debts = node_amounts(external_liabilities, names, "external_liabilities")
        return cls._made(table, names, assets, debts, own_claims, as_of, provenance)

    @classmethod
    def _made(
        cls, matrix: sparse.coo_array, nodes: pd.Index, assets: Floats, debts: Floats, own_claims: str,
        as_of: pd.Timestamp | None, provenance: Provenance | None,
    ) -> "LiabilityNetwork":  # fmt: skip
        check_choice(own_claims, argument="own_claims", choices=_OWN)
        debtors, creditors = matrix.coords
        if (bad := ~np.isfinite(matrix.data) | (matrix.data < 0.0)).any():
            pairs = [f"{nodes[i]} to {nodes[j]}" for i, j in zip(debtors[bad], creditors[bad], strict=True)]
            got = f"{matrix.data[bad][0]:g} from {few_words(pairs)}"
            remedy = "enter a negative liability as the other side's debt; repair or drop what is missing"
            raise DataError("liabilities", "must be finite and at least 0 USD", got, remedy)
        own, note = (debtors == creditors) & (matrix.data > 0.0), ""
        if own.any():
            who = few_words(
                [f"{nodes[i]} ({amount:g})" for i, amount in zip(debtors[own], matrix.data[own], strict=True)]
            )
            if own_claims == "refuse":
                remedy = 'net it out with own_claims="drop", or keep it with own_claims="keep"'
                raise DataError("liabilities", "must be owed to another node", f"own debts of {who}", remedy)
            note = f"own debts {'dropped' if own_claims == 'drop' else 'kept'}: {who}"
        kept = matrix.data > 0.0
        if own_claims == "drop":
            kept &= debtors != creditors
        coords = (debtors[kept], creditors[kept])
        table = sparse.csr_array(sparse.coo_array((matrix.data[kept], coords), shape=matrix.shape))
        table.sum_duplicates()
        assets, debts = np.array(assets), np.array(debts)
        inside: Floats = np.asarray(table.sum(axis=1))
        obligations, claims = inside + debts, np.asarray(table.sum(axis=0))
        per_unit = np.divide(1.0, obligations, out=np.zeros_like(obligations), where=obligations > 0.0)
        given = table.data * np.repeat(per_unit, np.diff(table.indptr))
        shares = sparse.csr_array((given, table.indices, table.indptr), shape=table.shape)
        for part in (*_parts(table), *_parts(shares), assets, debts, obligations, claims):
            part.flags.writeable = False
        return cls(
            nodes=nodes, liabilities=table, external_assets=assets, external_liabilities=debts,
            obligations=obligations, claims=claims, shares=shares, owes_itself=own_claims == "keep" and bool(own.any()),
            note=note, as_of=as_of, provenance=provenance or Provenance(()),
        )  # fmt: skip

    def with_external_assets(self, external_assets: Any) -> "LiabilityNetwork":
        """Return the same liabilities with other external assets, USD by node.

        Raises
        ------
        DataError
            For assets that are missing, negative or infinite, or of other nodes.
        """
        assets = node_amounts(external_assets, self.nodes, "external_assets")
        assets.flags.writeable = False
        return replace(self, external_assets=assets)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def equity(self) -> Floats:
        """Book equity with every claim at par, USD, shape (n_nodes,)."""
        return self.external_assets + self.claims - self.obligations

    @property
    def headline(self) -> str:
        """Nodes, liabilities and negative equity in one line."""
        n, short = self.n_nodes, int((self.equity < 0.0).sum())
        return (
            f"{n:,} nodes, {self.liabilities.nnz:,} liabilities of {self.liabilities.sum():,.6g} USD among them, "
            f"{short or 'no'} node{'' if short == 1 else 's'} with negative book equity"
        )

    def summary(self) -> pd.DataFrame:
        """Return a row a node: what it owns and owes inside and outside, and its book equity, USD."""
        columns = {
            "external assets (USD)": self.external_assets,
            "claims (USD)": self.claims,
            "liabilities inside (USD)": self.liabilities.sum(axis=1),
            "external liabilities (USD)": self.external_liabilities,
            "book equity (USD)": self.equity,
        }
        return pd.DataFrame(columns, index=self.nodes)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a liability: debtor, creditor, amount (USD)."""
        table = self.liabilities.tocoo()
        ends = [self.nodes[at] for at in table.coords]
        return pd.DataFrame({"debtor": ends[0], "creditor": ends[1], "amount": table.data})


def _parts(table: sparse.csr_array) -> tuple[Any, Any, Any]:
    return table.data, table.indices, table.indptr
