"""The network of maximum entropy: a product of shares of rows and columns, found by rescaling or solved for."""

import numpy as np
import numpy.typing as npt
from scipy import optimize

from volkit.contagion.networks.marginals import Marginals, miss
from volkit.errors import ConvergenceError

__all__ = ["maximum_entropy"]

Floats = npt.NDArray[np.float64]

# Largest distance of a row or column from its total, as a share of the sum of all.
_MET = 1e-14
# Passes before the shares are solved for, and to take what rounding left off after that.
_MOST_PASSES = 1_000
# What rounding may leave then.
_NEAR = 1e-12
# The sum of the rows' shares that is looked for ends this far above the least.
_FAR = 1e18


def maximum_entropy(marginals: Marginals) -> tuple[Floats, int]:
    """Return the network of maximum entropy and the passes that it took.

    Raises
    ------
    ConvergenceError
        When rows and columns do not settle at their totals.
    """
    owed, owes = marginals.assets, marginals.liabilities
    hub = marginals.hub
    if hub is not None:
        # All claims have this node on one side: one network is left, and rescaling would creep towards it.
        amounts = np.zeros((len(owed), len(owed)))
        amounts[hub], amounts[:, hub] = owed, owes
        amounts[hub, hub] = 0.0
        return amounts, 0
    amounts, passes = _rescaled(marginals, (owed > 0.0).astype(np.float64))
    if miss(amounts, marginals) <= _MET * len(owed):
        return amounts, passes
    # Near a hub rescaling creeps: the shares are solved for instead.
    solved = _solved_columns(marginals)
    if solved is not None:
        amounts, more = _rescaled(marginals, solved)
        passes += more
        if miss(amounts, marginals) <= _NEAR:
            return amounts, passes
    k = int(np.argmax(owed + owes))
    told = f"{marginals.nodes[k]} has a side of {(owed[k] + owes[k]) / marginals.total:.9g} of all claims"
    raise ConvergenceError(
        f"rows and columns are not at their totals after {passes:,} passes: {told}; give it exactly one side of all of "
        f'them (a hub), or pass method="minimum_density"'
    )


def _rescaled(marginals: Marginals, c: Floats) -> tuple[Floats, int]:
    """Rescale rows and columns in turn, from shares of columns; return the network and the passes."""
    owed, owes = marginals.assets, marginals.liabilities
    r, done = np.zeros_like(owes), 0
    while done < _MOST_PASSES:
        done += 1
        r = np.divide(owes, _of_others(c), out=np.zeros_like(r), where=owes > 0.0)
        c = np.divide(owed, _of_others(r), out=np.zeros_like(c), where=owed > 0.0)
        if np.abs(r * _of_others(c) - owes).max() <= _MET * marginals.total:
            break
    amounts = np.outer(r, c)
    np.fill_diagonal(amounts, 0.0)
    return amounts, done


def _of_others(values: Floats) -> Floats:
    """Return the sum of all others for each: the whole sum less its own, but where that would cancel."""
    k = int(values.argmax())
    rest: Floats = values.sum() - values
    rest[k] = values[:k].sum() + values[k + 1 :].sum()
    return rest


def _solved_columns(marginals: Marginals) -> Floats | None:
    """Return shares of columns that add up to 1, by one equation in the sum R of those of rows.

    With r_i (1 - c_i) = l_i and c_i (R - r_i) = a_i (totals over the sum of all), c_i is a root of R c^2 - (R - l_i +
    a_i) c + a_i = 0. All take the smaller one, but for the node with the largest sqrt(l) + sqrt(a) where the smaller
    ones add up to less than 1 for every R.
    """
    a, o = marginals.assets / marginals.total, marginals.liabilities / marginals.total
    largest = int(np.argmax(np.sqrt(a) + np.sqrt(o)))
    least = float((np.sqrt(a[largest]) + np.sqrt(o[largest])) ** 2)

    low, high = (np.sqrt(o) - np.sqrt(a)) ** 2, (np.sqrt(o) + np.sqrt(a)) ** 2

    def columns(step: float, *, large: bool) -> tuple[Floats, float]:
        """Return the shares and by how much they are above 1, for an R so far above the least possible."""
        R = least + step
        root = np.sqrt((R - low) * (step + (least - high)))
        found: Floats = 2.0 * a / (R - o + a + root)
        if not large:
            return found, float(found.sum()) - 1.0
        k = largest
        found[k] = (R - o[k] + a[k] + root[k]) / (2.0 * R)
        # What the largest leaves to the others, without taking it from 1.
        left = 2.0 * o[k] / (R + o[k] - a[k] + root[k])
        return found, float(found[:k].sum() + found[k + 1 :].sum() - left)

    large = columns(0.0, large=False)[1] < 0.0
    sign, top = -1.0 if large else 1.0, least
    while sign * columns(top, large=large)[1] > 0.0 and top < _FAR * least:
        top *= 4.0
    if sign * columns(0.0, large=large)[1] < 0.0 or sign * columns(top, large=large)[1] > 0.0:
        return None
    # Where this does not end in time, what it has is still a start: the caller measures.
    step, _ = optimize.brentq(
        lambda x: columns(x, large=large)[1], 0.0, top, xtol=1e-300, rtol=1e-15, maxiter=1_000, full_output=True,
        disp=False,
    )  # fmt: skip
    return columns(float(step), large=large)[0]
