import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from volkit.errors import ArgumentError
from volkit.report import FigureSpec, plot_margin_schedule, plot_rolling_correlation, plot_volatility, save_figure

KNOWN_TAGS = {
    "svg", "title", "desc", "metadata", "RDF", "Work", "type", "format", "source", "description", "defs", "style",
    "g", "path", "use", "clipPath", "rect", "text",
}  # fmt: skip


def spec_of(draw, **changes):
    return FigureSpec(**{"name": "figure", "draw": draw, "alt": "A line", "caption": "It rises.", **changes})


def test_formats_that_are_left_out_are_not_written_and_the_others_are_the_same(tmp_path):
    spec = spec_of(lambda ax: ax.plot([1, 2]))

    whole = save_figure(spec, tmp_path / "whole", simulated=False)
    some = save_figure(spec, tmp_path / "some", simulated=False, formats=("png", "svg"))

    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == ["figure.png", "figure.svg"]
    assert some.svg_path.read_bytes() == whole.svg_path.read_bytes()
    assert (some.png, some.narrow_png) == (whole.png, whole.narrow_png)
    assert not some.pdf_path.exists()


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="formats"):
        save_figure(spec_of(lambda ax: ax.plot([1, 2])), tmp_path, simulated=False, formats=("png", "gif"))


def test_a_figure_is_laid_out_once_a_width(tmp_path, monkeypatch):
    laid_out = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda *given: laid_out.append(1) or execute(*given))

    save_figure(spec_of(lambda ax: ax.plot([1, 2])), tmp_path, simulated=True)

    assert len(laid_out) == 2


def test_two_runs_give_the_same_bytes(tmp_path, calibrated):
    spec = spec_of(lambda ax: plot_margin_schedule(calibrated[0].schedule, ax=ax))

    first, second = (save_figure(spec, tmp_path / run, simulated=False) for run in ("a", "b"))

    assert first.png_path.read_bytes() == second.png_path.read_bytes() == first.png
    assert first.svg_path.read_bytes() == second.svg_path.read_bytes()
    assert first.pdf_path.read_bytes() == second.pdf_path.read_bytes()
    assert first.narrow_png == second.narrow_png


def test_files_hold_no_date_and_no_version(tmp_path, rolling):
    files = save_figure(spec_of(lambda ax: plot_rolling_correlation(rolling, ax=ax)), tmp_path, simulated=False)

    svg = files.svg_path.read_text()
    assert not re.search(r"<dc:date>|Matplotlib v", svg)
    assert b"Software" not in files.png


def test_sizes_are_those_of_the_two_screens(tmp_path):
    files = save_figure(spec_of(lambda ax: ax.plot([1, 2]), height_ratio=0.4), tmp_path, simulated=False)

    assert files.size == (1505, 602)
    assert files.narrow_size == (720, 432)
    assert int.from_bytes(files.png[16:20], "big") == 1505
    assert int.from_bytes(files.narrow_png[16:20], "big") == 720


def test_simulated_figure_differs_by_its_mark(tmp_path):
    spec = spec_of(lambda ax: ax.plot([1, 2]))

    real, simulated = (save_figure(spec, tmp_path / str(s), simulated=s) for s in (False, True))

    assert real.png != simulated.png
    assert "volkit-simulated" in simulated.svg_path.read_text()
    assert "volkit-simulated" not in real.svg_path.read_text()


def test_nothing_is_cut_at_the_figures_edge(tmp_path, rolling, calibrated):
    draws = [
        lambda ax: plot_rolling_correlation(rolling, ax=ax),
        lambda ax: plot_margin_schedule(calibrated[0].schedule, ax=ax),
    ]
    seen = []

    for draw in draws:
        save_figure(spec_of(lambda ax, draw=draw: seen.append(draw(ax))), tmp_path, simulated=True)

    for axes in seen:
        figure = axes.get_figure()
        tight = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert tight.x0 >= -0.01 and tight.y0 >= -0.01
        assert tight.x1 <= width + 0.01 and tight.y1 <= height + 0.01


