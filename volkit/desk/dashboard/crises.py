"""The worst day of each stress window: that on which most of a loss was not covered."""

import pandas as pd

from volkit.margin.bridge import StressReplay

__all__ = ["worst_days"]


def worst_days(replay: StressReplay) -> pd.DataFrame:
    """Return loss and margin of the day of the largest excess, by window and side.

    The largest loss need not be that day: a margin that has risen covers more of it.

    Parameters
    ----------
    replay : StressReplay
        From `stress_replay`.

    Returns
    -------
    DataFrame, shape (2 n_windows, 4)
        Index (window, side) as in the replay's table: `day` (UTC, end of the margin period of risk), `loss`, `margin`
        and `excess` (loss less margin), fractions of the notional.
    """
    rows = {}
    for window, side in replay.table.index:
        ended = replay.periods.loc[window]
        loss, margin = ended[f"loss_{side}"], ended[f"maintenance_margin_{side}"]
        day = (loss - margin).idxmax()
        rows[(window, side)] = {"day": day, "loss": loss[day], "margin": margin[day], "excess": loss[day] - margin[day]}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=replay.table.index.names)
    return table.reindex(replay.table.index)
