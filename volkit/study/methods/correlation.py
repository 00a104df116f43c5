"""Formulas of correlation: how sure, whether it changed, what drives it, what may be offset."""

from volkit.study.methods.method import Method

__all__ = ["CORRELATION"]

CORRELATION: tuple[Method, ...] = (
    Method(
        key="correlation-interval",
        title="Correlation and its interval",
        latex=(
            r"\tanh\left( \operatorname{atanh} r \pm t_\nu \sqrt{\Omega / n} \right), \quad "
            r"\psi_t = \frac{x_t y_t - \frac{r}{2} \left( x_t^2 + y_t^2 \right)}{1 - r^2} "
            r"\left( 1 + \frac{x_t^2 + y_t^2}{4 n} \right), \quad "
            r"\Omega = \frac{1}{K} \sum_{j=1}^{K} \left[ \sqrt{\tfrac{2}{n}} \sum_{t=1}^{n} \psi_t "
            r"\cos \frac{\pi j (t - 1/2)}{n} \right]^2"
        ),
        where={
            r"r": "Pearson's correlation, no unit",
            r"x_t, y_t": "standardised changes of the window, no unit",
            r"\psi_t": "influence of row t on atanh r, with half of what a large pair hides of its own, no unit",
            r"\Omega": "long-run variance of the influence, no unit",
            r"n": "complete rows of the window, count",
            r"K": "cosine terms: 0.4 times n to the power 2/3, rounded down, at least 3",
            r"t_\nu, \nu": "quantile of Student's t, and its degrees of freedom: K, fewer where tails are fat",
        },
        source=(
            "Lazarus, Lewis, Stock and Watson (2018), Journal of Business & Economic Statistics 36(4), 541-559, for "
            "the cosines; the second factor of the influence and the fewer degrees of freedom are of this package."
        ),
        functions=("volkit.pearson_correlation", "volkit.rolling_correlation", "volkit.correlation_by_era"),
        stage="correlation",
    ),
    Method(
        key="ewma-correlation",
        title="Exponentially weighted correlation",
        latex=(
            r"r_t = \frac{\sum_s w_s x_s y_s}{\sqrt{\sum_s w_s x_s^2 \sum_s w_s y_s^2}}, "
            r"\qquad w_s \propto 2^{-(t-s)/H}"
        ),
        where={
            r"r_t": "correlation at row t, no unit",
            r"x_s, y_s": "changes of row s, decimal or the factor's unit; their means are taken as zero",
            r"w_s": "weight of row s up to t, no unit",
            r"H": "half-life, rows",
        },
        source="J.P. Morgan and Reuters, RiskMetrics Technical Document, 4th edition (1996), chapter 5.",
        functions=("volkit.ewma_correlation",),
        stage="correlation",
    ),
    Method(
        key="macro-beta",
        title="Betas with errors that allow for autocorrelation",
        latex=(
            r"r_t = a + \sum_j \beta_j f_{jt} + e_t, \qquad "
            r"\operatorname{Var}(\hat\beta) = \frac{n}{n - k - 1} (X'X)^{-1} "
            r"\left[ \Gamma_0 + \sum_{l=1}^{L} \left( 1 - \tfrac{l}{L+1} \right) \left( \Gamma_l + \Gamma_l' \right) "
            r"\right] (X'X)^{-1}"
        ),
        where={
            r"r_t": "log return of the asset, decimal",
            r"f_{jt}": "change of factor j, in its unit (log return, basis points or points)",
            r"\beta_j": "decimal per unit of the factor, the other factors held still",
            r"a, e_t": "intercept and residual, decimal",
            r"X": "constant and factors, one row a period",
            r"\Gamma_l": "sum of products of scores (row of X times residual) l rows apart",
            r"L": "lags, 1.3 times the root of n, rounded down",
            r"n, k": "rows and factors, counts",
        },
        source=(
            "Newey and West (1987), Econometrica 55(3), 703-708; lags and degrees of freedom: Lazarus, Lewis, Stock "
            "and Watson (2018), Journal of Business & Economic Statistics 36(4)."
        ),
        functions=("volkit.macro_betas",),
        stage="correlation",
        note="No cause: a joint beta is what a factor adds given the others listed.",
    ),
    Method(
        key="constancy",
        title="Test of one constant correlation",
        latex=(
            r"T = \max_t \operatorname{atanh} r_t - \min_t \operatorname{atanh} r_t, \qquad "
            r"p = \frac{1 + \#\{ T^{*} \ge T \}}{B + 1}"
        ),
        where={
            r"r_t": "rolling correlation of shocks: changes over their volatility of the moment, clipped",
            r"T, p": "range of the line, no unit, and its p-value",
            r"T^{*}": "the same statistic on circular block resamples of the pairs",
            r"B": "resamples, count",
        },
        source=(
            "Politis and Romano (1992) for the blocks; Romano and Wolf (2005), Econometrica 73(4), for families of "
            "pairs. Size and power by simulation stand in the docstring."
        ),
        functions=("volkit.constancy_test", "volkit.constancy_tests"),
        stage="correlation",
        note="It says that, not when, the correlation changed.",
    ),
    Method(
        key="correlation-change",
        title="Difference of two correlations",
        latex=(
            r"t = \frac{\operatorname{atanh} r_2 - \operatorname{atanh} r_1}{\sqrt{\Omega_1 / n_1 + \Omega_2 / n_2}} "
            r"\sim t_\nu"
        ),
        where={
            r"r_1, r_2": "correlations of shocks before and after, no unit",
            r"\Omega_i / n_i": "squared error of atanh r in span i",
            r"\nu": "Welch's degrees of freedom",
        },
        source=(
            "Zou (2007), Psychological Methods 12(4), 399-413, for the interval; Benjamini and Yekutieli (2001), "
            "Annals of Statistics 29(4), over the comparisons."
        ),
        functions=("volkit.correlation_change",),
        stage="correlation",
    ),
    Method(
        key="correlation-break",
        title="Date of a change (Wied, Kraemer and Dehling)",
        latex=r"Q = D \max_{j} \frac{j}{\sqrt n} \left| r_j - r_n \right|",
        where={
            r"r_j, r_n": "correlation of the first j rows, and of all n",
            r"D": "one over the root of the long-run variance of r by Bartlett weights, no unit",
            r"Q": "compared with the largest absolute value of a Brownian bridge",
        },
        source="Wied, Kraemer and Dehling (2012), Econometric Theory 28(3), 570-589.",
        functions=("volkit.correlation_break_test",),
        stage="correlation",
    ),
    Method(
        key="breakdown-alarm",
        title="Alarm on the live correlation",
        latex=r"\left| \operatorname{atanh} r_t - \operatorname{atanh} r_{\mathrm{ref}} \right| > c_{1 - \alpha}",
        where={
            r"r_t": "rolling correlation of the live rows",
            r"r_{\mathrm{ref}}": "correlation of the reference years",
            r"c_{1 - \alpha}": "quantile of the largest distance over the horizon when nothing changes, by blocks",
            r"\alpha": "chance of a false alarm over the whole horizon",
        },
        source="After Wied and Galeano (2013), Journal of Statistical Planning and Inference 143(1), 186-196.",
        functions=("volkit.breakdown_alarm",),
        stage="correlation",
    ),
    Method(
        key="dcc",
        title="Dynamic conditional correlation",
        latex=(
            r"Q_t = (1 - a - b)\, \bar Q + a\, z_{t-1} z_{t-1}' + b\, Q_{t-1}, \qquad "
            r"R_t = \operatorname{diag}(Q_t)^{-1/2}\, Q_t\, \operatorname{diag}(Q_t)^{-1/2}"
        ),
        where={
            r"R_t": "correlation matrix of period t, known at the end of t - 1",
            r"z_t": "shocks: returns over their GARCH volatility, no unit",
            r"Q_t": "what becomes the correlation matrix when its diagonal is scaled to one",
            r"\bar Q": "mean of z z'",
            r"a, b": "weights, no unit; at least 0, together below 1",
        },
        source="Engle (2002), Journal of Business & Economic Statistics 20(3), 339-350.",
        functions=("volkit.Dcc",),
        stage="correlation",
    ),
    Method(
        key="correlation-regimes",
        title="Switching correlation",
        latex=(r"z_t \mid S_t = s \;\sim\; (0, R_s), \qquad P(S_{t+1} = j \mid S_t = i) = p_{ij}"),
        where={
            r"z_t": "shocks: changes over their volatility of the moment, scaled to mean square one, no unit",
            r"S_t": "state, unseen",
            r"R_s": "correlation matrix of state s",
            r"p_{ij}": "chance per period to go from state i to state j",
        },
        source="Pelletier (2006), Journal of Econometrics 131, 445-473; each state's matrix is free here.",
        functions=("volkit.CorrelationRegimes",),
        stage="correlation",
    ),
    Method(
        key="lead-lag",
        title="Leads and lags",
        latex=r"\rho(k) = \operatorname{corr}\left( x_t, y_{t+k} \right), \qquad \max_k \left| t_k \right|",
        where={
            r"x_t, y_t": "changes of row t, decimal or the factor's unit",
            r"\rho(k)": "correlation at lag k, no unit",
            r"k": "lag, rows; positive: y follows x",
            r"t_k": (
                "mean product of the standardised pairs over its error by cosines, no correlation being assumed; the "
                "largest is compared with that of block wild bootstraps"
            ),
        },
        source="Westfall and Young (1993), Resampling-based multiple testing, for the family of lags.",
        functions=("volkit.cross_correlogram",),
        stage="correlation",
        note="A driver that one market sees late looks the same.",
    ),
    Method(
        key="granger",
        title="Does the past of one help to predict another? (Granger)",
        latex=(r"y_t = c + \sum_{l=1}^{p} A_l\, y_{t-l} + u_t, \qquad F = \frac{\hat b' \hat V^{-1} \hat b}{m}"),
        where={
            r"y_t": "changes of all series in row t, each in its unit",
            r"c, A_l, u_t": "constants, coefficients of lag l, and shocks",
            r"F": "statistic, no unit",
            r"\hat b": "the m tested coefficients",
            r"\hat V": "their covariance, robust to changing variance (HC3) in the network, by choice in granger_test",
            r"p": "lags, rows",
        },
        source=(
            "Luetkepohl (2005), New Introduction to Multiple Time Series Analysis, equation 3.6.5, over the number of "
            "coefficients."
        ),
        functions=("volkit.granger_test", "volkit.granger_network"),
        stage="correlation",
    ),
    Method(
        key="connectedness",
        title="Spillovers (Diebold and Yilmaz)",
        latex=(
            r"\theta_{ij} = \frac{\sum_{h=0}^{H-1} \left( \Psi_h b_j \right)_i^2}{\sum_{k=1}^{K} \sum_{h=0}^{H-1} "
            r"\left( \Psi_h b_k \right)_i^2}, \qquad C = \frac{100}{K} \sum_{i \ne j} \theta_{ij}"
        ),
        where={
            r"\theta_{ij}": "share of the forecast-error variance of i that comes from j",
            r"\Psi_h": "response after h periods, by a vector autoregression",
            r"H": "horizon, periods",
            r"b_j": "generalised impulse of one standard deviation in j",
            r"C": "total index, per cent; given less what estimation noise adds",
            r"K": "series, count",
        },
        source="Diebold and Yilmaz (2012), International Journal of Forecasting 28(1), 57-66.",
        functions=("volkit.connectedness", "volkit.rolling_connectedness"),
        stage="correlation",
    ),
    Method(
        key="event-study",
        title="Announcement days beside matched days",
        latex=r"\Delta = \frac{1}{N} \sum_{e} \left( m_e - \frac{1}{|B_e|} \sum_{s \in B_e} m_s \right)",
        where={
            r"\Delta": "mean difference, decimal",
            r"m_e": "move or absolute move on event row e, decimal",
            r"B_e": "rows of the same weekday and state of volatility without any event near",
            r"N": "events, count",
        },
        source=(
            "MacKinlay (1997), Journal of Economic Literature 35(1); Savor and Wilson (2013), Journal of Financial and "
            "Quantitative Analysis 48(2)."
        ),
        functions=("volkit.event_study",),
        stage="correlation",
        note=(
            "Volatilities are compared by the logarithm of the ratio of root mean squares, correlations by the "
            "difference of atanh, with the same weights."
        ),
    ),
    Method(
        key="directional-beta",
        title="Betas on rises and falls",
        latex=(r"r_t = a + \sum_j \left( \beta_j^{+} \max(f_{jt}, 0) + \beta_j^{-} \min(f_{jt}, 0) \right) + e_t"),
        where={
            r"r_t": "return of the asset, decimal",
            r"\beta_j^{+}, \beta_j^{-}": "betas on rises and on falls of factor j, decimal per unit of the factor",
            r"f_{jt}": "change of factor j, in its unit",
            r"a, e_t": "intercept and residual, decimal",
        },
        source="A kinked line; not the downside beta of Ang, Chen and Xing (2006), Review of Financial Studies 19(4).",
        functions=("volkit.directional_betas",),
        stage="correlation",
    ),
    Method(
        key="tail-dependence",
        title="Joint extremes",
        latex=r"\chi(p) = \frac{C(p, p)}{p}, \qquad \bar\chi(p) = \frac{2 \ln p}{\ln C(p, p)} - 1",
        where={
            r"C(p, p)": "share of rows with both series in their tail of probability p",
            r"p": "share of rows in each tail, fraction",
            r"\chi(p)": "chance that one is in its tail given that the other is",
            r"\bar\chi(p)": "1 where they always are together, 0 where they are independent",
        },
        source="Coles, Heffernan and Tawn (1999), Extremes 2(4), 339-365.",
        functions=("volkit.tail_dependence",),
        stage="correlation",
    ),
    Method(
        key="exceedance-correlation",
        title="Correlation of days beyond a threshold",
        latex=(
            r"\rho^{-}(c) = \operatorname{corr}\left( x, y \mid x \le -c,\; y \le -c \right), \qquad "
            r"\rho^{+}(c) = \operatorname{corr}\left( x, y \mid x \ge c,\; y \ge c \right)"
        ),
        where={
            r"\rho^{-}(c), \rho^{+}(c)": "correlation of the rows in the lower and in the upper joint tail, no unit",
            r"x, y": "standardised changes, no unit",
            r"c": "threshold, standard deviations",
        },
        source=(
            "Longin and Solnik (2001), Journal of Finance 56(2); Ang and Chen (2002), Journal of Financial "
            "Economics 63(3)."
        ),
        functions=("volkit.exceedance_correlation",),
        stage="correlation",
    ),
    Method(
        key="offsets",
        title="Correlation that may offset margin",
        latex=(
            r"\rho_{\mathrm{offset}} = \operatorname{sgn}(r) \min\left( |\underline r|, |\overline r| \right), \qquad "
            r"m_{\mathrm{net}} \ge m_{\mathrm{gross}} - 0.8 \left( m_{\mathrm{gross}} - m_{\mathrm{worst}} \right)"
        ),
        where={
            r"\rho_{\mathrm{offset}}": "correlation that an offset may rest on, no unit; 0 where it is refused",
            r"r": "correlation of shocks, no unit",
            r"\underline r, \overline r": (
                "bounds of a correlation that is significant and reliable: of all rows, or of its worst span where it "
                "changed"
            ),
            r"m_{\mathrm{net}}": "margin that may be charged, quote currency",
            r"m_{\mathrm{gross}}": "sum of the margins alone, quote currency",
            r"m_{\mathrm{worst}}": "margin under the worst of the bounds' matrices, quote currency",
        },
        source="Commission Delegated Regulation (EU) No 153/2013, Article 27.",
        functions=("volkit.offset_verdicts", "volkit.netting_benefit", "volkit.through_the_cycle"),
        stage="correlation",
        note="The economic rationale that the article asks for besides is not tested.",
    ),
)
