"""Formulas of tests: would the margins have held, and which forecast was better?"""

from volkit.study.methods.method import Method

__all__ = ["VALIDATION"]

VALIDATION: tuple[Method, ...] = (
    Method(
        key="exceptions",
        title="Exceptions",
        latex=r"I_t = \mathbf{1}[L_t > m_{t-1}], \qquad x = \sum_{t=1}^{n} I_t",
        where={
            r"I_t": "1 for an exception: a loss strictly above the rate set from earlier periods only",
            r"L_t": "loss of period t, fraction of the notional",
            r"m_{t-1}": "rate known before, fraction of the notional",
            r"x, n": "exceptions and tested periods, counts",
        },
        source="Christoffersen (1998), International Economic Review 39(4), 841-862.",
        functions=("volkit.backtest_margin", "volkit.validate_schedules"),
        stage="validation",
    ),
    Method(
        key="kupiec",
        title="Proportion of failures (Kupiec)",
        latex=(
            r"LR = 2 \left[ x \ln \frac{x}{n p} + (n - x) \ln \frac{n - x}{n (1 - p)} \right] \sim \chi^2_1, "
            r"\qquad 0 \ln 0 = 0"
        ),
        where={
            r"LR": "statistic, no unit; chi-squared with one degree of freedom in long samples",
            r"x": "exceptions, count",
            r"n": "tested periods, count",
            r"p": "one less the confidence: the promised rate of exceptions",
        },
        source=(
            "Kupiec (1995), Techniques for verifying the accuracy of risk measurement models, Journal of Derivatives "
            "3(2), 73-84."
        ),
        functions=("volkit.kupiec_test",),
        stage="validation",
    ),
    Method(
        key="binomial",
        title="Exact test of the number of exceptions",
        latex=(
            r"\sum_{k \in \mathcal{A}(x)} \binom{n}{k} p^k (1 - p)^{n-k}, \qquad "
            r"\mathcal{A}(x) = \left\{ k : LR(k) \ge LR(x) \right\}"
        ),
        where={
            r"\mathcal{A}(x)": "counts that speak as much against the margin as x does, on both sides",
            r"LR": "Kupiec's statistic, behind the verdict; binomial_test takes the counts that are no likelier than x",
            r"x": "exceptions that came, count",
            r"n": "tested periods, count",
            r"p": "promised rate of exceptions",
        },
        source=(
            "Binomial law of independent exceptions; Clopper and Pearson (1934), Biometrika 26(4), for the interval; "
            "Holm (1979), Scandinavian Journal of Statistics 6(2), over all cells."
        ),
        functions=("volkit.validation.binomial_test", "volkit.coverage_battery"),
        stage="validation",
        note="Losses over several periods overlap: samples without are tested, and twice the mean p-value counts.",
    ),
    Method(
        key="power",
        title="Power of Kupiec's test",
        latex=r"\sum_{k \in \mathcal{R}} \binom{n}{k} q^k (1 - q)^{n-k}, \qquad q = 2p",
        where={
            r"\mathcal{R}": "counts at which the test rejects at 5 %",
            r"q, p": "true rate of exceptions that the test should notice, and promised rate",
            r"n": "tested periods, count",
        },
        source="Exact binomial sum over the region of rejection.",
        functions=("volkit.kupiec_power",),
        stage="validation",
        note="For independent exceptions only. Where it is low, a pass says little.",
    ),
    Method(
        key="christoffersen",
        title="Independence and conditional coverage (Christoffersen)",
        latex=(
            r"LR_{\mathrm{ind}} = 2 \sum_{i,j} n_{ij} \ln \frac{\hat\pi_{ij}}{\hat\pi_j} \sim \chi^2_1, \qquad "
            r"LR_{\mathrm{cc}} = LR + LR_{\mathrm{ind}} \sim \chi^2_2"
        ),
        where={
            r"n_{ij}": "neighbouring periods: from i to j, 1 with and 0 without an exception; counts",
            r"\hat\pi_{ij}": "share of j after i",
            r"\hat\pi_j": "share of j after anything",
            r"LR": "Kupiec's statistic",
        },
        source="Christoffersen (1998), Evaluating interval forecasts, International Economic Review 39(4), 841-862.",
        functions=("volkit.christoffersen_test", "volkit.validation.christoffersen_independence_test"),
        stage="validation",
        note="It sees dependence at lag one only, and is undefined where a row or column of the counts is empty.",
    ),
    Method(
        key="traffic-light",
        title="Traffic light",
        latex=r"\mathrm{green:}\; F(x) < 0.95, \qquad \mathrm{red:}\; F(x) \ge 0.9999",
        where={
            r"F": "distribution function of a binomial count of n periods at the promised rate; yellow between",
            r"x": "exceptions, count",
        },
        source="Basel Committee on Banking Supervision (1996), Supervisory framework for backtesting, table 2.",
        functions=("volkit.traffic_light",),
        stage="validation",
    ),
    Method(
        key="acerbi-szekely",
        title="Test of expected shortfall (Acerbi and Szekely)",
        latex=r"Z_2 = 1 - \frac{1}{n\, p} \sum_{t=1}^{n} \frac{L_t\, I_t}{E_t}",
        where={
            r"Z_2": "statistic, no unit; 0 expected, negative when losses beyond the margin are too many or too large",
            r"I_t": "1 for a loss above the Value at Risk",
            r"L_t, E_t": "loss and expected shortfall forecast, fraction of the notional",
            r"n": "tested periods, count",
            r"p": "one less the confidence",
        },
        source="Acerbi and Szekely (2014), Backtesting expected shortfall, Risk, December, the second test.",
        functions=("volkit.acerbi_szekely_z2_test",),
        stage="validation",
    ),
    Method(
        key="quantile-loss",
        title="Quantile loss",
        latex=r"S_t = \left( \mathbf{1}[L_t > V_t] - p \right) \left( L_t - V_t \right)",
        where={
            r"S_t": "score, fraction of the notional; its mean is least at the true quantile",
            r"L_t, V_t": "loss and Value at Risk, fraction of the notional",
            r"p": "one less the confidence",
        },
        source="Koenker and Bassett (1978), Econometrica 46, for the loss; Gneiting (2011), JASA 106, for its use.",
        functions=("volkit.validation.shortfall.quantile_score",),
        stage="validation",
    ),
    Method(
        key="fz0",
        title="Joint score of Value at Risk and expected shortfall (FZ0)",
        latex=r"S_t = \frac{(L_t - V_t)^+}{p\, E_t} + \frac{V_t}{E_t} + \ln E_t - 1",
        where={
            r"S_t": "score, whose differences have no unit; its mean is least at the true pair",
            r"L_t, V_t, E_t": "loss, Value at Risk, expected shortfall, one unit; E above zero",
            r"p": "one less the confidence",
        },
        source="Patton, Ziegel and Chen (2019), Journal of Econometrics 211, equation 6.",
        functions=("volkit.fz0_score",),
        stage="validation",
    ),
    Method(
        key="quantile-tracker",
        title="Online calibration (quantile tracking)",
        latex=r"q_{t+1} = q_t + \eta \left( \mathbf{1}[s_t > q_t] - p \right)",
        where={
            r"q_t": "multiplier of the model's margin, no unit",
            r"s_t": "score: loss over the model's margin, no unit",
            r"\eta": "step, no unit",
            r"p": "promised rate of exceptions",
            r"t": "scores, in their order",
        },
        source=(
            "Angelopoulos, Candes and Tibshirani (2023), Conformal PID control for time series prediction, NeurIPS 36, "
            "equation 7 and proposition 1."
        ),
        functions=("volkit.QuantileTracker", "volkit.calibrate_online", "volkit.compare_static_dynamic"),
        stage="realtime",
        note="Unless it may shrink, the multiplier is held at 1 from below; above, at the largest that is allowed.",
    ),
)
