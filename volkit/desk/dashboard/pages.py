"""The HTML of the dashboard's panels: results enter, escaped fragments leave, each with the files that it offers.

Nothing is computed here that a result does not hold; sentences carry the numbers that one looks for first.
"""

import base64
from collections.abc import Sequence

from jinja2 import Environment
from markupsafe import Markup

from volkit.conventions import SIDES, Side, spoken_periods
from volkit.correlation import CorrelationEstimate
from volkit.desk.dashboard.files import Download
from volkit.desk.dashboard.words import percent, two_digits
from volkit.margin import CalibratedParameters
from volkit.margin.bridge import StressReplay
from volkit.margin.frontier import PolicyFrontier
from volkit.report import (
    ColumnKind,
    FigureFiles,
    format_value,
    to_html_table,
)
from volkit.validation.battery import CoverageBattery

__all__ = [
    "TITLES",
    "answer_html",
    "correlation_words",
    "downloads_html",
    "empty_html",
    "exceptions_html",
    "failure_html",
    "figure_html",
    "frontier_html",
    "stress_html",
]

TITLES = {
    "answer": "Margins to set now",
    "schedule": "Margins against the losses that came",
    "exceptions": "Would they have held?",
    "stress": "In the named crises",
    "correlation": "Correlation with the macro series",
    "frontier": "What other policies cost",
    "downloads": "Take the numbers with you",
}

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)

_PANEL = _PAGE.from_string("""<section class="panel" aria-labelledby="panel-{{ name }}">
<h2 id="panel-{{ name }}">{{ title }}</h2>
{{ body }}
{% if notes %}<details class="doubts"><summary>{{ notes | length }} note{{ "s" if notes | length > 1 }}</summary><ul>
{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul></details>{% endif %}
</section>""")

_ANSWER = _PAGE.from_string("""{% if simulated %}
<p class="simulated">SIMULATED prices: none of these numbers is of a real market.</p>
{% endif %}
<p class="lead">{{ lead }}</p>
<dl class="cards">
{% for card in cards %}<div class="card {{ card.side }}"><dt>{{ card.name }}</dt>
<dd><span class="big" data-rate="{{ card.key }}">{{ card.value }}</span><span class="soft">{{ card.range }}</span></dd>
</div>{% endfor %}
</dl>
<dl class="facts">{% for name, fact in facts %}<div><dt>{{ name }}</dt><dd>{{ fact }}</dd></div>{% endfor %}</dl>""")

_FIGURE = _PAGE.from_string("""{% if lead %}<p class="lead">{{ lead }}</p>{% endif %}<figure><picture>
<source media="(max-width: 640px)" srcset="{{ narrow }}" width="{{ f.narrow_size[0] }}" height="{{ f.narrow_size[1] }}">
<img src="{{ wide }}" width="{{ f.size[0] }}" height="{{ f.size[1] }}" alt="{{ f.alt }}"></picture>
<figcaption>{{ f.caption }}</figcaption></figure>""")

_DOWNLOADS = _PAGE.from_string("""<p class="lead">{{ lead }}</p><ul class="downloads">
{% for one in files %}<li><a href="{{ one.href }}" download="{{ one.name }}">{{ one.words }}</a>
<span class="soft">{{ one.name }}, {{ one.size }}</span></li>{% endfor %}</ul>""")

_TEXT = _PAGE.from_string("""<p class="{{ css }}">{{ text }}</p>""")


def empty_html(name: str, text: str) -> str:
    """Return a panel that has nothing but its heading and a sentence."""
    return _panel(name, _TEXT.render(css="soft", text=text))


def failure_html(name: str, text: str) -> str:
    """Return a panel that says in one sentence why it has no numbers."""
    return _panel(name, _TEXT.render(css="failure", text=text))


