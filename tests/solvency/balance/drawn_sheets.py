"""Balance sheets for tests, made by hand and drawn."""

import pandas as pd
from hypothesis import strategies as st

from volkit.solvency.balance import BalanceSheet

ASSETS = ("USD", "BTC", "ETH", "VEN")
PRICES = {"USD": 1.0, "BTC": 80_000.0, "ETH": 2_500.0, "VEN": 0.2}


def sheet_of(*rows, **kwargs):
    """Return the sheet of (entity, side, asset, quantity), own tokens called VEN, all liquid but those."""
    table = pd.DataFrame(rows, columns=["entity", "side", "asset", "quantity"])
    table["price"] = table["asset"].map(PRICES)
    table["own_token"] = (table["asset"] == "VEN") & (table["side"] == "asset")
    table["liquid"] = table["asset"] != "VEN"
    return BalanceSheet.from_frame(table, **kwargs)


AMOUNTS = st.floats(1.0, 1e6).map(lambda usd: round(usd, 2))
ROWS = st.tuples(st.sampled_from(["A", "B"]), st.sampled_from(["asset", "liability"]), st.sampled_from(ASSETS), AMOUNTS)


@st.composite
def drawn_sheets(draw):
    """Draw sheets of one or two entities with amounts between 1 and a million dollars a row."""
    rows = draw(st.lists(ROWS, min_size=2, max_size=12))
    return sheet_of(*[(e, s, a, usd / PRICES[a]) for e, s, a, usd in rows])
