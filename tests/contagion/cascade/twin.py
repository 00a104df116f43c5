"""The cascade as plain masks over all accounts: slow, and made without ladder, sums or searches."""

import numpy as np

from volkit.contagion.cascade import LeveragedAccounts, LiquidationLadder, Venue
from volkit.kernels import load_kernels

__all__ = ["mask_path", "mask_paths"]

TOTALS = (
    "end_price", "low_price", "high_price", "rounds", "most_rounds", "halted_steps", "long_accounts", "short_accounts",
    "long_quantity", "short_quantity", "long_notional", "short_notional", "bankrupt_accounts", "bad_debt", "skin_paid",
    "fund_paid", "deleveraged", "socialised", "fund_income", "returned", "fund_end", "fund_low", "overdue_accounts",
    "open_deficit",
)  # fmt: skip


def mask_path(accounts: LeveragedAccounts | LiquidationLadder, venue: Venue, returns: np.ndarray) -> dict[str, float]:
    """Return the totals of one path of exogenous log returns."""
    q, L, B, E = book_columns(accounts)
    kernels = load_kernels("volkit.impact._kernels")
    code, law = venue.impact.kernel_form()

    def moved(x: float) -> float:
        return float(kernels.log_displacement(code, law, x))

    is_open = np.ones(len(q), dtype=bool)
    out = dict.fromkeys(TOTALS, 0.0)
    reference, x, depth, variance = np.log(venue.price), 0.0, 1.0, (venue.volatility or 0.0) ** 2
    fund, skin, given = venue.fund, venue.skin_in_the_game, 0.0
    price = before = venue.price
    shown, halted_to = [venue.price], -1
    # What falls are measured from: step and price, since trade last opened. Forgotten as soon as it is halted.
    marks = [(-1, venue.price)]
    out["fund_low"] = fund
    for t, move in enumerate(returns):
        if venue.kept < 1.0 and x != 0.0:
            reference += venue.permanent_share * (moved(x) - moved(venue.kept * x))
            x *= venue.kept
        reference += move
        if not (venue.halt and venue.halt.during == "frozen" and t <= halted_to):
            price = np.exp(reference + moved(x))
        shown.append(price)
        if not marks and t > halted_to:
            marks.append((t - 1, price))
        if venue.volatility:
            a = venue.volatility_memory
            variance = a * variance + (1.0 - a) * np.log(price / before) ** 2
            before = price
            depth = max(np.exp(-venue.evaporation * (np.sqrt(variance) / venue.volatility - 1.0)), venue.least_depth)
        n_rounds = 0
        waiting = {"long": False, "short": False}
        while True:
            crossed = [is_open & (q > 0.0) & (price <= L), is_open & (q < 0.0) & (price >= L)]
            crossed = [batch & (not wait) for batch, wait in zip(crossed, waiting.values(), strict=True)]
            if venue.halt and t > halted_to:
                peak = max(p for u, p in marks if u >= t - venue.halt.within)
                if price <= (1.0 - venue.halt.drop) * peak * (1.0 + 1e-12):
                    halted_to, marks = t + venue.halt.length, []
            if t <= halted_to or not (crossed[0].any() or crossed[1].any()) or n_rounds >= venue.max_rounds:
                break
            n_rounds += 1
            traded = False
            for side, batch in zip(("long", "short"), crossed, strict=True):
                if not batch.any():
                    continue
                coins = q[batch].sum()
                scale, end = np.exp(reference), x + coins / depth
                fill = scale * kernels.mean_fill(code, law, x, end)
                after = scale * np.exp(moved(end))
                if not (np.isfinite(fill) and np.isfinite(after) and after > 0.0):
                    waiting[side] = True
                    continue
                waiting["short" if side == "long" else "long"], traded = False, True
                x, price = end, after
                is_open &= ~batch
                equity = q[batch] * (fill - B[batch])
                bad, left = -equity[equity < 0.0].sum(), np.maximum(equity, 0.0)
                income = left.sum()
                if venue.leftover == "returned":
                    income = np.minimum(left, venue.liquidation_fee * np.abs(q[batch]) * fill).sum()
                paid = min(bad, skin)
                skin -= paid
                fund += income
                drawn = min(bad - paid, fund)
                fund -= drawn
                rest = bad - paid - drawn
                profit = np.maximum(q * (price - E), 0.0)[is_open].sum()
                taken = min(rest, max(profit - given, 0.0)) if venue.auto_deleverage else 0.0
                given += taken
                for name, value in {
                    f"{side}_accounts": batch.sum(), f"{side}_quantity": abs(coins),
                    f"{side}_notional": abs(coins) * fill, "bankrupt_accounts": (equity < 0.0).sum(), "bad_debt": bad,
                    "skin_paid": paid, "fund_paid": drawn, "deleveraged": taken, "socialised": rest - taken,
                    "fund_income": income, "returned": left.sum() - income,
                }.items():  # fmt: skip
                    out[name] += value
                out["fund_low"] = min(out["fund_low"], fund)
                shown.append(price)
            n_rounds -= not traded
        if t > halted_to:
            marks.append((t, price))
        out["rounds"] += n_rounds
        out["most_rounds"] = max(out["most_rounds"], n_rounds)
        out["halted_steps"] += t <= halted_to
    out["end_price"], out["low_price"], out["high_price"], out["fund_end"] = price, min(shown), max(shown), fund
    late = is_open & np.where(q > 0.0, price <= L, price >= L)
    out["overdue_accounts"], out["open_deficit"] = late.sum(), np.maximum(q * (B - price), 0.0)[late].sum()
    return out


def mask_paths(accounts: LeveragedAccounts, venue: Venue, values: np.ndarray) -> list[dict[str, float]]:
    """Return the totals of each path of prices over the start."""
    returns = np.diff(np.log(values), axis=1, prepend=0.0)
    return [mask_path(accounts, venue, row) for row in returns]


def book_columns(accounts: LeveragedAccounts | LiquidationLadder) -> list[np.ndarray]:
    """Return quantity, liquidation, bankruptcy and entry price."""
    if isinstance(accounts, LeveragedAccounts):
        return [accounts.quantity, accounts.liquidation_price, accounts.bankruptcy_price, accounts.entry_price]
    table = accounts.to_frame()
    return [table[c].to_numpy() for c in ("quantity", "liquidation_price", "bankruptcy_price", "entry_price")]
