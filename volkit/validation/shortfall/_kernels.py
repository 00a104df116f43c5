"""Compiled draws of what the exceptions of a sample add up to.

The generator is handed in, so that a plain loop with the same generator draws the same numbers.
"""

import numba as nb
import numpy as np

__all__ = ["draw_scenarios", "draw_tails", "draw_top", "draw_top_scenarios"]


@nb.njit(cache=True)
def draw_tails(rng, mean_gap, table, step, weights, counts, shares, totals):
    """Fill with counts of exceptions of each sample, and with their weights and weighted ratios, added.

    Gaps between exceptions are geometric: an exponential of mean `mean_gap` = -1 / ln(1 - p), rounded down. The
    depth of an exception is exponential too (its tail probability is p exp(-depth)), and `table` holds the ratio of
    loss to forecast at depths 0, step, 2 step ...
    """
    n = len(weights)
    last = len(table) - 2
    nodes = 1.0 / step
    # Periods without memory: what is left of a gap at the end of a sample is as good as a new one.
    ahead = rng.standard_exponential() * mean_gap
    for d in range(len(totals)):
        total = 0.0
        share = 0.0
        count = 0
        while ahead < n:
            t = int(ahead)
            place = rng.standard_exponential() * nodes
            k = min(int(place), last)
            total += weights[t] * (table[k] + (place - k) * (table[k + 1] - table[k]))
            share += weights[t]
            count += 1
            ahead = t + 1 + rng.standard_exponential() * mean_gap
        ahead -= n
        counts[d] = count
        shares[d] = share
        totals[d] = total


@nb.njit(cache=True)
def draw_scenarios(rng, scenarios, value_at_risk, margin_weights, loss_weights, inflation, counts, shares, totals):
    """Fill with counts of exceptions of each sample, and with their margin weights and weighted losses, added.

    One scenario is drawn for every period; the loss is `inflation` times it.
    """
    n, m = scenarios.shape
    for d in range(len(totals)):
        total = 0.0
        share = 0.0
        count = 0
        for t in range(n):
            loss = inflation * scenarios[t, int(rng.random() * m)]
            if loss > value_at_risk[t]:
                total += loss_weights[t] * loss
                share += margin_weights[t]
                count += 1
        counts[d] = count
        shares[d] = share
        totals[d] = total


@nb.njit(cache=True)
def draw_top(rng, n, k, table, step, out):
    """Fill with the mean of the k largest of n draws from the law whose quantile at depth -ln(tail) `table` holds.

    The smallest tail probabilities come in order: the logarithms of what is left have exponential spacings.
    """
    last = len(table) - 2
    for d in range(len(out)):
        total = 0.0
        reached = 0.0
        for i in range(k):
            reached += rng.standard_exponential() / (n - i)
            place = -np.log(-np.expm1(-reached)) / step
            j = min(int(place), last)
            total += table[j] + (place - j) * (table[j + 1] - table[j])
        out[d] = total / k


@nb.njit(cache=True)
def draw_top_scenarios(rng, scenarios, k, scale, inflation, ranks, out):
    """Fill with the mean over periods of a period's k losses at the k largest ranks, times `scale` of the period.

    Ranks are drawn among the m scenarios and the loss itself, 1 of m + 1; losses `inflation` times as large reach the
    rank at which the scenarios have them.
    """
    n, m = scenarios.shape
    for d in range(len(out)):
        for t in range(n):
            loss = inflation * scenarios[t, min(int(rng.random() * (m + 1)), m - 1)]
            low, high = 0, m
            while low < high:
                middle = (low + high) // 2
                if scenarios[t, middle] > loss:
                    low = middle + 1
                else:
                    high = middle
            ranks[t] = low
        ranks.sort()
        total = 0.0
        for t in range(n):
            inner = 0.0
            for i in range(k):
                inner += scenarios[t, min(ranks[i], m - 1)]
            total += scale[t] * inner / k
        out[d] = total / n
