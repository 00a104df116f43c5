"""Drawings of margin at a target insolvency probability: the curve m(p*), and the fan of an account's equity."""

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from volkit.formatting import money_words
from volkit.instruments import MarketState, PositionBook
from volkit.margin.horizon.clock import spoken_time
from volkit.realtime.insolvency import InsolvencyMargin
from volkit.realtime.insolvency.equity import AccountPosition, account_position
from volkit.realtime.insolvency.profits import Response, profits_along
from volkit.report.marks import band_handle, draw_reference, finish
from volkit.report.style import ROLE_COLOURS, add_legend, format_money, is_narrow, new_axes, percent_words, set_label
from volkit.scenarios.paths import PathSet

__all__ = ["plot_equity_fan", "plot_insolvency_curve"]

Floats = npt.NDArray[np.float64]

_CHOSEN = "#00876C"
# Shares of the paths inside each shade of the fan, from the widest.
_FAN = (0.98, 0.9, 0.5)
# Paths whose profits are held at a time.
_PATHS_HELD = 4096


def plot_insolvency_curve(margin: InsolvencyMargin, *, ax: Axes | None = None, **line_kws: object) -> Axes:
    """Return axes with the margin by the probability of insolvency that it leaves, with its interval.

    Parameters
    ----------
    margin : InsolvencyMargin
        From `insolvency_margin`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the curve.

    Returns
    -------
    Axes
        USD by probability (log scale, rarer to the right). Filled dots are read from the paths, hollow ones from a
        Pareto tail; the diamond is the margin at the target, the dashed line the equity today.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from volkit.realtime.insolvency import insolvency_margin
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [-1.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> ends = np.linspace(0.8, 1.2, 1001)[:, None, None]
    >>> paths = PathSet(values=ends, step=pd.Timedelta("1D"), assets=("BTC",), engine="given", seed="none")
    >>> found = insolvency_margin(PositionBook.from_frame(frame), market, paths, target=0.02)
    >>> plot_insolvency_curve(found, ax=Figure().subplots()).get_ylabel()
    'margin (USD)'
    """
    axes = new_axes(ax)
    curve = margin.curve
    p = curve.index.to_numpy(dtype=np.float64)
    colour = ROLE_COLOURS["long"]
    axes.fill_between(
        p, curve["lower"], curve["upper"], color=ROLE_COLOURS["band"], alpha=0.45, linewidth=0, gid="band"
    )
    style: dict[str, object] = {"color": colour, "linewidth": 1.4, "zorder": 3, "gid": "curve", **line_kws}
    axes.plot(p, curve["margin"], **style)  # type: ignore[arg-type]
    fitted = (curve["tail"] == "pareto").to_numpy()
    for rows, face, gid in ((~fitted, colour, "empirical"), (fitted, "white", "pareto")):
        m = curve["margin"].to_numpy()[rows]
        axes.plot(p[rows], m, "o", color=colour, markerfacecolor=face, markersize=5.0, zorder=4, gid=gid)
    reach = [[margin.margin - margin.lower], [margin.upper - margin.margin]]
    axes.errorbar(
        [margin.target], [margin.margin], yerr=np.maximum(reach, 0.0), fmt="D", color=_CHOSEN, markersize=7.5,
        markeredgecolor="white", elinewidth=1.8, zorder=5, gid="target",
    )  # fmt: skip
    values = np.r_[curve["upper"], curve["lower"], margin.upper, margin.lower]
    top = float(values[np.isfinite(values)].max())
    # An equity far above the curve would flatten it: the note tells it.
    is_near = margin.equity <= 1.6 * top
    if is_near:
        draw_reference(axes, margin.equity, linestyle="--", colour="target")
    _scale_probability(axes, p, margin.target)
    axes.set_ylim(0.0 if top > 0.0 else None, 1.08 * max(top, margin.equity if is_near else top))
    format_money(axes)
    axes.set_ylabel("margin (USD)")
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker="o", markersize=5.0, label="read from the paths"),
        *([Line2D([], [], color=colour, marker="o", markerfacecolor="white", markersize=5.0, label="Pareto tail")]
          if fitted.any() else []),
        band_handle(f"{percent_words(margin.coverage)} interval"),
        Line2D([], [], color=_CHOSEN, marker="D", linestyle="none", markersize=6.5, label="at the target"),
        *([Line2D([], [], color=ROLE_COLOURS["target"], linestyle="--", linewidth=1.0, label="equity today")]
          if is_near else []),
    ]  # fmt: skip
    add_legend(axes, handles, columns=len(handles))
    note = [
        f"{margin.account}: {money_words(margin.margin)} USD ({money_words(margin.lower)} to "
        f"{money_words(margin.upper)}) for {percent_words(margin.target)} over {spoken_time(margin.horizon)}",
        f"equity {money_words(margin.equity)}",
        f"{margin.event} of {margin.n_paths:,} simulated paths",
        f"{margin.as_of:%Y-%m-%d %H:%M} UTC" if margin.as_of is not None else "",
    ]
    return finish(axes, note, margin.provenance)


