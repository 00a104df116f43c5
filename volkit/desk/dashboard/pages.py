"""The HTML of the dashboard's panels: results enter, escaped fragments leave, each with the files that it offers.

Nothing is computed here that a result does not hold; sentences carry the numbers that one looks for first.
"""

import base64
from collections.abc import Sequence

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from volkit.conventions import SIDES
from volkit.desk.dashboard.crises import worst_days
from volkit.desk.dashboard.files import Download
from volkit.desk.dashboard.sentences import (
    answer_words,
    exceptions_words,
    frontier_words,
    is_expired,
    stress_words,
)
from volkit.desk.dashboard.verdicts import judge, p_origin
from volkit.formatting import percent_to
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
    "downloads_html",
    "empty_html",
    "exceptions_html",
    "failure_html",
    "figure_html",
    "frontier_html",
    "stress_html",
]

TITLES = {
    "answer": "Margins",
    "schedule": "Margins against the losses that came",
    "exceptions": "Would they have held?",
    "stress": "In the named crises",
    "correlation": "Correlation with another series",
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


def answer_html(
    found: CalibratedParameters,
    tests: CoverageBattery,
    notes: Sequence[str],
    *,
    now: pd.Timestamp,
    masked: pd.DatetimeIndex,
    pointer: str = "",
) -> str:
    """Return the panel of the margins: rates with their range, validity, policy and evidence.

    Parameters
    ----------
    found : CalibratedParameters
        Of the chosen policy.
    tests : CoverageBattery
        Of its maintenance margin.
    notes : sequence of str
        Shown folded.
    now : Timestamp
        The present instant (UTC); margins whose validity is over are not called those to set now.
    masked : DatetimeIndex
        Labels of prices of zero or less (UTC).
    pointer : str
        What the comparison of policies says of a rejected one, when it is known.
    """
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
                    "value": percent_to(row["recommended"]),
                    "range": f"90 % interval {percent_to(row['low'])} to {percent_to(row['high'])}",
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
        (
            "Look-back",
            f"the first margin rests on {found.policy.lookback:,} returns, each later one on all returns before it",
        ),
    ]
    verdicts, _ = judge(found, tests)
    lead = answer_words(found, verdicts, now=now, masked=masked, pointer=pointer)
    body = _ANSWER.render(lead=lead, cards=cards, facts=facts, simulated=found.provenance.simulated)
    title = f"Margins as of {found.as_of.date()}" if is_expired(found, now) else "Margins to set now"
    return _panel("answer", body, notes, title=title)


def exceptions_html(found: CalibratedParameters, tests: CoverageBattery, notes: Sequence[str]) -> str:
    """Return the panel of coverage tests by side, the whole battery folded."""
    verdicts, shown = judge(found, tests)
    kinds: dict[str, ColumnKind] = {
        "rate": "percent", "target rate": "percent", "largest beyond": "percent", "mean margin": "percent",
        **dict.fromkeys(("Kupiec p", "independence p", "joint p"), "p_value"),
    }  # fmt: skip
    n_overlapping = int(tests.cells["n_obs"].iloc[0])
    apart = "" if tests.horizon == 1 else f", one period in {tests.horizon}, so that none overlap"
    caption = f"Losses strictly above the maintenance margin, by side{apart}: {p_origin(tests.horizon)}"
    folded = tests.table.droplevel(["instrument", "regime"])["p_used"].unstack("side")[list(SIDES)]
    battery = to_html_table(
        folded.rename_axis(index="test", columns=None),
        caption=f"Every test of the battery: {p_origin(tests.horizon)}",
        kinds=dict.fromkeys(SIDES, "p_value"),
    )
    body = Markup("{}{}<details><summary>All {} tests of the battery</summary>{}</details>").format(
        Markup(_TEXT.render(css="lead", text=exceptions_words(verdicts, tests.horizon, n_overlapping))),
        Markup(to_html_table(shown, caption=caption, kinds=kinds)),
        len(folded),
        Markup(battery),
    )
    return _panel("exceptions", body, notes)


def stress_html(replay: StressReplay, figure: FigureFiles, notes: Sequence[str]) -> str:
    """Return the panel of stress windows: figure, and the table by window and side."""
    worst = worst_days(replay).rename(
        columns={"day": "least covered on", "loss": "loss that day", "margin": "margin that day"}
    )
    shown = replay.table[["first", "last", "price_move"]].join(worst)
    shown[["exceptions", "calls"]] = replay.table[["exceptions", "calls"]]
    kinds: dict[str, ColumnKind] = dict.fromkeys(("first", "last", "least covered on"), "date")
    kinds |= dict.fromkeys(("price_move", "loss that day", "margin that day", "excess"), "percent")
    left_out = [f"{name}: left out, {why}" for name, why in replay.left_out.items()]
    table = to_html_table(shown, caption="A position of one unit of notional in each window", kinds=kinds)
    body = Markup("{}<details><summary>The numbers by window</summary>{}</details>").format(
        Markup(_figure(figure, stress_words(replay))), Markup(table)
    )
    return _panel("stress", body, (*notes, *left_out))


def frontier_html(frontier: PolicyFrontier, current: str, figure: FigureFiles, notes: Sequence[str]) -> str:
    """Return the panel of policies: figure, and the table of those that no other beats."""
    names = ["cost", "exceedance", "procyclicality", "rise", "quantile_loss", "n_too_many"]
    table = frontier.table[names]
    heads = {
        "cost": "mean margin", "exceedance": "exceptions, worse side", "n_too_many": "sides rejected for too many",
        "procyclicality": "peak over trough", "rise": "largest 5-period rise", "quantile_loss": "quantile loss",
    }  # fmt: skip
    shown = table.sort_values("cost", kind="stable").rename(columns=heads)
    shown.insert(0, "chosen", ["chosen" if name == current else "" for name in shown.index])
    kinds: dict[str, ColumnKind] = dict.fromkeys(
        ("mean margin", "exceptions, worse side", "largest 5-period rise", "quantile loss"), "percent"
    )
    html = to_html_table(shown, caption="All policies, the cheapest first", kinds=kinds)
    body = Markup("{}<details><summary>The numbers by policy</summary>{}</details>").format(
        Markup(_figure(figure, frontier_words(frontier, current))), Markup(html)
    )
    return _panel("frontier", body, notes)


def figure_html(name: str, figure: FigureFiles, notes: Sequence[str], *, lead: str = "") -> str:
    """Return a panel with one figure: the wide image, the narrow one on phones, alternative text and caption."""
    return _panel(name, _figure(figure, lead), notes)


def downloads_html(files: Sequence[Download]) -> str:
    """Return the panel of links that save a file each; without files, the words above a button that makes them."""
    if not files:
        lead = "Parameters, tables and figures of what is shown above, as files. They are made when you ask for them."
        return _panel("downloads", _TEXT.render(css="lead", text=lead))
    return _panel("downloads", _DOWNLOADS.render(files=files, lead="Files of the numbers and figures shown above."))


def _panel(name: str, body: str, notes: Sequence[str] = (), *, title: str = "") -> str:
    noted = list(dict.fromkeys(notes))
    return _PANEL.render(name=name, title=title or TITLES[name], body=Markup(body), notes=noted)


def _figure(figure: FigureFiles, lead: str) -> str:
    wide, narrow = (f"data:image/png;base64,{base64.b64encode(b).decode()}" for b in (figure.png, figure.narrow_png))
    return _FIGURE.render(f=figure, wide=wide, narrow=narrow, lead=lead)