@pytest.mark.parametrize("days", [5, 60, 365, 1000, 3000, 12000])
def test_dates_do_not_collide_on_either_width(tmp_path, days):
    times = pd.date_range("1990-03-05", periods=days, tz="UTC")
    volatility = {"SPX": pd.Series(0.2, index=times), "WTI_SPOT": pd.Series(0.4, index=times)}
    seen = []

    save_figure(spec_of(lambda ax: seen.append(plot_volatility(volatility, ax=ax))), tmp_path, simulated=False)

    for axes in seen:
        left, right = axes.get_window_extent().intervalx
        boxes = [tick.get_window_extent() for tick in axes.get_xticklabels() if tick.get_text()]
        shown = [box for box in boxes if left <= (box.x0 + box.x1) / 2 <= right]
        assert len(shown) >= 2
        assert all(one.x1 + 2 < other.x0 for one, other in pairwise(shown))


@pytest.mark.parametrize("name", ["", "../secret", "a b", "\u00e4"])
def test_names_that_are_no_file_stem_are_refused(name):
    with pytest.raises(ArgumentError, match="plain file stem"):
        spec_of(print, name=name)


def test_a_figure_without_alternative_text_is_refused():
    with pytest.raises(ArgumentError, match="must say what the figure shows"):
        spec_of(print, alt=" ")


def noisy(ax):
    times = pd.date_range("2019-11-05", periods=400, tz="UTC")
    plot_volatility({"SPX": pd.Series(range(1, 401), index=times) / 500.0}, ax=ax)


def test_pdf_is_the_same_in_every_process_and_holds_no_date(tmp_path, monkeypatch):
    code = (
        "import sys, pathlib; sys.path.insert(0, 'tests/report'); from test_figures import noisy, spec_of\n"
        "from volkit.report import save_figure\n"
        "save_figure(spec_of(noisy), pathlib.Path(sys.argv[1]), simulated=True, source='bundled')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "other")]
    environment = {**os.environ, "PYTHONHASHSEED": "271828", "SOURCE_DATE_EPOCH": "1500000000", "MPLBACKEND": "Agg"}

    subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parents[2])
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    here = save_figure(spec_of(noisy), tmp_path / "here", simulated=True, source="bundled")

    for path in (here.png_path, here.svg_path, here.pdf_path):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()
    pdf = here.pdf_path.read_bytes()
    assert b"Date" not in pdf and b"Matplotlib" not in pdf


def test_text_of_the_pdf_stays_text(tmp_path):
    pypdf = pytest.importorskip("pypdf")

    texts = {}
    for simulated in (False, True):
        files = save_figure(spec_of(noisy), tmp_path, simulated=simulated, source="bundled")
        texts[simulated] = pypdf.PdfReader(files.pdf_path).pages[0].extract_text()

    assert all("volatility" in text and "date (UTC)" in text for text in texts.values())
    assert "SIMULATED" in texts[True] and "SIMULATED" not in texts[False]


def test_files_say_in_words_what_they_show(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    alt = "Margin of <BTC> & co.\x01 falls\nto 5 % \u2013 the least"
    said = "Margin of <BTC> & co. falls to 5 % \u2013 the least"

    files = save_figure(spec_of(noisy, alt=alt, name="margin_btc"), tmp_path, simulated=False, source="files:a&b")

    root = ElementTree.parse(files.svg_path).getroot()
    first, second = list(root)[:2]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [first.get("id"), second.get("id")]
    assert [first.text, second.text] == ["margin btc", said]
    image = Image.open(files.png_path)
    assert image.text == {"Title": "margin btc", "Description": said, "Source": "files:a&b"}
    assert b"iTXt" in files.png and b"tIME" not in files.png
    assert pypdf.PdfReader(files.pdf_path).metadata == {
        "/Title": "margin btc",
        "/Subject": said,
        "/Keywords": "files:a&b",
    }


@pytest.mark.parametrize("name", ["=cmd|'/C calc'!A0", "<img src=x onerror=alert(1)>", "a--><script>x</script>", "]]>"])
def test_a_series_name_stays_text_in_every_file(tmp_path, name):
    times = pd.date_range("2024-01-01", periods=9, tz="UTC")
    volatility = {name: pd.Series(0.2, index=times), "SPX": pd.Series(0.3, index=times)}
    spec = spec_of(lambda ax: plot_volatility(volatility, ax=ax), alt=f"Volatility of {name}")

    files = save_figure(spec, tmp_path, simulated=False, source=name)

    root = ElementTree.parse(files.svg_path).getroot()
    assert {tag.tag.rpartition("}")[2] for tag in root.iter()} <= KNOWN_TAGS
    assert not any(key.startswith("on") for tag in root.iter() for key in tag.attrib)
    assert not {b"/JavaScript", b"/OpenAction", b"/Launch", b"/URI"} & set(files.pdf_path.read_bytes().split())
