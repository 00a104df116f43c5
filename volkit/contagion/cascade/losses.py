"""What nobody at the venue has paid: losses passed on, and holes in accounts that are still open at the end."""

import numpy as np
import pandas as pd

from volkit.contagion.cascade.settings import Venue

__all__ = ["unpaid_losses"]


def unpaid_losses(totals: pd.DataFrame | pd.Series, venue: Venue) -> pd.Series | float:
    """Return what of bad debt and open deficit fund and skin in the game cannot pay, USD, by path or of one run.

    Bad debt that went to winners or to all, and what accounts still open at the end price owe beyond what fund and skin
    hold then.
    """
    left = totals["fund_end"] + (venue.skin_in_the_game - totals["skin_paid"])
    beyond = np.maximum(totals["open_deficit"] - left, 0.0)
    unpaid: pd.Series | float = totals["deleveraged"] + totals["socialised"] + beyond
    return unpaid
