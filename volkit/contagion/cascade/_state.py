"""Places of numbers in the arrays that the kernels read and fill, and names of their columns."""

__all__ = ["MARKET_SIZE", "ROUND_COLUMNS", "SERIES", "STATUSES", "TOTAL_COLUMNS"]

# Settings, as `Venue.numbers` gives them.
(
    PRICE, KEPT, PERMANENT, EVAPORATION, VOLATILITY, MEMORY, LEAST_DEPTH, FUND, SKIN, FEE, TO_FUND, ADL, MAX_ROUNDS,
    HALT_DROP, HALT_WITHIN, HALT_LENGTH, HALT_FROZEN, PARTIAL, SHARE, BUFFER, LEAST, CAP, NOTICE,
) = range(23)  # fmt: skip

# What one path comes to.
TOTAL_COLUMNS = (
    "end_price", "low_price", "high_price", "exogenous_low", "exogenous_high", "rounds", "most_rounds", "halted_steps",
    "long_accounts", "short_accounts", "long_quantity", "short_quantity", "long_notional", "short_notional",
    "bankrupt_accounts", "bad_debt", "skin_paid", "fund_paid", "deleveraged", "socialised", "fund_income", "returned",
    "fund_end", "fund_low", "overdue_accounts", "open_deficit", "status",
)  # fmt: skip
(
    T_END, T_LOW, T_HIGH, T_EXO_LOW, T_EXO_HIGH, T_ROUNDS, T_MOST, T_HALTED, T_ACCOUNTS, _, T_QUANTITY, _, T_NOTIONAL,
    _, T_BANKRUPT, T_BAD, T_SKIN, T_FUND_PAID, T_ADL, T_SOCIAL, T_INCOME, T_RETURNED, T_FUND_END, T_FUND_LOW,
    T_OVERDUE, T_DEFICIT, T_STATUS,
) = range(27)  # fmt: skip

# What one batch of a round does.
ROUND_COLUMNS = (
    "step", "round", "side", "accounts", "quantity", "price_before", "fill", "price", "net_sold", "depth", "collateral",
    "profit", "bankrupt_accounts", "bad_debt", "skin_paid", "fund_paid", "deleveraged", "socialised", "fund_income",
    "returned", "kept", "fund", "winners_profit",
)  # fmt: skip
(
    R_STEP, R_ROUND, R_SIDE, R_ACCOUNTS, R_QUANTITY, R_BEFORE, R_FILL, R_PRICE, R_STATE, R_DEPTH, R_COLLATERAL,
    R_PROFIT, R_BANKRUPT, R_BAD, R_SKIN, R_FUND_PAID, R_ADL, R_SOCIAL, R_INCOME, R_RETURNED, R_KEPT, R_FUND, R_WINNERS,
) = range(23)  # fmt: skip

# What is kept a step.
SERIES = ("price", "fund", "bad_debt", "fund_income", "liquidated", "drawdown")
S_PRICE, S_FUND, S_BAD, S_INCOME, S_NOTIONAL, S_DRAWDOWN = range(6)

# The worst is kept.
STATUSES = ("ended", "exhausted", "unfinished", "halted", "round limit", "no depth")
ENDED, EXHAUSTED, UNFINISHED, HALTED, ROUND_LIMIT, NO_DEPTH = range(6)

# Numbers of a market that is being run: places in `_market`.
MARKET_SIZE = 13
