"""Walk-forward hedges: ratios against statsmodels and closed forms, accounting, no look-ahead, coverage, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.regression.rolling import RollingOLS

from volkit.correlation.macro import macro_hedge
from volkit.errors import ArgumentError, DataError

SHARE = 0.3


def market(n=800, *, seed=3, share=SHARE, hedges=1):
    rng = np.random.default_rng(seed)
    times = pd.date_range("2020-01-01", periods=n, tz="UTC", name="time", unit="us")
    x = 0.01 * rng.standard_normal((n, hedges))
    e = 0.01 * rng.standard_normal(n)
    y = x.sum(axis=1) * np.sqrt(share / hedges) + e * np.sqrt(1 - share)
    return pd.Series(y, index=times, name="BTC"), pd.DataFrame(x, index=times, columns=["SPX", "DXY"][:hedges])


def hedged(asset, hedges, *, window=250, **options):
    rng = np.random.default_rng(1)
    return macro_hedge(
        asset, hedges, **{"window": window, "periods_per_year": 252, "rng": rng, "n_boot": 199} | options
    )


def test_ratios_equal_rolling_ols_at_each_fit():
    asset, hedges = market(hedges=2)

    found = hedged(asset, hedges)

    peer = RollingOLS(asset, sm.add_constant(hedges), window=250).fit().params[["SPX", "DXY"]]
    np.testing.assert_allclose(found.ratios, peer.loc[found.ratios.index], rtol=1e-10)
    assert found.ratios.index[0] == asset.index[249]
    assert np.diff(asset.index.get_indexer(found.ratios.index)).tolist() == [22] * (len(found.ratios) - 1)


def test_ewma_ratio_is_weighted_covariance_over_variance():
    asset, hedges = market()

    found = hedged(asset, hedges, method="ewma", half_life=20.0)

    weights = 0.5 ** (np.arange(249, -1, -1) / 20.0)
    x, y = hedges["SPX"].to_numpy()[:250], asset.to_numpy()[:250]
    assert found.ratios.iloc[0, 0] == pytest.approx((weights * x * y).sum() / (weights * x**2).sum(), rel=1e-10)
    assert hedged(asset, hedges, method="ewma").half_life == 62.5


def test_returns_are_those_of_the_last_ratio_and_cost_is_charged_when_traded():
    asset, hedges = market()

    found = hedged(asset, hedges, cost=0.001, refit_every=50)

    held = found.ratios["SPX"].reindex(asset.index).shift(1).ffill().iloc[250:]
    expected = asset.iloc[250:] - held * hedges["SPX"].iloc[250:]
    np.testing.assert_allclose(found.returns["hedged"], expected, rtol=1e-12)
    traded = found.ratios["SPX"].diff().abs().fillna(found.ratios["SPX"].abs())
    paid = found.returns["hedged"] - found.returns["net"]
    assert paid[paid > 0].to_numpy() == pytest.approx(0.001 * traded.to_numpy(), rel=1e-9)
    assert found.turnover == pytest.approx(traded.sum() / 550 * 252, rel=1e-12)
    assert found.cost_rate == pytest.approx(0.001 * found.turnover, rel=1e-12)


def test_effectiveness_is_one_minus_the_ratio_of_variances():
    asset, hedges = market()

    found = hedged(asset, hedges)

    r = found.returns
    assert found.effectiveness == pytest.approx(1 - r["hedged"].var() / r["unhedged"].var(), rel=1e-12)
    judged = sm.OLS(asset.iloc[250:], sm.add_constant(hedges.iloc[250:])).fit()
    assert found.table.loc["variance", "in_sample"] == pytest.approx(judged.rsquared, rel=1e-10)
    assert found.in_sample_ratio["SPX"] == pytest.approx(judged.params["SPX"], rel=1e-10)
    worst = [np.sort(-r[c].to_numpy())[::-1] for c in ("unhedged", "hedged")]
    # 550 losses: the type 6 quantile at 95 % lies between the 27th and the 28th largest.
    plain = [losses[:27].mean() for losses in worst]
    assert found.table.loc["expected shortfall", "out_of_sample"] == pytest.approx(1 - plain[1] / plain[0], rel=1e-12)


def test_perfect_hedge_takes_all_and_unrelated_one_nothing():
    asset, hedges = market()

    perfect = hedged((0.7 * hedges["SPX"]).rename("BTC"), hedges)
    unrelated = hedged(asset, hedges.set_axis(["GOLD"], axis=1) * 0 + market(seed=9)[1].to_numpy())

    np.testing.assert_allclose(perfect.table, 1.0, atol=1e-12)
    assert unrelated.effectiveness < 0.01
    assert not unrelated.is_effective


def test_hedge_of_a_turned_relation_adds_risk_out_of_sample_only():
    asset, hedges = market(share=0.8)
    turned = asset.where(np.arange(800) < 400, asset - 2 * np.sqrt(0.8) * hedges["SPX"])

    found = hedged(turned.iloc[150:650], hedges.iloc[150:650], refit_every=400)

    assert found.table.loc["variance", "upper"] < 0 <= found.table.loc["variance", "in_sample"]


@pytest.mark.parametrize("method", ["ols", "ewma"])
def test_earlier_ratios_and_returns_do_not_know_later_rows(method):
    asset, hedges = market(hedges=2)

    whole = hedged(asset, hedges, method=method)

    for rows in (360, 471, 799):
        cut = hedged(asset.iloc[:rows], hedges.iloc[:rows], method=method)
        n_fits = len(cut.ratios)
        exact = {"check_exact": True, "check_freq": False}
        pd.testing.assert_frame_equal(cut.ratios, whole.ratios.iloc[:n_fits], **exact)
        pd.testing.assert_frame_equal(cut.returns, whole.returns.iloc[: len(cut.returns)], **exact)


def test_scale_of_a_hedge_moves_its_ratio_alone():
    asset, hedges = market()

    for method in ("ols", "ewma"):
        one, other = (hedged(asset, hedges * scale, method=method) for scale in (1.0, 0.01))
        np.testing.assert_allclose(other.ratios, 100 * one.ratios, rtol=1e-9)
        np.testing.assert_allclose(other.table, one.table, rtol=1e-9)


def test_missing_rows_are_left_out_and_counted():
    asset, hedges = market()

    found = hedged(asset.mask(np.arange(800) % 100 == 50), hedges)

    assert found.n_dropped == 8 and found.n_obs == 792 and len(found.returns) == 542


def test_result_reads_as_one_line():
    asset, hedges = market()
    found = hedged(asset, hedges)

    assert repr(found).startswith("<MacroHedge: BTC with SPX, variance removed ")
    assert found.summary().loc["turnover (notional a year)", "out of sample"] == found.turnover
    assert found.to_frame().columns.tolist() == ["unhedged", "hedged", "net"]
    assert found.is_effective


def refusals():
    asset, hedges = market()
    halted = hedges.copy()
    halted.iloc[301:600] = 0.0
    quiet = asset.copy()
    quiet.iloc[301:600] = 0.0
    return {
        "halted asset": (quiet, hedges, {}, DataError, "asset_returns must vary in every window; got one value in"),
        "zero half-life": (
            asset,
            hedges,
            {"method": "ewma", "half_life": 0.0},
            ArgumentError,
            "half_life must be a pos",
        ),
        "ols memory": (asset, hedges, {"half_life": 20.0}, ArgumentError, "half_life must be left out with method"),
        "year": (asset, hedges, {"periods_per_year": 0}, ArgumentError, "periods_per_year must be a positive number"),
        "naive": (asset, hedges.tz_localize(None), {}, DataError, "naive times"),
        "all missing": (asset, hedges * np.nan, {}, DataError, "hedge_returns"),
        "constant": (asset, hedges * 0.0, {}, DataError, "SPX must vary; got 800 times the value 0"),
        "no hedge": (asset, hedges[[]], {}, DataError, "at least one factor; got no column"),
        "clock": (asset.iloc[1:], hedges, {}, DataError, "asset_returns and hedge_returns must share their times"),
        "method": (asset, hedges, {"method": "garch"}, ArgumentError, "method must be one of ols, ewma; got 'garch'"),
        "per cent": (asset, hedges * 100, {}, DataError, r"hedge_returns \(SPX\).*looks like per cent"),
        "prices": (asset, hedges.abs() + 1, {}, DataError, r"hedge_returns \(SPX\).*look like"),
        "copy": (asset, hedges.assign(ES=hedges["SPX"]), {}, DataError, "SPX and ES move together"),
        "halted": (asset, halted, {}, DataError, "must vary each on its own in every window; got a constant or coll"),
        "halted ewma": (asset, halted, {"method": "ewma"}, DataError, "must vary each on its own in every window"),
        "short": (
            asset.iloc[:300],
            hedges.iloc[:300],
            {},
            DataError,
            "at least 100 periods to judge; got 300 complete",
        ),
        "window": (asset, hedges, {"window": 5}, ArgumentError, "window must be a whole number of at least 20"),
        "cost": (asset, hedges, {"cost": 5.0}, ArgumentError, "cost must be a decimal from 0 to below 0.1; got 5.0"),
        "block": (asset, hedges, {"block_length": 300}, ArgumentError, "at most a quarter of 550 periods; got 300"),
    }


@pytest.mark.parametrize("case", refusals())
def test_refusal_names_argument_value_and_remedy(case):
    asset, hedges, options, error, message = refusals()[case]

    with pytest.raises(error, match=message):
        hedged(asset, hedges, **options)


@pytest.mark.slow
def test_effectiveness_is_recovered_and_its_interval_covers(capsys):
    rng, found = np.random.default_rng(3), []
    for seed in range(400):
        asset, hedges = market(1250, seed=1000 + seed)
        scale = np.exp(pd.Series(rng.standard_normal(1250)).ewm(halflife=20).mean() * 3).to_numpy()
        row = hedged(asset * scale, hedges.mul(scale, axis=0), n_boot=399).table.loc["variance"]
        found.append([row["out_of_sample"], row["in_sample"], row["lower"] <= SHARE <= row["upper"]])
    means = np.mean(found, axis=0)
    with capsys.disabled():
        print(f"\nHedge of a true {SHARE:.0%}, 400 simulated samples of 1,000 judged days with clusters of volatility:")
        print(f"out of sample {means[0]:.3f}, in sample {means[1]:.3f}, 95 % intervals cover {means[2]:.3f}")

    assert means[0] == pytest.approx(SHARE, abs=0.015)
    assert means[2] > 0.90


@pytest.mark.real
def test_hedge_of_bitcoin_with_equities_looks_better_in_sample(real_data):
    def closes(file):
        table = pd.read_csv(real_data / "daily" / file, index_col="time")
        return table["close"].set_axis(pd.to_datetime(table.index, utc=True).as_unit("us"))

    spx = closes("SPX_1d.csv.gz").loc["2018":"2023"]
    btc = closes("BTC-USDT_binance_1d.csv.gz").reindex(spx.index)
    moves = pd.DataFrame({"BTC": btc, "SPX": spx}).pct_change(fill_method=None).iloc[1:]

    found = hedged(moves["BTC"], moves[["SPX"]]).table.loc["variance"]

    assert found["out_of_sample"] < found["in_sample"] < 0.2
    assert found["lower"] < 0.0
