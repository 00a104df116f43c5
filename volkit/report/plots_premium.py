"""Drawing of the variance risk premium: what options asked for volatility, less what was expected or came."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from volkit.report.marks import band_handle, draw_reference, finish, shade_events
from volkit.report.style import (
    ROLE_COLOURS,
    add_legend,
    format_dates,
    format_percent,
    is_narrow,
    new_axes,
    percent_words,
)
from volkit.volatility.premium import VariancePremium

__all__ = ["plot_implied_realized", "plot_premium"]

_DASHES = (0, (3, 1.2))
_FLAG_MARKS = {"rich": ("^", ROLE_COLOURS["exception"]), "cheap": ("v", "#00876C")}


def plot_premium(
    premium: VariancePremium, *, with_events: bool = True, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with a variance risk premium through time, its mean with an interval, and its flags.

    Parameters
    ----------
    premium : VariancePremium
        From `ex_ante_premium` or `ex_post_premium`.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the premium.

    Returns
    -------
    Axes
        Volatility points as per cent, or variance, by the time of the implied volatility (UTC). Triangles up: rich,
        down: cheap in the history known then.
    """
    axes = new_axes(ax)
    frame, mean = premium.frame, premium.mean
    axes.axhspan(mean.lower, mean.upper, color=ROLE_COLOURS["band"], alpha=0.45, linewidth=0, gid="interval")
    axes.axhline(mean.mean, color=ROLE_COLOURS["long"], linewidth=1.2, linestyle=(0, (4, 2)), gid="mean")
    style: dict[str, object] = {
        "color": ROLE_COLOURS["target"], "linewidth": 0.9 if is_narrow(axes) else 1.2, "gid": "premium", **line_kws,
    }  # fmt: skip
    axes.plot(frame.index, _broken(frame["premium"]), **style)  # type: ignore[arg-type]
    for flag, (marker, colour) in _FLAG_MARKS.items():
        rows = frame[frame["flag"] == flag]
        size = 9 if is_narrow(axes) else 14
        marks = axes.scatter(rows.index, rows["premium"], s=size, marker=marker, color=colour, zorder=3, linewidth=0)
        marks.set_gid(flag)
    draw_reference(axes, 0.0)
    axes.margins(x=0.01)
    format_percent(axes)
    against = "forecast" if premium.kind == "ex ante" else "realised after"
    axes.set_ylabel(
        f"implied less {against}\n({'volatility' if premium.measure == 'volatility' else 'variance'} a year)"
    )
    format_dates(axes, label="time of the implied volatility (UTC)")
    if with_events:
        shade_events(axes, provenance=premium.provenance)
    handles: list[Patch | Line2D] = [
        Line2D([], [], color=ROLE_COLOURS["target"], linewidth=1.2, label="premium"),
        Line2D([], [], color=ROLE_COLOURS["long"], linewidth=1.2, linestyle=(0, (4, 2)), label="mean"),
        band_handle(f"{percent_words(mean.confidence)} interval"),
        *(
            Line2D([], [], color=colour, marker=marker, markersize=5, linestyle="none", label=flag)
            for flag, (marker, colour) in _FLAG_MARKS.items()
        ),
    ]
    add_legend(axes, handles, columns=5)
    low, high = premium.limits
    note = [
        f"{premium.asset}, {premium.kind}, {premium.horizon} periods",
        f"mean {100 * mean.mean:+.2f} % ({100 * mean.lower:+.2f} to {100 * mean.upper:+.2f})".replace("-", "\u2212"),
        f"{mean.method.replace('_', ' ').replace('newey west', 'Newey-West')}, {mean.lags} lags"
        if mean.method == "newey_west"
        else f"bootstrap of blocks of {mean.lags}",
        f"rich from the {percent_words(high)} rank of the history known then, cheap up to {percent_words(low)}",
    ]
    return finish(axes, note, premium.provenance)


def plot_implied_realized(
    premium: VariancePremium, *, with_events: bool = True, ax: Axes | None = None, **line_kws: object
) -> Axes:
    """Return axes with implied volatility and the one expected or realised after it, the premium between them shaded.

    Parameters
    ----------
    premium : VariancePremium
        From `ex_ante_premium` or `ex_post_premium`.
    with_events : bool
        Whether crises are shaded and named (`shade_events`); never behind simulated data.
    ax : Axes, optional
        Drawn upon; a new figure by default.
    **line_kws
        Handed to `Axes.plot` for the implied volatility.

    Returns
    -------
    Axes
        Per cent a year, by the time of the implied volatility (UTC). Plain shade: options asked for more than came (or
        was expected); hatched: for less.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from volkit.volatility.premium import ex_ante_premium
    >>> times = pd.date_range("2024-01-01", periods=90, tz="UTC", name="time")
    >>> implied = pd.Series(0.6 + 0.05 * np.sin(np.arange(90)), times, name="BTC")
    >>> found = ex_ante_premium(implied, pd.Series(0.25 * 10 / 365, times), horizon=10, periods_per_year=365)
    >>> plot_implied_realized(found, ax=Figure().subplots()).get_ylabel()
    'volatility (per cent a year)'
    """
    axes = new_axes(ax)
    frame = premium.frame
    after = "expected" if premium.kind == "ex ante" else "realised"
    implied, other = _broken(frame["implied"]), _broken(frame[after])
    warm, cold = ROLE_COLOURS["short"], ROLE_COLOURS["long"]
    for gid, where, colour, hatch in (
        ("premium", implied >= other, warm, None),
        ("discount", implied < other, cold, "////"),
    ):
        axes.fill_between(
            frame.index, implied, other, where=where, interpolate=True, facecolor=to_rgba(colour, 0.22),
            edgecolor=to_rgba(colour, 0.6), hatch=hatch, linewidth=0.0, gid=gid,
        )  # fmt: skip
    width = 0.9 if is_narrow(axes) else 1.2
    axes.plot(frame.index, other, color=ROLE_COLOURS["target"], linewidth=0.8 * width, linestyle=_DASHES, gid=after)
    style: dict[str, object] = {"color": warm, "linewidth": width, "gid": "implied", **line_kws}
    axes.plot(frame.index, implied, **style)  # type: ignore[arg-type]
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0.0)
    format_percent(axes)
    axes.set_ylabel("volatility (per cent a year)")
    format_dates(axes, label="time of the implied volatility (UTC)")
    if with_events:
        shade_events(axes, provenance=premium.provenance)
    words = "expected by the forecast" if premium.kind == "ex ante" else "realised afterwards"
    handles: list[Patch | Line2D] = [
        Line2D([], [], color=warm, linewidth=1.2, label="implied"),
        Line2D([], [], color=ROLE_COLOURS["target"], linewidth=1.0, linestyle=_DASHES, label=words),
        Patch(facecolor=to_rgba(warm, 0.22), label="implied above"),
        Patch(facecolor=to_rgba(cold, 0.22), edgecolor=to_rgba(cold, 0.6), hatch="////", linewidth=0.0, label="below"),
    ]
    add_legend(axes, handles, columns=4)
    share = float((frame["implied"] > frame[after]).mean())
    note = [
        f"{premium.asset}, {premium.kind}, {premium.horizon} periods",
        f"n = {premium.n_obs:,} to {premium.as_of.date()}",
        f"implied above in {percent_words(round(share, 3))} of them",
    ]
    return finish(axes, note, premium.provenance)


def _broken(values: pd.Series) -> pd.Series:
    """The values with a gap where times are missing: a line across them would invent what was there."""
    step = pd.Series(values.index).diff()
    return values.mask((step > 3 * step.median()).to_numpy())