def _scale_probability(ax: Axes, p: Floats, target: float) -> None:
    ax.set_xscale("log")
    ends = min(float(p.min()), target), max(float(p.max()), target)
    ax.set_xlim(1.25 * ends[1], ends[0] / 1.25)
    is_long = np.log10(ends[1] / ends[0]) > (2.2 if is_narrow(ax) else 4.0)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0,) if is_long else (1.0, 2.0, 5.0), numticks=20))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100.0 * share:.4g} %"))
    set_label(ax, "probability of insolvency (per cent, log scale)")


def plot_equity_fan(
    book: PositionBook,
    market: MarketState,
    paths: PathSet,
    *,
    account: Hashable | None = None,
    response: Response | None = None,
    ax: Axes | None = None,
    **line_kws: object,
) -> Axes:
    """Return axes with the fan of an account's equity along simulated paths.

    Parameters
    ----------
    book : PositionBook
        Perpetuals, futures, options and coins.
    market : MarketState
        Today's.
    paths : PathSet
        Of every coin that the account is exposed to; weights are respected.
    account : Hashable, optional
        Needed where the book has several.
    response : VolatilityResponse or mapping, optional
        Of implied volatility, as in `insolvency_margin`.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the median.

    Returns
    -------
    Axes
        USD by hours from now. Shades hold 50, 90 and 98 % of the paths at each time, the line is the median; below the
        line across the account is insolvent.

    Raises
    ------
    ArgumentError
        For no account where the book has several.
    DataError
        For a coin without paths, or a contract that cannot be priced.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> frame = pd.DataFrame({"account": "A", "instrument": ["BTC_USDC-PERPETUAL"], "quantity": [-1.0]})
    >>> market = MarketState(as_of=pd.Timestamp("2026-01-01", tz="UTC"), spot=pd.Series({"BTC": 100.0}))
    >>> values = np.linspace(0.8, 1.2, 101)[:, None, None] ** np.array([0.5, 1.0])[None, :, None]
    >>> paths = PathSet(values=values, step=pd.Timedelta("12h"), assets=("BTC",), engine="given", seed="none")
    >>> plot_equity_fan(PositionBook.from_frame(frame), market, paths, ax=Figure().subplots()).get_xlabel()
    'hours from now'
    """
    axes = new_axes(ax)
    position = account_position(book, market, account)
    equity = _equity_along(position, paths, response)
    weights = None if paths.log_weights is None else np.exp(paths.log_weights)
    hours = np.arange(equity.shape[1]) * (paths.step / np.timedelta64(1, "h"))
    colour = ROLE_COLOURS["long"]
    for share, alpha in zip(_FAN, (0.16, 0.22, 0.32), strict=True):
        low, high = (_quantile(equity, q, weights) for q in (0.5 - 0.5 * share, 0.5 + 0.5 * share))
        axes.fill_between(hours, low, high, color=colour, alpha=alpha, linewidth=0, gid=f"fan-{100.0 * share:g}")
    style: dict[str, object] = {"color": colour, "linewidth": 1.6, "gid": "median", "label": "median", **line_kws}
    axes.plot(hours, _quantile(equity, 0.5, weights), **style)  # type: ignore[arg-type]
    axes.axhline(0.0, color=ROLE_COLOURS["exception"], linewidth=1.2, gid="insolvency")
    axes.margins(x=0.0)
    format_money(axes)
    axes.set_ylabel("equity on simulated paths (USD)")
    set_label(axes, "hours from now")
    handles: list[Line2D | Patch] = [Line2D([], [], color=str(style["color"]), linewidth=1.6, label="median")]
    shades = zip(_FAN, (0.16, 0.34, 0.55), strict=True)
    handles += [
        Patch(facecolor=colour, alpha=a, label=f"{percent_words(s)} of paths") for s, a in reversed(list(shades))
    ]
    handles.append(Line2D([], [], color=ROLE_COLOURS["exception"], linewidth=1.2, label="insolvent below"))
    add_legend(axes, handles, columns=len(handles))
    lost = np.average(equity.min(axis=1) < 0.0, weights=weights)
    note = [
        f"{position.name}: {money_words(position.equity)} USD today",
        f"insolvent at some time on {percent_words(float(lost))} of {paths.n_paths:,} simulated paths",
        paths.engine,
        f"{market.as_of:%Y-%m-%d %H:%M} UTC",
    ]
    return finish(axes, note, paths.provenance)


def _equity_along(position: AccountPosition, paths: PathSet, response: Response | None) -> Floats:
    """Equity in USD, shape (n_paths, n_steps + 1), the start included."""
    equity = np.full((paths.n_paths, paths.n_steps + 1), position.equity)
    for start in range(0, paths.n_paths, _PATHS_HELD):
        rows = slice(start, min(start + _PATHS_HELD, paths.n_paths))
        steps = profits_along(position.terms, paths, response=response, rows=rows)
        for k, (profits, _) in enumerate(steps, start=1):
            equity[rows, k] += position.units @ profits
    return equity


def _quantile(values: Floats, q: float, weights: Floats | None) -> Floats:
    """Quantile of the paths at each step."""
    if weights is None:
        return np.asarray(np.quantile(values, q, axis=0))
    return np.asarray(
        np.quantile(values, q, axis=0, weights=weights[:, None] * np.ones_like(values), method="inverted_cdf")
    )
