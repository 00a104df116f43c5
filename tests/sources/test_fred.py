"""FRED, keyless and keyed, against a server on this machine: values, missing marks, vintages, faults, no key shown."""

import traceback

import numpy as np
import pandas as pd
import pytest
from loopback import Answer, Loopback

from volkit.errors import ArgumentError, SourceError
from volkit.sources.fred import FredClient

KEY = "0123456789abcdef0123456789abcdef"
START = pd.Timestamp("2025-01-01", tz="UTC")
END = pd.Timestamp("2025-01-08", tz="UTC")
NOW = pd.Timestamp("2025-02-01 12:00", tz="UTC")
VALUES = {"2025-01-01": None, "2025-01-02": 4.57, "2025-01-03": 4.60, "2025-01-06": 4.62, "2025-01-07": 4.67}


def csv(values=VALUES, *, header="observation_date,DGS10", mark=""):
    return "\n".join([header, *(f"{d},{mark if v is None else v}" for d, v in values.items()), ""])


def observations(values=VALUES, *, since="2025-02-01"):
    rows = [(d, "." if v is None else str(v), since) for d, v in values.items()]
    return page(rows)


def page(rows, *, count=None):
    """FRED's JSON: rows are date, value, first day of the vintage."""
    listed = [{"realtime_start": s, "realtime_end": "9999-12-31", "date": d, "value": v} for d, v, s in rows]
    return {"count": len(listed) if count is None else count, "observations": listed}


