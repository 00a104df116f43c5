"""Formulas of books and venues: portfolio margin, cascades, networks, funds and balance sheets."""

from volkit.study.methods.method import Method

__all__ = ["VENUE"]

VENUE: tuple[Method, ...] = (
    Method(
        key="black-76",
        title="Option prices (Black 1976)",
        latex=(
            r"C = D \left[ F\, N(d) - K\, N(d - s) \right], \qquad s = \sigma \sqrt\tau, \quad "
            r"d = \frac{\ln (F / K)}{s} + \frac{s}{2}"
        ),
        where={
            r"C": "price of a call, quote currency",
            r"F, K": "forward and strike, quote currency",
            r"D": "discount factor, no unit",
            r"\sigma": "implied volatility, decimal a year",
            r"\tau": "time to expiry, years",
            r"N": "distribution function of the normal law",
        },
        source="Black (1976), The pricing of commodity contracts, Journal of Financial Economics 3, 167-179.",
        functions=("volkit.black76_price",),
        stage="portfolio",
    ),
    Method(
        key="risk-array",
        title="Scenario margin",
        latex=r"M = \max_i \left( -w_i \sum_k q_k\, \Delta_{ik} \right)^{+}",
        where={
            r"M": "margin, USD; rule sets multiply it by factors and add charges of their own",
            r"\Delta_{ik}": "profit of one unit of contract k in scenario i, USD, by full revaluation",
            r"q_k": "units of contract k",
            r"w_i": "weight of scenario i, no unit; 1 but for the extreme moves of some rules",
        },
        source="CME, SPAN methodology; the venue's own rules where a rule set names them.",
        functions=("volkit.risk_array", "volkit.margin_under_rules", "volkit.scenario_portfolio_margin"),
        stage="portfolio",
    ),
    Method(
        key="shortfall-margin",
        title="Expected shortfall of a book and its parts",
        latex=(
            r"M = \sum_k M_k, \qquad "
            r"M_k = -q_k \sum_i \pi_i\, \Delta_{ik}"
        ),
        where={
            r"M": "expected shortfall of the book, USD",
            r"M_k": "part of position k, USD; the parts add up to the margin",
            r"q_k": "units of position k",
            r"\Delta_{ik}": "profit of one unit of k in scenario i, USD",
            r"\pi_i": "weight of scenario i among the book's worst 1 - c, the one at the edge in part; sum one",
        },
        source="Tasche (2002), Expected shortfall and beyond, Journal of Banking & Finance 26(7), 1519-1533.",
        functions=("volkit.expected_shortfall_margin", "volkit.shortfall_contributions"),
        stage="portfolio",
    ),
    Method(
        key="netting",
        title="Netting and stressed correlation",
        latex=(
            r"m = \varrho\left( \sum_i L_i \right)^{+}, \quad \mathrm{gross} = \sum_i \varrho(L_i)^{+}; \qquad "
            r"\text{elliptical:}\quad m = k \sqrt{e' R\, e}, \quad \mathrm{gross} = k \sum_i |e_i|"
        ),
        where={
            r"m": "net margin, USD",
            r"\varrho(L_i)": "expected shortfall (or another tail measure) of the loss of set i in scenarios, USD",
            r"L_i": "loss of set i: a position, an underlying or an account, USD",
            r"e_i": "position times volatility of underlying i, USD",
            r"R": "correlation matrix: estimated, at its bounds, or stressed; scenarios are reordered to have it",
            r"k": "multiple of the law at the confidence, no unit",
        },
        source=(
            "Definition; for elliptical laws McNeil, Frey and Embrechts (2015), Quantitative Risk Management, revised "
            "edition, chapter 8."
        ),
        functions=("volkit.stressed_margin", "volkit.net_and_gross", "volkit.margin_modes"),
        stage="portfolio",
    ),
    Method(
        key="square-root-impact",
        title="Price impact of forced orders",
        latex=r"P(x) = P_{\mathrm{ref}}\, e^{-g(x)}, \qquad g(x) = Y \sigma \sqrt{x / V}",
        where={
            r"P(x)": "middle price after a net sale of x coins, USD; bought coins move it up",
            r"P_{\mathrm{ref}}": "reference price, USD",
            r"g(x)": "displacement of the last coin, log move; the mean cost is about 2/3 of it",
            r"Y": "constant, no unit",
            r"\sigma": "volatility of the log price per period, decimal",
            r"V": "coins traded in the same period",
        },
        source="Torre (1997), BARRA Market Impact Model Handbook; Donier and Bonart (2015) for bitcoin.",
        functions=("volkit.SquareRootImpact", "volkit.BookImpact", "volkit.LinearImpact"),
        stage="contagion",
        note="Where the venue's folder has an order book, g is read off that book instead.",
    ),
    Method(
        key="cascade",
        title="A round of a liquidation cascade",
        latex=(
            r"B_k = \left\{ i \;\text{open} : s_i \left( P_{k-1} - P_i^{\mathrm{liq}} \right) \le 0 \right\}, \quad "
            r"x_k = x_{k-1} + \sum_{i \in B_k} s_i q_i, \quad P_k = P_{\mathrm{ref}}\, e^{-g(x_k)}"
        ),
        where={
            r"B_k": "accounts closed in round k; rounds end when nobody is reached",
            r"P_k, P_{\mathrm{ref}}": "middle price after round k, and reference price that the shock has moved, USD",
            r"P_i^{\mathrm{liq}}": "liquidation price of account i, USD",
            r"s_i": "+1 long, -1 short",
            r"q_i": "size, coins",
            r"x_k": "net coins sold, decaying with the half-life of impact between steps",
            r"g": "displacement of the impact law, log move (odd in x)",
        },
        source="Definition of the package; closed forms for linear and square-root impact in volkit.contagion.cascade.",
        functions=("volkit.run_cascade", "volkit.cascade_paths", "volkit.amplification_curve"),
        stage="contagion",
        note=(
            "With linear impact of lambda a coin and a ladder of rho coins a unit of log price, a log shock s ends at "
            "s / (1 - lambda rho), as long as lambda rho is below 1 and the ladder reaches so far."
        ),
    ),
    Method(
        key="fracture",
        title="Fracture threshold",
        latex=r"s^{*} = \inf \left\{ s : \mathrm{BadDebt}(s) > F(s) \right\}",
        where={
            r"s": "first move of the price, decimal",
            r"\mathrm{BadDebt}(s)": (
                "losses beyond collateral in the cascade that s sets off, and what accounts still open owe then, USD"
            ),
            r"F(s)": "what fund and the venue's own money before it can pay in it, with what liquidations leave, USD",
        },
        source="Definition; found by a scan and a search below its first broken move.",
        functions=("volkit.fracture_threshold", "volkit.phase_diagram", "volkit.policies_in_cascade"),
        stage="contagion",
        note="A market with nothing left to trade counts as broken.",
    ),
    Method(
        key="liquidity-velocity",
        title="Liquidity velocity",
        latex=r"\mathrm{velocity}(c) = \kappa\, g^{-1}(c)\, P e^{-c}, \qquad \kappa = \frac{\ln 2}{T_{1/2}}",
        where={
            r"c": "cap on the displacement of the price, log move",
            r"g^{-1}(c)": "depth within the cap, coins",
            r"\kappa": "share of an impact that recovers, per minute",
            r"T_{1/2}": "half-life of an impact, minutes",
            r"P": "price, USD",
        },
        source=(
            "Definition of the package: the constant flow of forced sales, USD a minute, that never leaves the cap; "
            "for purchases the exponent has the other sign."
        ),
        functions=("volkit.liquidity_velocity",),
        stage="contagion",
    ),
    Method(
        key="depletion",
        title="Chance that the fund is used up",
        latex=r"\hat p = \frac{1}{N} \sum_{j=1}^{N} \mathbf{1}\left[ U^{(j)} > 0 \right]",
        where={
            r"U^{(j)}": (
                "losses on simulated path j that the venue's own money and the fund could not pay, with what accounts "
                "still open owe at its end, USD; a path on which nothing is left to trade counts, too"
            ),
            r"N": "paths, count",
            r"\hat p": "probability per horizon, with Clopper and Pearson's interval",
        },
        source="Clopper and Pearson (1934), Biometrika 26(4), for the interval. The model's error is not in it.",
        functions=("volkit.cascade_paths", "volkit.fund_adequacy", "volkit.required_fund"),
        stage="solvency",
        note="In a run the paths are those of a GJR model with Student's t shocks; weighted paths count by weight.",
    ),
    Method(
        key="waterfall",
        title="Who pays a loss",
        latex=r"\ell_k = \min\left( c_k,\; L - \sum_{j<k} \ell_j \right)",
        where={
            r"L": "loss beyond the collateral of the closed accounts, USD",
            r"c_k": "capacity of layer k in its order: own money, fund, winners, all; USD",
            r"\ell_k": "what layer k pays, USD",
        },
        source="CPSS-IOSCO (2012), Principles for financial market infrastructures, principle 4; the venue's order.",
        functions=("volkit.loss_waterfall", "volkit.auto_deleverage"),
        stage="solvency",
    ),
    Method(
        key="eisenberg-noe",
        title="Clearing of debts (Eisenberg and Noe)",
        latex=r"p_i = \min\left( \bar p_i,\; e_i + \sum_j \Pi_{ji}\, p_j \right)",
        where={
            r"p_i": "what node i pays in all, USD; the greatest solution",
            r"\bar p_i": "what it owes, USD",
            r"e_i": "its assets from outside the network, USD",
            r"\Pi_{ji}": "share of the payments of j that goes to i",
        },
        source=(
            "Eisenberg and Noe (2001), Systemic risk in financial systems, Management Science 47(2); with costs of "
            "default Rogers and Veraart (2013), Failure and rescue in an interbank network, Management Science 59(4)."
        ),
        functions=("volkit.clearing_vector",),
        stage="contagion",
    ),
    Method(
        key="debtrank",
        title="Spread of distress (DebtRank)",
        latex=r"h_i = \min\left( 1,\; h_i^{0} + \sum_j V_{ij}\, h_j \right)",
        where={
            r"h_i": "distress of node i: share of its buffer that is lost; the least solution",
            r"h_i^{0}": "first loss as a share of the buffer",
            r"V_{ij}": "what j owes i over the buffer of i, no unit",
        },
        source=(
            "Bardoscia, Battiston, Caccioli and Caldarelli (2015), DebtRank: a microscopic foundation for shock "
            "propagation, PLoS ONE 10(6); the sum of their recursion."
        ),
        functions=("volkit.debtrank", "volkit.systemic_ranking"),
        stage="contagion",
    ),
    Method(
        key="solvency-ratio",
        title="Solvency and reserves",
        latex=r"\mathrm{solvency} = \frac{A}{D}, \qquad \mathrm{reserves}_k = \frac{H_k}{O_k}",
        where={
            r"A, D": "assets and liabilities, USD",
            r"H_k": "units of asset k that are held, loans left out",
            r"O_k": "units of asset k that customers are owed",
        },
        source="Definition. The weakest asset counts: an excess of one pays for another only at a price.",
        functions=("volkit.solvency_ratios", "volkit.reserve_ratios", "volkit.stressed_solvency"),
        stage="solvency",
    ),
    Method(
        key="health-factor",
        title="Health factor of a loan",
        latex=r"H = \frac{\sum_i c_i\, \lambda_i}{D}",
        where={
            r"H": "below 1 the account can be liquidated, no unit",
            r"c_i": "value of collateral i, USD",
            r"\lambda_i": "liquidation threshold of collateral i, fraction",
            r"D": "debt, USD",
        },
        source="Aave documentation, health factor.",
        functions=("volkit.health_distribution",),
        stage="solvency",
    ),
)
