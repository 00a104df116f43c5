import numpy as np
import pandas as pd
import pytest

from volkit.correlation import CorrelationRegimes
from volkit.correlation.inference.devolatilize import devolatilize
from volkit.correlation.regimes.simulation import simulate_correlation_regimes
from volkit.errors import ArgumentError, DataError
from volkit.margin.bridge import macro_state, regime_variable
from volkit.volatility import Garch

R = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.9], [0.9, 1.0]]])
P = np.array([[0.98, 0.02], [0.04, 0.96]])
Z, STATES = simulate_correlation_regimes(1_100, correlations=R, transition=P, rng=np.random.default_rng(1))
TIMES = pd.date_range("2020-01-01", periods=1_100, tz="UTC")
MOVES = pd.DataFrame(0.01 * Z, TIMES, ["BTC", "SPX"])
KNOWN = pd.Series(TIMES.shift(1), TIMES)
TERMS = {"periods_per_year": 365, "first_fit": 500, "refit_every": 200}


def test_probability_does_not_change_with_later_moves():
    full = regime_variable(MOVES, known=KNOWN, **TERMS).values
    cut = regime_variable(MOVES[:900], known=KNOWN[:900], **TERMS).values

    # The filter of one pass and of a longer one add in the same order.
    assert full[:900].to_numpy() == pytest.approx(cut.to_numpy(), abs=1e-12, nan_ok=True)


def test_probability_is_filtered_under_the_fit_of_its_time():
    found = regime_variable(MOVES, known=KNOWN, **TERMS).values
    shocks = devolatilize(MOVES).dropna()
    fit = CorrelationRegimes().fit_shocks(shocks[:700], periods_per_year=365)

    assert found[shocks.index[699]] == pytest.approx(fit.probabilities.iloc[-1]["high"], abs=1e-10)
    assert found[shocks.index[800]] == pytest.approx(fit.filter(shocks[:801] / fit.scales)["high"].iloc[-1], abs=1e-10)
    assert found.isna().sum() == 10 + 499


def test_state_is_seen_at_its_publication():
    variable = regime_variable(MOVES, known=KNOWN + pd.Timedelta("1h"), **TERMS)

    state = macro_state([variable], at=KNOWN).frame.iloc[:, 0]

    assert state.iloc[-1] == variable.values.iloc[-2]
    assert np.corrcoef(state.dropna(), STATES[len(STATES) - len(state.dropna()) :])[0, 1] > 0.6


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"model": CorrelationRegimes(margins=Garch())}, ArgumentError, "earlier rows only"),
        ({"first_fit": 2_000}, DataError, "2000 shocks"),
        ({"known": KNOWN[:-1]}, DataError, "rows of the changes"),
        ({"refit_every": 0}, ArgumentError, "refit_every"),
    ],
)
def test_what_would_look_ahead_or_is_too_short_is_refused(changes, error, match):
    with pytest.raises(error, match=match):
        regime_variable(MOVES, **({"known": KNOWN} | TERMS | changes))


def test_hole_is_refused():
    with pytest.raises(DataError, match="every series on every row"):
        regime_variable(MOVES.where(pd.Series(TIMES[700] != TIMES, TIMES), axis=0), known=KNOWN, **TERMS)