def answer_html(found: CalibratedParameters, notes: Sequence[str]) -> str:
    """Return the panel of the margins to set: rates with their range, validity, policy and evidence."""
    table = found.table
    cards = []
    for layer, words in (("initial_margin", "Initial margin"), ("maintenance_margin", "Maintenance margin")):
        for side in SIDES:
            row = table.loc[f"{layer}_{side}"]
            cards.append(
                {
                    "side": side,
                    "key": f"{layer}_{side}",
                    "name": f"{words}, {side}",
                    "value": percent(row["recommended"]),
                    "range": f"90 % interval {percent(row['low'])} to {percent(row['high'])}",
                }
            )
    leverage = " and ".join(
        f"{format_value(table.loc[f'max_leverage_{s}', 'recommended'], kind='by_unit', unit='times')} {s}"
        for s in SIDES
    )
    facts = [
        ("As of", f"{found.as_of.date()}, last return known"),
        ("Valid until", str(found.valid_until.date())),
        ("Largest leverage", leverage),
        ("Returns", f"{found.n_obs:,}; margins walked forward from {found.schedule.frame.index[0].date()} on"),
        ("Policy", found.policy.words + (f", {found.policy.model.words}" if found.policy.is_filtered else "")),
    ]
    body = _ANSWER.render(lead=_answer_words(found), cards=cards, facts=facts, simulated=found.provenance.simulated)
    return _panel("answer", body, notes)


def exceptions_html(found: CalibratedParameters, tests: CoverageBattery, notes: Sequence[str]) -> str:
    """Return the panel of coverage tests by side, the whole battery folded."""
    test = found.backtest
    table = test.table.loc[[(side, "maintenance_margin") for side in SIDES]].droplevel("layer")
    shown = table[
        ["periods", "exceptions", "expected", "rate", "target rate", "Kupiec p", "independence p",
         "Christoffersen p", "traffic light", "largest beyond", "mean rate"]
    ]  # fmt: skip
    kinds: dict[str, ColumnKind] = {
        "rate": "percent", "target rate": "percent", "largest beyond": "percent", "mean rate": "percent",
    }  # fmt: skip
    folded = tests.table.droplevel(["instrument", "regime"])["p_used"].unstack("side")[list(SIDES)]
    battery = to_html_table(
        folded.rename_axis(index="test", columns=None),
        caption="Every test of the battery, p-values as they come, not corrected for their number",
        kinds=dict.fromkeys(SIDES, "p_value"),
    )
    body = Markup("{}{}<details><summary>All {} tests of the battery</summary>{}</details>").format(
        Markup(_TEXT.render(css="lead", text=_exceptions_words(found, test.step))),
        Markup(to_html_table(shown, caption="Losses strictly above the maintenance margin, by side", kinds=kinds)),
        len(folded),
        Markup(battery),
    )
    return _panel("exceptions", body, notes)


def stress_html(replay: StressReplay, figure: FigureFiles, notes: Sequence[str]) -> str:
    """Return the panel of stress windows: figure, and the table by window and side."""
    shown = replay.table[
        ["first", "last", "price_move", "worst_loss", "margin_at_worst", "worst_excess", "exceptions", "calls"]
    ]
    kinds: dict[str, ColumnKind] = {"first": "date", "last": "date"}
    kinds |= dict.fromkeys(("price_move", "worst_loss", "margin_at_worst", "worst_excess"), "percent")
    left_out = [f"{name}: left out, {why}" for name, why in replay.left_out.items()]
    table = to_html_table(shown, caption="A position of one unit of notional in each window", kinds=kinds)
    body = Markup("{}<details><summary>The numbers by window</summary>{}</details>").format(
        Markup(_figure(figure, _stress_words(replay))), Markup(table)
    )
    return _panel("stress", body, (*notes, *left_out))


def correlation_words(estimate: CorrelationEstimate) -> str:
    """Return the latest correlation with its interval as a sentence (no unit)."""
    last = estimate.path.dropna(subset=["correlation"]).iloc[-1]
    return (
        f"{' and '.join(estimate.pair)}: {two_digits(last['correlation'])} in the latest 90 periods, "
        f"{100 * estimate.confidence:g} % interval {two_digits(last['lower'])} to {two_digits(last['upper'])}."
    )


