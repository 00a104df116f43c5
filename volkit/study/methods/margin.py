"""Formulas of margins: from a loss to a rate, its range, its remedies and its tiers."""

from volkit.study.methods.method import Method

__all__ = ["MARGIN"]

MARGIN: tuple[Method, ...] = (
    Method(
        key="loss",
        title="Loss of a position",
        latex=r"L_{t,h}^{\pm} = \mp \left( \frac{p_{t+h}}{p_t} - 1 \right)",
        where={
            r"L_{t,h}^{\pm}": "loss of a long (+) or a short (-) position, fraction of its notional at t; "
            "positive when money is lost",
            r"h": "margin period of risk, periods",
            r"p_t": "close of period t, quote currency",
        },
        source="Definition for a linear contract.",
        functions=("volkit.margin.margin_rates", "volkit.horizon_losses"),
        stage="margin",
    ),
    Method(
        key="type-6-quantile",
        title="Value at Risk: quantile of type 6",
        latex=(
            r"V = L_{(k)} + \left( m - k \right) \left( L_{(k+1)} - L_{(k)} \right), "
            r"\qquad m = (n + 1)\, c, \quad k = \lfloor m \rfloor"
        ),
        where={
            r"V": "Value at Risk, fraction of the notional",
            r"L_{(k)}": "k-th smallest loss of the look-back, fraction of the notional",
            r"n": "number of losses",
            r"c": "confidence, for example 0.99",
        },
        source="Hyndman and Fan (1996), The American Statistician 50(4), definition 6.",
        functions=("volkit.margin.tail_risk",),
        stage="margin",
        note=(
            "Independent losses exceed it with probability 1 - c; type 7, the default of numpy and pandas, is exceeded "
            "more often."
        ),
    ),
    Method(
        key="expected-shortfall",
        title="Expected shortfall",
        latex=r"E = \frac{1}{\#\{i : L_i \ge V\}} \sum_{i : L_i \ge V} L_i",
        where={
            r"E": "mean of the losses at or beyond the Value at Risk, fraction of the notional",
            r"V": "Value at Risk, fraction of the notional",
            r"L_i": "losses of the look-back, fraction of the notional",
        },
        source="Acerbi and Tasche (2002), Journal of Banking & Finance 26(7), for its coherence.",
        functions=("volkit.margin.tail_risk",),
        stage="margin",
        note=(
            "That of a book is the mean over the worst 1 - c of its scenarios, the one at the edge counted in part; "
            "weighted losses are cut at the edge in the same way."
        ),
    ),
    Method(
        key="weighted-historical",
        title="Weighted historical quantile",
        latex=(
            r"V = L_{[j]}, \quad j = \min \left\{ k : \sum_{i=1}^{k} w_{[i]} > 1 - c \right\}, "
            r"\qquad w_i \propto 2^{-a_i / H}"
        ),
        where={
            r"V": "Value at Risk, fraction of the notional",
            r"L_{[j]}": "j-th largest loss, fraction of the notional",
            r"w_i": "weight of loss i, no unit; all add up to one",
            r"w_{[i]}": "weight of the i-th largest loss",
            r"a_i": "age of loss i, periods; 0 for the latest",
            r"H": "half-life, periods",
            r"c": "confidence",
        },
        source="Boudoukh, Richardson and Whitelaw (1998), The best of both worlds, Risk 11(5).",
        functions=("volkit.margin.margin_schedule",),
        stage="margin",
    ),
    Method(
        key="filtered-historical",
        title="Filtered historical simulation",
        latex=(
            r"r_{t+1}^{(i)} = \mu + \sqrt{v_{t+1}}\, z_i, \qquad z_i = \frac{r_i - \mu}{\sqrt{v_i}}, "
            r"\qquad i = 1, \dots, n"
        ),
        where={
            r"r_{t+1}^{(i)}": "scenario i of the next period's return, decimal, never below -1",
            r"v_{t+1}": "variance forecast known at the end of period t, decimal squared",
            r"z_i": "past shock: return less its mean over the volatility of its period by the model, no unit",
            r"r_i, v_i": "past return, decimal, and its variance by the model, decimal squared",
            r"\mu": "mean return, decimal per period",
            r"n": "number of past shocks; each is one scenario",
        },
        source=(
            "Hull and White (1998), Journal of Risk 1(1); Barone-Adesi, Giannopoulos and Vosper (1999), Journal of "
            "Futures Markets 19(5). Over several periods shocks are drawn and run through the variance recursion."
        ),
        functions=("volkit.margin.margin_schedule", "volkit.scenarios.filtered_historical_scenarios"),
        stage="margin",
    ),
    Method(
        key="fitted-law",
        title="Quantile of the fitted law",
        latex=(
            r"V = -\mu + \sqrt{v_{t+1}}\; q_\nu(c), \qquad "
            r"E = -\mu + \sqrt{v_{t+1}}\; \frac{1}{1-c} \int_c^1 q_\nu(u)\, du"
        ),
        where={
            r"V, E": "Value at Risk and expected shortfall of a long position, fraction of the notional",
            r"q_\nu(c)": "quantile of the law of the losses' shocks (Student's t with variance one), no unit",
            r"c": "confidence",
            r"v_{t+1}": "variance forecast, decimal squared",
            r"\mu": "mean return, decimal per period",
        },
        source="McNeil, Frey and Embrechts (2015), Quantitative Risk Management, revised edition, chapter 2.",
        functions=("volkit.margin.parametric_tail_risk", "volkit.margin.margin_schedule"),
        stage="margin",
        note="For a short position the mean has the other sign. Over several periods the law's shocks are simulated.",
    ),
    Method(
        key="policy",
        title="From the measure to the margins",
        latex=r"M = \max(R,\, f), \qquad I = (1 + b)\, M",
        where={
            r"M": "maintenance margin rate, fraction of the notional; recommended values are rounded up",
            r"I": "initial margin rate, fraction of the notional",
            r"R": "tail measure over the margin period of risk (Value at Risk or expected shortfall), fraction",
            r"f": "floor, fraction of the notional",
            r"b": "buffer, no unit",
        },
        source="The study's policy; its numbers stand in study.toml.",
        functions=("volkit.margin.MarginPolicy", "volkit.margin.margin_schedule", "volkit.margin.calibrate_margin"),
        stage="margin",
        note="A long position loses its notional at most: its rates stop at 1.",
    ),
    Method(
        key="rate-interval",
        title="Interval of a rate",
        latex=r"\left[ \hat R\, \frac{Q_{0.05}(R^{*})}{R},\; \hat R\, \frac{Q_{0.95}(R^{*})}{R} \right]",
        where={
            r"\hat R": "latest rate, fraction of the notional",
            r"R^{*}": "measure of a sample resampled in circular blocks, fraction of the notional",
            r"R": "measure of the look-back as it came, fraction of the notional",
            r"Q_{p}": "quantile over 1,000 samples",
        },
        source="Politis and Romano (1992), A circular block-resampling procedure for stationary data.",
        functions=("volkit.margin.rate_interval",),
        stage="margin",
    ),
    Method(
        key="peak-to-trough",
        title="Procyclicality",
        latex=r"P = \frac{\max_t m_t}{\min_t m_t}, \qquad Q_n = \max_t \left( \frac{m_{t+n}}{m_t} - 1 \right)",
        where={
            r"P": "peak over trough, no unit",
            r"Q_n": "largest rise over n periods, fraction",
            r"m_t": "margin rate set at t, fraction of the notional",
        },
        source=(
            "Murphy, Vasios and Vause (2014), An investigation into the procyclicality of risk-based initial margin "
            "models, Bank of England Financial Stability Paper 29."
        ),
        functions=("volkit.procyclicality_metrics", "volkit.procyclicality_table"),
        stage="margin",
    ),
    Method(
        key="anti-procyclical",
        title="Remedies against procyclicality",
        latex=(
            r"m^{\mathrm{buffer}}_t = (1 + b_t)\, r_t,\; 0 \le b_t \le b; \qquad "
            r"m^{\mathrm{stress}}_t = (1 - w)\, r_t + w\, s_t; \qquad m^{\mathrm{floor}}_t = \max(r_t, f_t)"
        ),
        where={
            r"r_t": "calculated rate, fraction of the notional",
            r"m_t": "rate charged, fraction of the notional, by tool",
            r"b_t, b": "buffer left, released while the rate rises, and full (at least 0.25 in the rule), no unit",
            r"s_t": "rate of the worst window known so far, fraction of the notional",
            r"w": "weight of stressed observations (at least 0.25 in the regulation), no unit",
            r"f_t": "rate of a long look-back (ten years in the regulation), fraction of the notional",
        },
        source="Commission Delegated Regulation (EU) No 153/2013, Article 28(1)(a) to (c).",
        functions=("volkit.AntiProcyclicality",),
        stage="margin",
        note="The article names the tools; the rule of release and the mix are readings of it.",
    ),
    Method(
        key="close-out-cost",
        title="Cost of closing a position out",
        latex=r"C(N) = \left( \frac{s}{2} + y\, \sigma \sqrt{\frac{N}{V}} \right) N",
        where={
            r"C(N)": "cost, quote currency",
            r"N": "notional closed out, quote currency",
            r"s": "spread, fraction of the price",
            r"y": "impact constant, no unit; an assumption of the study",
            r"\sigma": "volatility of the price per period, decimal",
            r"V": "notional traded per period, quote currency",
        },
        source=(
            "Torre (1997), BARRA Market Impact Model Handbook, for the root; Almgren, Thum, Hauptmann and Li (2005), "
            "Direct estimation of equity market impact, Risk."
        ),
        functions=("volkit.impact.ImpactModel",),
        stage="margin",
    ),
    Method(
        key="tiers",
        title="Tiers by size",
        latex=(
            r"M(N) = m_k N - a_k, \quad L_k < N \le L_{k+1}; \qquad a_0 = 0, \quad "
            r"a_k = a_{k-1} + L_k \left( m_k - m_{k-1} \right)"
        ),
        where={
            r"M(N)": "maintenance margin of a notional N, quote currency; continuous and convex",
            r"m_k": "maintenance rate of tier k, fraction: the least that covers path loss and close-out cost in it",
            r"L_k": "lower end of tier k, quote currency",
            r"a_k": "deduction of tier k, quote currency",
        },
        source="Binance, leverage and margin of USD-M futures; Hyperliquid documentation, margin tiers.",
        functions=("volkit.TierTable", "volkit.design_tiers"),
        stage="margin",
    ),
    Method(
        key="conditional-quantile",
        title="Tails given the macro state",
        latex=(
            r"V_{t+1} = a + b' x_t, \qquad (a, b) = \operatorname{argmin}_{a, b} \sum_s "
            r"\left( \mathbf{1}[L_s > V_s] - p \right) \left( L_s - V_s \right), \quad "
            r"p = 1 - \frac{n + 1}{n}\, c"
        ),
        where={
            r"V_{t+1}": "Value at Risk of the next period, in volatility forecasts (no unit)",
            r"x_t": "macro state at the close before, standard deviations of its window, held within its range there",
            r"a, b": "level and slopes, no unit",
            r"L_s, V_s": "losses of the window over their volatility forecasts, and the plane at their states, no unit",
            r"n, c": "losses in the window, count, and confidence",
            r"p": "one less the level that the quantile of type 6 takes of n losses",
        },
        source=(
            "Koenker and Bassett (1978), Econometrica 46; expected shortfall as a multiple: Taylor (2019), Journal of "
            "Business & Economic Statistics 37; nearest states: Meucci (2010), Historical scenarios with fully "
            "flexible probabilities."
        ),
        functions=("volkit.conditional_tails", "volkit.bridge_proof"),
        stage="margin",
        note="A plane below a quarter of the quantile without state is held there, and counted.",
    ),
    Method(
        key="macro-day",
        title="The stressed macro day",
        latex=r"r^{(i)} = \exp\left( a + \sum_j \beta_j\, f_j^{*} + e_i \right) - 1",
        where={
            r"r^{(i)}": "scenario i of the asset's simple return, decimal",
            r"a": "intercept of the regression of log returns, decimal",
            r"f_j^{*}": "mean move of factor j on the worst days of one factor, in the factor's unit",
            r"\beta_j": "joint beta of the whole sample, decimal per unit of the factor",
            r"e_i": "past residual i, decimal (log return)",
        },
        source="Definition: intercept and betas times the move, plus every past residual, as a simple return.",
        functions=("volkit.macro_day_scenarios", "volkit.worst_factor_move"),
        stage="margin",
        note="A stress in which betas rise too is not in it.",
    ),
    Method(
        key="liquidation-price",
        title="Liquidation price",
        latex=r"P = \frac{W + a - s\, q\, E}{q\, m - s\, q}",
        where={
            r"P": "price at which equity equals the maintenance margin, quote currency",
            r"W": "collateral, quote currency",
            r"a": "deduction of the tier, quote currency",
            r"s": "+1 long, -1 short",
            r"q": "size, coins",
            r"E": "entry price, quote currency",
            r"m": "maintenance rate of the tier of the notional at P, fraction",
        },
        source="Binance, liquidation price of USD-M futures, one position.",
        functions=("volkit.liquidation_price", "volkit.tiered_liquidation_price"),
        stage="margin",
    ),
)
