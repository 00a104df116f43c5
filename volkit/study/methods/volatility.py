"""Formulas of returns and volatility."""

from volkit.study.methods.method import Method

__all__ = ["VOLATILITY"]

VOLATILITY: tuple[Method, ...] = (
    Method(
        key="returns",
        title="Returns",
        latex=r"r_t = \frac{p_t}{p_{t-1}} - 1, \qquad \ell_t = \ln p_t - \ln p_{t-1}",
        where={
            r"r_t": "simple return of period t, decimal; margins use it",
            r"\ell_t": "log return of period t, decimal; volatilities and correlations use it",
            r"p_t": "close of period t, quote currency; a missing one is never filled",
        },
        source="Definition. Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 1.4.",
        functions=("volkit.simple_returns", "volkit.log_returns"),
        stage="volatility",
    ),
    Method(
        key="close-to-close",
        title="Close-to-close volatility",
        latex=r"s_t^2 = \frac{1}{w - 1} \sum_{i=0}^{w-1} \left( \ell_{t-i} - \bar\ell_t \right)^2",
        where={
            r"s_t": "volatility, decimal per period",
            r"w": "window, periods",
            r"\ell_t": "log return of period t, decimal",
            r"\bar\ell_t": "mean log return of the window, decimal",
        },
        source="Sample variance; unbiased for the variance under any constant drift.",
        functions=("volkit.volatility.close_to_close_volatility",),
        stage="volatility",
    ),
    Method(
        key="ewma",
        title="Exponentially weighted variance",
        latex=r"v_{t+1} = \lambda v_t + (1 - \lambda)\, r_t^2, \qquad \lambda = 2^{-1/H}",
        where={
            r"v_{t+1}": "variance of the next period, decimal squared, known at the end of period t",
            r"r_t": "return of period t, decimal; its mean is taken as zero",
            r"\lambda": "decay, no unit",
            r"H": "half-life, periods",
        },
        source="J.P. Morgan and Reuters, RiskMetrics Technical Document, 4th edition (1996), chapter 5.",
        functions=("volkit.volatility.Ewma",),
        stage="volatility",
        note="The first variance is the mean square of the first 50 returns unless another number is asked for.",
    ),
    Method(
        key="garch-t",
        title="GARCH and GJR filter",
        latex=(
            r"v_{t+1} = \omega + \left( \alpha + \gamma \mathbf{1}[e_t < 0] \right) e_t^2 + \beta v_t, "
            r"\qquad z_t = \frac{r_t - \mu}{\sqrt{v_t}} \sim t_\nu(0, 1)"
        ),
        where={
            r"v_{t+1}": "variance of the next period, decimal squared, known at the end of period t",
            r"r_t, \mu": "return of period t and mean return, decimal",
            r"e_t": "return less its mean, decimal",
            r"z_t": "shock with mean zero and variance one, no unit; Student's t with nu degrees of freedom, or normal",
            r"\nu": "degrees of freedom, above 2",
            r"\omega": "constant, decimal squared",
            r"\alpha, \beta": "weight of the last squared shock and of the last variance, no unit",
            r"\gamma": "additional weight of a fall, no unit; 0 in GARCH",
        },
        source=(
            "Bollerslev (1986), Journal of Econometrics 31(3); Bollerslev (1987), Review of Economics and Statistics "
            "69(3), for Student's t; Glosten, Jagannathan and Runkle (1993), Journal of Finance 48(5), for the term of "
            "falls. "
            "By maximum likelihood with exact derivatives."
        ),
        functions=("volkit.volatility.Garch", "volkit.volatility.rolling_forecast"),
        stage="volatility",
    ),
    Method(
        key="qlike",
        title="QLIKE loss of a variance forecast",
        latex=r"L_t = \frac{p_t}{h_t} - \ln \frac{p_t}{h_t} - 1",
        where={
            r"L_t": "loss, no unit; zero for a perfect forecast",
            r"h_t": "variance forecast, decimal squared",
            r"p_t": "proxy of the variance that came (squared return or range), decimal squared",
        },
        source="Patton (2011), Journal of Econometrics 160(1), 246-256; of his robust losses that with b = -2.",
        functions=("volkit.validation.qlike_loss", "volkit.volatility.compare_forecasts"),
        stage="volatility",
    ),
    Method(
        key="diebold-mariano",
        title="Equal expected loss (Diebold and Mariano)",
        latex=(
            r"t = \frac{\bar d}{\sqrt{S / n}} \sqrt{\frac{n + 1 - 2h + h(h-1)/n}{n}}, "
            r"\qquad d_t = L_t^{a} - L_t^{b}"
        ),
        where={
            r"d_t, \bar d": "difference of the losses of forecasts a and b, and its mean, in their unit",
            r"L_t^{a}": "loss of forecast a in period t, any unit",
            r"S": "long-run variance of the differences by Bartlett weights, squared unit",
            r"n": "number of differences",
            r"h": "periods that a forecast looks ahead",
            r"t": "compared with Student's t of n - 1 degrees of freedom",
        },
        source=(
            "Diebold and Mariano (1995), Journal of Business & Economic Statistics 13(3), 253-263; Harvey, Leybourne "
            "and Newbold (1997), International Journal of Forecasting 13(2), 281-291, for the second factor."
        ),
        functions=("volkit.validation.diebold_mariano_test",),
        stage="validation",
        note="Not for nested models that were estimated on the whole history.",
    ),
)