def frontier_html(frontier: PolicyFrontier, current: str, figure: FigureFiles, notes: Sequence[str]) -> str:
    """Return the panel of policies: figure, and the table of those that no other beats."""
    names = ["cost", "exceedance", "worst_exceedance", "procyclicality", "rise", "quantile_loss"]
    table = frontier.table[names]
    heads = {
        "cost": "mean margin", "exceedance": "exceptions", "worst_exceedance": "exceptions, worse side",
        "procyclicality": "peak over trough", "rise": "largest 5-period rise", "quantile_loss": "quantile loss",
    }  # fmt: skip
    shown = table.sort_values("cost", kind="stable").rename(columns=heads)
    shown.insert(0, "chosen", ["chosen" if name == current else "" for name in shown.index])
    kinds: dict[str, ColumnKind] = dict.fromkeys(
        ("mean margin", "exceptions", "exceptions, worse side", "largest 5-period rise", "quantile loss"), "percent"
    )
    html = to_html_table(shown, caption="All policies, the cheapest first", kinds=kinds)
    body = Markup("{}<details><summary>The numbers by policy</summary>{}</details>").format(
        Markup(_figure(figure, _frontier_words(frontier, current))), Markup(html)
    )
    return _panel("frontier", body, notes)


def figure_html(name: str, figure: FigureFiles, notes: Sequence[str], *, lead: str = "") -> str:
    """Return a panel with one figure: the wide image, the narrow one on phones, alternative text and caption."""
    return _panel(name, _figure(figure, lead), notes)


def downloads_html(files: Sequence[Download]) -> str:
    """Return the panel of links that save a file each."""
    return _panel("downloads", _DOWNLOADS.render(files=files, lead="Files of the numbers and figures shown above."))


def _panel(name: str, body: str, notes: Sequence[str] = ()) -> str:
    return _PANEL.render(name=name, title=TITLES[name], body=Markup(body), notes=list(dict.fromkeys(notes)))


def _figure(figure: FigureFiles, lead: str) -> str:
    wide, narrow = (f"data:image/png;base64,{base64.b64encode(b).decode()}" for b in (figure.png, figure.narrow_png))
    return _FIGURE.render(f=figure, wide=wide, narrow=narrow, lead=lead)


def _answer_words(found: CalibratedParameters) -> str:
    rate, test = found.table["recommended"], found.backtest
    long, short = (percent(rate[f"initial_margin_{side}"]) for side in SIDES)
    verdict = (
        "the tests reject this policy for too many exceptions"
        if test.under_margined
        else "not rejected for too many exceptions"
    )
    counts = " and ".join(f"{test.coverage[s].n_exceptions} {s}" for s in SIDES)
    expected = test.coverage["long"].expected_exceptions
    return (
        f"{found.asset}: set initial margin {long} for long and {short} for short positions, valid until "
        f"{found.valid_until.date()}. {counts} exceptions in {test.n_obs:,} tested periods, {expected:.1f} expected on "
        f"either side: {verdict}."
    )


def _exceptions_words(found: CalibratedParameters, step: int) -> str:
    every = "" if step == 1 else f" Losses over {spoken_periods(step)} overlap, so one in {step} is tested."
    parts = [_side_words(found, side) for side in SIDES]
    return f"{' '.join(parts)}{every}"


def _side_words(found: CalibratedParameters, side: Side) -> str:
    row = found.backtest.table.loc[(side, "maintenance_margin")]
    clustered = row["independence p"] < 0.05
    return (
        f"{side.capitalize()}: {row['exceptions']:.0f} exceptions against {row['expected']:.1f} expected "
        f"(Kupiec p {format_value(row['Kupiec p'], kind='p_value')}), {'in clusters' if clustered else 'no clusters'} "
        f"(independence p {format_value(row['independence p'], kind='p_value')}), traffic light {row['traffic light']}."
    )


def _stress_words(replay: StressReplay) -> str:
    (window, side), row = max(replay.table.iterrows(), key=lambda item: item[1]["worst_excess"])
    if row["worst_excess"] > 0.0:
        return (
            f"Worst: {window}, {side}. The loss was {percent(row['worst_loss'])} over one margin period of risk; "
            f"the largest shortfall of the margin was {percent(row['worst_excess'])} of the notional."
        )
    return f"Every loss was covered; closest was {window}, {side}, with {percent(-row['worst_excess'])} to spare."


def _frontier_words(frontier: PolicyFrontier, current: str) -> str:
    row = frontier.table.loc[current]
    promise = 1.0 - frontier.confidence
    standing = "no other policy beats it in everything" if row["is_efficient"] else "another policy beats it"
    return (
        f"The chosen policy holds {percent(row['cost'])} on average and was exceeded in "
        f"{format_value(row['exceedance'], kind='percent')} of periods against {format_value(promise, kind='percent')} "
        f"promised; {standing}."
    )
