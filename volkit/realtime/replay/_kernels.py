"""An account of one unit along prices and margin rates, bar by bar."""

from numba import njit

__all__ = ["run_account"]


@njit(cache=True, error_model="numpy", nogil=True)
def run_account(prices, rates, sign, maintenance, equity, calls):
    """Fill equity before each call and the calls; prices are relative to the entry, which is the first of them.

    A call comes when equity falls below `maintenance` of the margin due, brings it back to the margin, and is paid
    before the next bar.
    """
    cash = rates[0]
    for i in range(len(prices)):
        due = rates[i] * prices[i]
        now = cash + sign * (prices[i] - 1.0)
        equity[i], calls[i] = now, 0.0
        if now < maintenance * due:
            calls[i] = due - now
            cash += calls[i]
