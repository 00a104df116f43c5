"""A small network of debts with its clearing vector in exact fractions.

Amounts are whole USD. The payments are Eisenberg and Noe's (2001), by fictitious default with Gaussian elimination on
fractions: no rounding anywhere.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

__all__ = ["clear_exactly", "draw_network"]

_UNIT = 100_000  # USD: amounts are multiples
_DEBTORS_SHARE = 0.35  # of all pairs, that carry a debt


def draw_network(rng: np.random.Generator, nodes: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return exposures (debtor, creditor, amount) and external (node, assets, liabilities), whole USD."""
    n = len(nodes)
    size = np.exp(rng.normal(0.0, 0.7, n))
    owes = rng.random((n, n)) < _DEBTORS_SHARE
    # A ring, so that every node owes somebody.
    owes[np.arange(n), (np.arange(n) + 1) % n] = True
    np.fill_diagonal(owes, False)
    units = np.where(owes, np.ceil(120.0 * np.outer(size, size) * rng.exponential(1.0, (n, n))), 0.0)
    rows, columns = np.nonzero(owes)
    exposures = pd.DataFrame(
        {
            "debtor": [nodes[int(i)] for i in rows],
            "creditor": [nodes[int(j)] for j in columns],
            "amount": (units[rows, columns] * _UNIT).astype(np.int64),
        }
    )
    outside = np.ceil(400.0 * size * rng.uniform(0.5, 1.5, n))
    # Solvent by a tenth of the balance sheet, but for three nodes that lost a part of what they held.
    assets = np.maximum(outside + units.sum(axis=1) - units.sum(axis=0), 0.0) * 1.02 + 0.12 * units.sum(axis=1)
    assets[rng.choice(n, 3, replace=False)] *= rng.uniform(0.35, 0.6, 3)
    external = pd.DataFrame(
        {
            "node": list(nodes),
            "assets": (np.ceil(assets) * _UNIT).astype(np.int64),
            "liabilities": (outside * _UNIT).astype(np.int64),
        }
    )
    return exposures, external


def clear_exactly(exposures: pd.DataFrame, external: pd.DataFrame) -> list[Fraction]:
    """Return the greatest clearing payments (USD) by node, in the order of `external`.

    Parameters
    ----------
    exposures : DataFrame
        debtor, creditor, amount (whole USD).
    external : DataFrame
        node, assets, liabilities (whole USD); liabilities outside rank with those inside.

    Examples
    --------
    >>> exposures = pd.DataFrame({"debtor": ["A", "B"], "creditor": ["B", "A"], "amount": [4, 2]})
    >>> external = pd.DataFrame({"node": ["A", "B"], "assets": [1, 1], "liabilities": [0, 3]})
    >>> clear_exactly(exposures, external)
    [Fraction(7, 3), Fraction(10, 3)]
    """
    place = {node: i for i, node in enumerate(external["node"])}
    n = len(place)
    owed = [[Fraction(0)] * n for _ in range(n)]
    for debtor, creditor, amount in exposures[["debtor", "creditor", "amount"]].itertuples(index=False):
        owed[place[debtor]][place[creditor]] += int(amount)
    assets = [Fraction(int(a)) for a in external["assets"]]
    due = [sum(row, Fraction(int(b))) for row, b in zip(owed, external["liabilities"], strict=True)]
    share = [[x / d if d else Fraction(0) for x in row] for row, d in zip(owed, due, strict=True)]
    payments, defaulted = list(due), [False] * n
    while True:
        received = [assets[j] + sum((share[i][j] * payments[i] for i in range(n)), Fraction(0)) for j in range(n)]
        short = [d or r < b for d, r, b in zip(defaulted, received, due, strict=True)]
        if short == defaulted:
            return payments
        defaulted = short
        payments = _payments_given(defaulted, assets, due, share)


def _payments_given(
    defaulted: Sequence[bool], assets: Sequence[Fraction], due: Sequence[Fraction], share: Sequence[Sequence[Fraction]]
) -> list[Fraction]:
    """Return payments when those in default pass on all they have and the others pay in full."""
    down = [i for i, d in enumerate(defaulted) if d]
    known = [
        assets[j] + sum((share[i][j] * due[i] for i, d in enumerate(defaulted) if not d), Fraction(0)) for j in down
    ]
    system = [[(Fraction(1) if i == j else Fraction(0)) - share[i][j] for i in down] for j in down]
    solved = _solve(system, known)
    payments = list(due)
    for i, value in zip(down, solved, strict=True):
        payments[i] = value
    return payments


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    n = len(rows)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n] for row in rows]
