"""The same work done with other packages, as their documentation does it."""

import importlib
from types import ModuleType
from typing import Any

import pandas as pd
from arch import arch_model

__all__ = ["arch_fit", "arch_loop", "find_package", "scivol_rolling"]

# arch counts in per cent and names laws and asymmetry in its own way.
_ARCH_TERMS: dict[str, dict[str, Any]] = {
    "garch": {"vol": "GARCH", "p": 1, "o": 0, "q": 1},
    "gjr": {"vol": "GARCH", "p": 1, "o": 1, "q": 1},
    "egarch": {"vol": "EGARCH", "p": 1, "o": 1, "q": 1},
}


def arch_fit(returns: pd.Series, *, family: str, distribution: str, mean: str, errors: bool = False) -> Any:
    """Return arch's fit to decimal returns."""
    model = arch_model(returns * 100, mean=mean.capitalize(), dist=distribution, rescale=False, **_ARCH_TERMS[family])
    fit = model.fit(disp="off")
    if errors:
        fit.std_err  # noqa: B018 - worked out when asked for, as ours are with the fit
    return fit


def arch_loop(
    returns: pd.Series, *, window: int, every: int, family: str, distribution: str, mean: str, errors: bool = False
) -> list[float]:
    """Return one-step variances (per cent squared) of a new model for each window."""
    found = []
    for end in range(window, len(returns) + 1, every):
        past = returns.iloc[end - window : end]
        fit = arch_fit(past, family=family, distribution=distribution, mean=mean, errors=errors)
        found.append(float(fit.forecast(horizon=1).variance.iloc[-1, 0]))
    return found


def find_package(name: str) -> ModuleType | None:
    """Return a package, None where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def scivol_rolling(returns: pd.Series, *, window: int) -> int:
    """Fit scivol's GARCH-t to every window, each from the one before, without forecasts; return how many."""
    scivol = importlib.import_module("scivol")
    model = scivol.GARCH(1, 1) + scivol.StudentT()
    return len(model.fit_rolling(returns.to_numpy() * 100, window=window, n_jobs=1).windows)