def refused(words, status=400):
    return Answer({"error_code": status, "error_message": f"Bad Request.  {words}"}, status)


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch):
    for name in ("VOLKIT_FRED_KEY", "FRED_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def running():
    """One server for all tests: a stop takes half a second."""
    with Loopback(lambda _: Answer("")) as server:
        yield server


class Pull:
    """A client whose session ends at a script; `waits` are the sleeps it asked for, `asked` the requests."""

    def __init__(self, server):
        self.server, self.waits, self.asked = server, [], []

    def client(self, script, *, key=None, now=NOW):
        answers = list(script) if isinstance(script, list) else [script]
        answers = [a if isinstance(a, Answer) else Answer(a) for a in answers]

        def answer(request):
            self.asked.append(request)
            return answers.pop(0) if len(answers) > 1 else answers[0]

        self.server.script = answer
        return FredClient(session=self.server.session(), api_key=key, now=lambda: now, sleep=self.waits.append)

    def __call__(self, script, series="DGS10", *, key=None, start=START, end=END, now=NOW, method="pull_bars"):
        return getattr(self.client(script, key=key, now=now), method)(series, start=start, end=end)

    def refusal(self, script, **words):
        with pytest.raises(SourceError) as error:
            self(script, **words)
        shown = "".join(traceback.format_exception(error.value))
        assert KEY not in shown
        return str(error.value)


@pytest.fixture
def pull(running):
    return Pull(running)


def remarks(pulled):
    return "; ".join(pulled.coverage.remarks)


@pytest.mark.parametrize("header", ["observation_date,DGS10", "DATE,DGS10", '"DATE","DGS10"'])
@pytest.mark.parametrize("mark", ["", "."])
def test_csv_is_read_with_both_headers_and_both_missing_marks(pull, header, mark):
    frame = pull(csv(header=header, mark=mark)).frame

    assert [str(t) for t in frame.index] == [f"{d} 00:00:00+00:00" for d in VALUES]
    assert frame.index.dtype == "datetime64[us, UTC]" and frame.index.name == "time"
    np.testing.assert_array_equal(frame["close"], [np.nan, 4.57, 4.60, 4.62, 4.67])


def test_json_gives_the_same_frame_as_csv(pull):
    pd.testing.assert_frame_equal(pull(observations(), key=KEY).frame, pull(csv()).frame)


def test_missing_marks_are_counted_and_stay_rows(pull):
    coverage = pull(csv({**VALUES, "2025-01-03": None, "2025-01-06": None})).coverage

    assert (coverage.n_expected, coverage.n_got) == (5, 2)
    assert coverage.missing.astype(str).to_numpy().tolist() == [
        ["2025-01-01 00:00:00+00:00", "2025-01-01 00:00:00+00:00", "1"],
        ["2025-01-03 00:00:00+00:00", "2025-01-06 00:00:00+00:00", "2"],
    ]
    assert str(coverage.got_first.date()) == "2025-01-02"
    assert "dates with FRED's missing mark (NaN): 3" in coverage.remarks[0]


def test_span_is_asked_for_inclusive_and_kept_exclusive(pull):
    pulled = pull(csv({**VALUES, "2025-01-08": 5.0, "2024-12-31": 4.0}))

    assert pull.asked[0].query == {"id": "DGS10", "cosd": "2025-01-01", "coed": "2025-01-07"}
    assert (pull.asked[0].host, pull.asked[0].path) == ("fred.stlouisfed.org", "/graph/fredgraph.csv")
    assert [str(t.date()) for t in pulled.frame.index] == list(VALUES)


def test_without_an_end_the_clock_ends_the_span(pull):
    pulled = pull(csv(), end=None, now=pd.Timestamp("2025-01-06 18:00", tz="UTC"))

    assert str(pulled.frame.index[-1].date()) == "2025-01-06" and pull.asked[0].query["coed"] == "2025-01-06"


def test_json_is_asked_for_with_the_key(pull):
    pull(observations(), key=KEY)

    query = pull.asked[0].query
    assert (pull.asked[0].host, pull.asked[0].path) == ("api.stlouisfed.org", "/fred/series/observations")
    assert query["api_key"] == KEY and query["file_type"] == "json" and query["series_id"] == "DGS10"
    assert (query["observation_start"], query["observation_end"]) == ("2025-01-01", "2025-01-07")


def test_json_is_read_to_the_last_page(pull):
    rows = [(d, str(v), "2025-02-01") for d, v in VALUES.items() if v]

    pulled = pull([page(rows[:3], count=4), page(rows[3:], count=4)], key=KEY)

    assert pulled.coverage.pages == 2 and pulled.coverage.n_got == 4
    assert [r.query["offset"] for r in pull.asked] == ["0", "3"]


def test_pages_that_stop_early_are_refused(pull):
    rows = [("2025-01-02", "4.57", "2025-02-01")]

    assert "1 of 4 observations came, then none" in pull.refusal([page(rows, count=4), page([], count=4)], key=KEY)


@pytest.mark.parametrize("name", ["VOLKIT_FRED_KEY", "FRED_API_KEY"])
def test_key_comes_from_the_environment(pull, monkeypatch, name):
    monkeypatch.setenv(name, f" {KEY} ")

    pull(observations())

    assert pull.asked[0].query["api_key"] == KEY


def test_blank_key_means_none(pull, monkeypatch):
    monkeypatch.setenv("VOLKIT_FRED_KEY", " ")

    pull(csv())

    assert "api_key" not in pull.asked[0].query


def test_key_is_in_neither_representation_nor_metadata(pull):
    client = pull.client(observations(), key=KEY)

    pulled = client.pull_bars("DGS10", start=START, end=END)

    assert repr(client) == "FredClient(with a key)"
    assert KEY not in f"{pulled!r}{pulled.metadata}{pulled.coverage.summary()}"


def test_metadata_say_source_and_vintage(pull):
    metadata = pull(csv()).metadata

    assert (metadata["source"], metadata["symbol"], metadata["price_kind"]) == ("fred", "DGS10", "latest vintage")
    assert "release rule" in metadata["close_rule"] and all(isinstance(v, str) for v in metadata.values())


def test_vintages_give_first_release_and_latest_value(pull):
    rows = [
        ("2024-10-01", "100.0", "2024-11-26"),
        ("2024-10-01", "101.0", "2024-12-24"),
        ("2024-10-01", "102.5", "2025-01-28"),
        ("2024-11-01", ".", "2024-12-10"),
        ("2024-11-01", "110.0", "2024-12-24"),
        ("2024-12-01", ".", "2025-01-10"),
    ]

    pulled = pull(
        page(rows), series="M2SL", key=KEY, start=pd.Timestamp("2024-10-01", tz="UTC"), method="pull_vintages"
    )

    query = pull.asked[0].query
    assert (query["realtime_start"], query["realtime_end"]) == ("1776-07-04", "9999-12-31")
    np.testing.assert_array_equal(
        pulled.frame[["close", "vintage_start", "latest", "latest_start", "n_vintages"]],
        [[100.0, 20241126, 102.5, 20250128, 3], [110.0, 20241224, 110.0, 20241224, 1], [np.nan] * 5],
    )
    assert pulled.metadata["price_kind"] == "first release" and pulled.coverage.n_got == 2


def test_dates_older_than_the_archive_are_said(pull):
    rows = [
        ("2025-01-02", "1.0", "2025-01-20"),
        ("2025-01-03", "2.0", "2025-01-20"),
        ("2025-01-06", "3.0", "2025-01-21"),
    ]

    pulled = pull(page(rows), key=KEY, method="pull_vintages")

    assert "dates first archived on 20250120, whose first release may be older: 2" in remarks(pulled)


def test_vintages_without_a_key_say_how_to_get_one(pull):
    message = pull.refusal(csv(), method="pull_vintages")

    assert "vintages of DGS10 need a key; set VOLKIT_FRED_KEY" in message and pull.asked == []


def test_disorder_is_sorted_and_said(pull):
    pulled = pull(csv(dict(reversed(VALUES.items()))))

    assert pulled.frame.index.is_monotonic_increasing and "out of order" in remarks(pulled)


def test_same_value_twice_is_dropped_and_two_values_are_refused(pull):
    line = "2025-01-07,{}\n"

    assert "dates that came more than once, with the same value: 1" in remarks(pull(csv() + line.format(4.67)))
    assert "two values came for 2025-01-07" in pull.refusal(csv() + line.format(4.99))


def test_number_cut_short_is_left_out(pull):
    pulled = pull(csv()[:-2])

    assert str(pulled.frame.index[-1].date()) == "2025-01-06"
    assert "the last line, '2025-01-07,4.6', has no end" in remarks(pulled)


@pytest.mark.parametrize("key", [None, KEY])
def test_rate_limit_honours_retry_after(pull, key):
    good = csv() if key is None else observations()

    pulled = pull([Answer("slow down", 429, {"Retry-After": "9"}), good], key=key)

    assert pull.waits == [9.0] and pulled.coverage.retries == 1 and pulled.coverage.n_got == 4


def test_retry_after_as_a_date_counts_from_the_clock(pull):
    pull([Answer("", 429, {"Retry-After": "Sat, 01 Feb 2025 12:00:20 GMT"}), csv()])

    assert pull.waits == [20.0]


def test_long_wait_is_not_begun(pull):
    message = pull.refusal(Answer("", 429, {"Retry-After": "3600"}))

    assert "asks to wait 3600 s" in message and pull.waits == []


def test_server_error_is_tried_again(pull):
    assert pull([Answer("", 503), Answer("", 500), csv()]).coverage.retries == 2


PAGE = "<html><body>Maintenance</body></html>"


@pytest.mark.parametrize(
    ("key", "answer", "words", "waits"),
    [
        (None, Answer("slow", 429), "FRED limits the rate (HTTP 429) (5 attempts); wait some minutes", 4),
        (None, Answer("oops", 503), "FRED failed (HTTP 503) (5 attempts)", 4),
        (None, Answer(PAGE, 404), "FRED does not know the series (HTTP 404)", 0),
        (None, Answer("no", 451), "FRED refuses (HTTP 451): 'no'", 0),
        (None, PAGE, "an HTML page came instead of CSV ('<html><body>", 4),
        (None, "", "other columns came: []", 0),
        (None, "DATE,A,B\n2025-01-02,1,2\n", "other columns came: ['DATE', 'A', 'B']", 0),
        (None, "time,DGS10\n2025-01-02,1\n", "other columns came: ['time', 'DGS10']", 0),
        (None, csv(header="DATE,DGS2"), "the answer is for 'DGS2'", 0),
        (None, "DATE,DGS10\n", "no observation came; check that the series covers the span", 0),
        (None, csv(dict.fromkeys(VALUES)), "5 dates and no value came", 0),
        (None, csv({"2025-01-02": "4,57"}), "a line is not a date and a value: '2025-01-02,4,57'", 4),
        (None, csv({"2025-01-02": "abc"}), "not a date and a number: '2025-01-02', 'abc'", 4),
        (None, csv({"2025-01-02": "inf"}), "not a date and a number: '2025-01-02', 'inf'", 4),
        (None, csv({"2025-13-02": "1"}), "not a date and a number: '2025-13-02', '1'", 4),
        (KEY, refused("The series does not exist."), "FRED does not know the series (HTTP 400)", 0),
        (
            KEY,
            refused(f"The value for variable api_key is not registered: {KEY}"),
            "FRED refuses the key (HTTP 400)",
            0,
        ),
        (KEY, refused("Variable limit is not between 1 and 100000."), "FRED refuses (HTTP 400): 'Bad Request.", 0),
        (KEY, '{"observations": [', "broken JSON came", 4),
        (KEY, f"<html>{KEY}</html>", "an HTML page came ('<html>[key]</html>')", 4),
        (KEY, {"count": 1}, "fields are missing (KeyError: 'observations')", 0),
        (KEY, Answer([1]), "fields are missing (TypeError", 0),
        (KEY, {"count": 1, "observations": [{"date": "2025-01-02"}]}, "fields are missing (KeyError: 'value')", 0),
        (KEY, page([]), "no observation came", 0),
        (KEY, Answer("slow", 429), "FRED limits the rate (HTTP 429) (5 attempts)", 4),
    ],
)
def test_fault_names_series_what_came_and_what_to_do(pull, key, answer, words, waits):
    message = pull.refusal(answer, key=key)

    assert message.startswith("fred: DGS10 from 2025-01-01 to 2025-01-07: ") and words in message
    assert "; " in message and message.endswith(".") and len(pull.waits) == waits


def test_refused_connection_is_said_without_the_key():
    with Loopback(lambda _: Answer("")) as gone:
        session = gone.session()
    waits = []
    client = FredClient(session=session, api_key=KEY, now=lambda: NOW, sleep=waits.append)

    with pytest.raises(SourceError, match=r"DGS10.*cannot be reached \(ConnectionError\) \(5 attempts\)") as error:
        client.pull_bars("DGS10", start=START)
    assert KEY not in "".join(traceback.format_exception(error.value)) and len(waits) == 4
    link = error.value
    while link is not None:
        assert KEY not in f"{link!r}{link}"
        link = link.__cause__ or link.__context__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"start": pd.Timestamp("2025-01-02")}, "start must be a time with a zone"),
        ({"end": START}, "end must be after the start"),
        ({"start": NOW, "end": None}, "end must be after the start"),
        ({"series": "DGS10&id=X"}, "series must be a FRED id"),
    ],
)
def test_wrong_argument_is_answered(pull, words, message):
    with pytest.raises(ArgumentError, match=message):
        pull(csv(), **words)
    assert pull.asked == []
