"""Which methods a run used, and the section of its report that states them."""

from volkit.report.blocks import Formula, FormulaBlock, Section
from volkit.study.methods import METHODS, Method
from volkit.study.run import StudyRun
from volkit.study.stress.stage import StressParts

__all__ = ["methods_section", "stress_methods", "used_methods"]

_TITLES = {
    "volatility": "Returns and volatility",
    "margin": "Margins",
    "validation": "Tests and scores",
    "realtime": "Live margins",
    "correlation": "Correlation",
    "portfolio": "The book",
    "contagion": "Cascades and networks",
    "solvency": "Funds and solvency",
}
_OF_METHOD = {
    "historical": (),
    "weighted_historical": ("weighted-historical",),
    "filtered_historical": ("garch-t", "filtered-historical"),
    "fitted_law": ("garch-t", "fitted-law"),
}
_OF_PART = {
    "regimes": ("binomial",),
    "frontier": ("peak-to-trough", "quantile-loss", "weighted-historical", "fitted-law"),
    "procyclicality": ("peak-to-trough", "anti-procyclical"),
    "tiers": ("close-out-cost", "tiers"),
    "replay": (),
    "bridge": ("conditional-quantile", "fz0", "quantile-loss", "diebold-mariano"),
    "live": ("quantile-tracker",),
}
_OF_CORRELATION_PART = {
    "change": ("constancy", "correlation-change", "correlation-break", "breakdown-alarm"),
    "betas": ("directional-beta",),
    "models": ("dcc", "correlation-regimes", "garch-t"),
    "lead_lag": ("lead-lag",),
    "spillovers": ("connectedness", "granger"),
    "events": ("event-study",),
    "tails": ("tail-dependence", "exceedance-correlation"),
    "offsets": ("offsets", "correlation-interval"),
}


def used_methods(run: StudyRun) -> frozenset[str]:
    """Return the keys of the methods that a run used."""
    margin = run.spec.margin
    used = {"returns", "loss", "policy", "rate-interval", "type-6-quantile", "exceptions", "kupiec", "christoffersen"}
    used |= {"power", "traffic-light", "quantile-loss", "liquidation-price"}
    for found in run.parameters.values():
        for method in found.backtests:
            used |= set(_OF_METHOD.get(str(method), ("garch-t", "filtered-historical")))
        if found.policy.measure == "expected_shortfall":
            used.add("expected-shortfall")
    for part in margin.parts:
        used |= set(_OF_PART[part])
    if run.volatility:
        used |= {"garch-t", "ewma", "close-to-close"}
    if run.correlation:
        used |= {"correlation-interval", "ewma-correlation", "macro-beta", "macro-day", "expected-shortfall"}
        for asked in run.spec.correlation.parts:
            used |= set(_OF_CORRELATION_PART[asked])
    if run.portfolio is not None:
        used |= {"risk-array"}
        used |= {"black-76"} if run.spec.portfolio is not None and run.spec.portfolio.chains else set()
        used |= {"shortfall-margin", "netting", "expected-shortfall"} if run.portfolio.scenarios is not None else set()
    return frozenset(used | (stress_methods(run.stress) if run.stress is not None else set()))


def stress_methods(parts: StressParts) -> frozenset[str]:
    """Return the keys of the methods that a venue's stress used."""
    used = {"square-root-impact", "cascade", "fracture"}
    used |= {"liquidity-velocity"} if parts.cascade.velocity is not None else set()
    used |= {"depletion", "waterfall", "garch-t", "returns"} if parts.fund is not None else set()
    used |= {"solvency-ratio"} if parts.balance.ratios is not None or parts.balance.reserves is not None else set()
    used |= {"health-factor"} if parts.balance.health is not None else set()
    if parts.network is not None:
        used |= {"eisenberg-noe"} | ({"debtrank"} if parts.network.ranking is not None else set())
    return frozenset(used)


def methods_section(keys: frozenset[str], *, part: str = "") -> Section:
    """Return the section that states some methods, by stage."""
    chosen = [method for method in METHODS if method.key in keys]
    blocks = []
    for stage, title in _TITLES.items():
        own = [method for method in chosen if method.stage == stage]
        if own:
            n = f"{len(own)} formula{'s' * (len(own) > 1)}"
            blocks.append(FormulaBlock(f"{title} ({n})", tuple(_formula(method) for method in own)))
    lead = (
        f"The {len(chosen)} methods behind the numbers above: formula, symbols with their units, source, and the code."
    )
    return Section(title="Methods and formulas", lead=lead, blocks=tuple(blocks), part=part)


def _formula(method: Method) -> Formula:
    return Formula(
        title=method.title,
        latex=method.latex,
        where=method.where,
        source=method.source,
        note=method.note,
        functions=method.functions,
    )
