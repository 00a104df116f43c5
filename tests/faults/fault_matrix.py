"""The matrix of faults: for each what has to come of it, and the tests that prove it."""

import datetime
import re
from dataclasses import dataclass, field

__all__ = ["FAULTS", "Fault", "Outcomes", "record", "table"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `expected` says in words what has to come of it, `proofs` names tests as pytest does."""

    area: str
    fault: str
    expected: str
    proofs: tuple[str, ...]


@dataclass(slots=True)
class Outcomes:
    """What is known of tests, by their full name with parameters."""

    outcomes: dict[str, str] = field(default_factory=dict)
    figures: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, outcome: str, figures: list[str]) -> None:
        """Add a test; a failure stays one."""
        if self.outcomes.get(name) != "failed":
            self.outcomes[name] = outcome
        self.figures[name] = figures

    @property
    def has_any(self) -> bool:
        """Whether a test of the matrix's own folder ran."""
        return any(name.startswith("tests/faults/") for name in self.outcomes)

    def of(self, fault: Fault) -> list[tuple[str, str]]:
        """Return names and outcomes of the tests of a fault that ran."""
        return [
            (name, outcome)
            for name, outcome in self.outcomes.items()
            if any(name == proof or name.startswith(f"{proof}[") for proof in fault.proofs)
        ]

    def status(self, fault: Fault) -> str:
        """Return passed, failed, skipped or not run; passed only when every proof was."""
        ran = self.of(fault)
        if any(outcome == "failed" for _, outcome in ran):
            return "failed"
        passed = [name for name, outcome in ran if outcome == "passed"]
        if all(any(name == proof or name.startswith(f"{proof}[") for name in passed) for proof in fault.proofs):
            return "passed"
        return "skipped" if any(outcome == "skipped" for _, outcome in ran) else "not run"

    def figure(self, fault: Fault) -> str:
        """Return what was measured; of two repetitions of the same, the longer one."""
        ran = self.of(fault)
        largest: dict[str, tuple[int, int]] = {}
        for name, _ in ran:
            for text in self.figures[name]:
                found, of, what = re.fullmatch(r"(\d+) of (\d+) (.+)", text).groups()
                largest[what] = max(largest.get(what, (0, 0)), (int(of), int(found)))
        said = [f"{found} of {of} {what}" for what, (of, found) in largest.items()]
        n_passed = sum(outcome == "passed" for _, outcome in ran)
        return "; ".join([*said, f"{n_passed} of {len(ran)} tests passed"] if ran else said)


def table(outcomes: Outcomes) -> list[str]:
    """Return the table as lines of text."""
    rows = [(f.area, f.fault, outcomes.status(f), outcomes.figure(f)) for f in FAULTS]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = ["  ".join([*(text.ljust(w) for text, w in zip(row, widths, strict=False)), row[3]]) for row in rows]
    n_passed = sum(row[2] == "passed" for row in rows)
    return [*lines, f"{n_passed} of {len(rows)} faults with their expected outcome"]


def record(outcomes: Outcomes) -> dict:
    """Return the table as plain data."""
    rows = [
        {
            "area": f.area,
            "fault": f.fault,
            "expected": f.expected,
            "status": outcomes.status(f),
            "figure": outcomes.figure(f),
            "proofs": list(f.proofs),
        }
        for f in FAULTS
    ]
    return {"date": str(datetime.datetime.now(datetime.UTC).date()), "rows": rows}


_STORE = "tests/store/test_faults.py::"
_SHELF = "tests/store/test_store.py::"
_LINE = "tests/faults/test_network.py::"
_CLOCK = "tests/faults/test_clocks.py::"
_NAMES = "tests/faults/test_symbols.py::"
_RUN = "tests/faults/test_run_folder.py::"
_VENUE = "tests/sources/test_exchange_faults.py::"
_LIVE = "tests/test_live.py::"
_EVER = f"{_LINE}test_fault_for_ever_ends_bounded_and_in_words"
_ONCE = f"{_LINE}test_fault_that_passes_costs_no_bar"


def _line(name: str, expected: str, *more: str) -> Fault:
    proofs = [f"{_EVER}[{client}-{name}]" for client in ("exchange", "fred", "yahoo")]
    return Fault("network", name, expected, (*proofs, *more))


_AGAIN = "asked again, five times at most, then an error that says what came; a bar is never lost"
FAULTS = (
    Fault(
        "store", "kill -9 while a series is written", "the old or the new version, whole; the next writer cleans up",
        (f"{_STORE}test_writer_killed_at_any_moment_leaves_one_complete_version",
         f"{_STORE}test_what_a_killed_writer_had_begun_is_removed_by_the_next"),
    ),
    Fault(
        "store", "a flipped bit in a series' file", "an error; the file is moved aside and fetched again",
        (f"{_STORE}test_any_flipped_bit_is_found_out", f"{_SHELF}test_damaged_file_is_moved_aside_and_fetched_again"),
    ),
    Fault("store", "a series' file cut short", "an error", (f"{_STORE}test_file_cut_anywhere_is_found_out",)),
    Fault(
        "store", "what a file says of itself against its values", "an error that names the difference",
        (f"{_STORE}test_a_seal_alone_does_not_make_a_file_sound",
         f"{_STORE}test_sound_parquet_of_another_program_is_not_taken_for_ours",
         f"{_SHELF}test_file_in_the_place_of_another_series_is_not_served"),
    ),
    Fault(
        "store", "two writers at once", "both are kept; who waits too long is told",
        (f"{_STORE}test_two_writers_at_once_lose_nothing", f"{_SHELF}test_a_held_lock_is_waited_for_only_so_long"),
    ),
    Fault(
        "store", "disk full", "an error; the old content stays, no debris",
        (f"{_STORE}test_full_disk_is_a_typed_error_that_keeps_the_old_content",
         f"{_STORE}test_failure_after_the_bytes_were_written_leaves_no_temporary_file"),
    ),
    Fault(
        "store", "read-only folder", "an error; what is there can be read",
        (f"{_STORE}test_read_only_folder_is_a_typed_error_that_keeps_the_old_content",),
    ),
    Fault(
        "store", "a file of a newer volkit", "refused by both numbers, left alone",
        (f"{_SHELF}test_newer_format_is_refused_by_both_numbers_and_left_alone",),
    ),
    Fault(
        "data", "packaged data against their manifest", "refused by the name of the file",
        ("tests/sources/test_bundled.py::test_changed_file_is_refused",
         "tests/sources/test_venue.py::test_tampered_file_is_refused_by_name"),
    ),
    Fault(
        "data", "a file of one's own that is cut, empty or broken", "refused with file and line",
        ("tests/sources/test_files.py::test_truncated_gzip_is_refused",
         "tests/sources/test_files.py::test_broken_parquet_is_refused",
         "tests/sources/test_files.py::test_empty_file_is_refused",
         "tests/sources/test_files.py::test_bad_number_is_named_by_line_and_column"),
    ),
    Fault(
        "run folder", "kill -9 while a run is written over another", "the old or the new run, whole",
        (f"{_RUN}test_writer_killed_at_any_moment_leaves_one_whole_run",
         f"{_RUN}test_writer_that_died_between_two_names_is_made_good"),
    ),
    Fault(
        "run folder", "a flipped bit in any file", "volkit verify names the file",
        (f"{_RUN}test_flipped_bit_in_every_kind_of_file_is_found",
         "tests/study/test_run.py::test_verify_names_a_file_that_was_changed"),
    ),
    Fault(
        "run folder", "a flipped bit in the manifest", "refused: it does not match its seal",
        (f"{_RUN}test_flipped_bit_in_the_manifest_is_found",),
    ),
    Fault(
        "run folder", "disk full, or a write that fails half way", "an error; the old run stays, no debris",
        (f"{_RUN}test_full_disk_keeps_the_old_run", f"{_RUN}test_write_that_fails_keeps_the_old_run"),
    ),
    Fault(
        "run folder", "files of others in it", "kept; a folder that no run wrote is left alone",
        (f"{_RUN}test_files_of_others_are_kept",
         "tests/study/test_run.py::test_a_folder_with_other_files_is_left_alone"),
    ),
    Fault(
        "run folder", "a mount, or a folder above that is closed", "written all the same, the manifest last",
        (f"{_RUN}test_folder_that_cannot_be_renamed_is_filled_in_place",),
    ),
    Fault(
        "run folder", "a manifest of a newer volkit", "refused by both numbers",
        (f"{_RUN}test_newer_manifest_is_refused_by_both_numbers",),
    ),
    Fault(
        "parameters", "a parameter file cut short", "refused at every length",
        (f"{_RUN}test_parameter_file_cut_anywhere_is_refused",),
    ),
    Fault(
        "parameters", "a number changed in a parameter file", "refused",
        (f"{_RUN}test_parameter_file_with_another_number_is_refused",
         "tests/report/test_parameters.py::test_a_spoilt_file_is_refused_with_the_place"),
    ),
    Fault(
        "names", "../../x, C:\\x, BTC/USDT:USDT, NUL, emoji, CON", "stored inside the store and read back as it was",
        (f"{_NAMES}test_awkward_symbol_stays_inside_the_store",
         "tests/store/test_keys.py::test_awkward_symbol_has_a_safe_path_that_gives_it_back",
         "tests/store/test_keys.py::test_any_key_has_a_safe_path_that_gives_it_back"),
    ),
    Fault(
        "names", "empty, and 5,000 characters", "refused with what to do",
        (f"{_NAMES}test_symbol_that_makes_no_path_is_refused",),
    ),
    Fault(
        "names", "awkward symbols asked of a source", "refused before or by the source, in words",
        (f"{_NAMES}test_awkward_symbol_is_refused_by_clients_and_files",),
    ),
    Fault(
        "names", "symbolic links in the store", "a linked root works; a link is never written through",
        (f"{_NAMES}test_root_may_be_a_link", f"{_NAMES}test_link_in_place_of_a_file_is_replaced_and_its_target_kept",
         f"{_NAMES}test_link_in_place_of_a_lock_leaves_its_target_alone",
         f"{_NAMES}test_folder_that_leads_out_of_the_store_is_refused"),
    ),
    _line("429", _AGAIN, f"{_VENUE}test_too_many_requests_for_ever_ends_after_bounded_time"),
    _line(
        "429 with Retry-After", "waited for exactly as asked; a wait beyond two minutes is not begun",
        f"{_VENUE}test_wait_beyond_the_budget_is_not_begun", f"{_VENUE}test_retry_after_may_be_a_date",
        "tests/sources/test_fred.py::test_long_wait_is_not_begun",
        "tests/sources/test_yahoo.py::test_long_wait_is_not_begun",
    ),
    _line(
        "418", "final without a term, waited for with a short one",
        f"{_VENUE}test_ban_with_a_short_term_is_waited_for", f"{_VENUE}test_ban_with_a_long_term_says_until_when",
    ),
    _line("451", "final; another venue is named", f"{_VENUE}test_barred_place_is_final_and_another_venue_suggested"),
    _line("500", _AGAIN),
    _line("silence", _AGAIN, f"{_VENUE}test_refused_connection_is_repeated_then_final"),
    Fault(
        "network", "slow drip", "given up when the time allowed is over",
        (f"{_LINE}test_body_that_drips_is_given_up",),
    ),
    _line("half of the JSON", _AGAIN),
    _line("HTML for JSON", "an error that shows its beginning"),
    _line("less than announced", _AGAIN),
    _line("more than announced", _AGAIN),
    _line(
        "ten million bytes", "read when sound, refused in one line when not; cut off beyond a hundred million",
        f"{_LINE}test_large_answer_that_is_sound_is_read_whole", f"{_LINE}test_answer_without_end_is_cut_off",
    ),
    Fault("network", "a fault that passes", "no bar is lost, no gap reported", (_ONCE,)),
    Fault(
        "clock", "this computer's clock is ahead of the venue's",
        "the venue's clock decides what has closed, and it is said",
        (f"{_CLOCK}test_clock_ahead_keeps_no_open_bar", f"{_CLOCK}test_clock_days_ahead_is_an_error",
         f"{_CLOCK}test_pull_from_the_future_is_refused_by_the_store"),
    ),
    Fault(
        "clock", "this computer's clock is behind", "the newest bar waits for the next pull",
        (f"{_CLOCK}test_clock_behind_keeps_no_bar_too_early",
         f"{_SHELF}test_an_older_pull_that_disagrees_is_refused_and_one_that_agrees_is_not"),
    ),
    Fault(
        "clock", "days of 23 and 25 hours", "closes follow New York, hours are counted in UTC",
        (f"{_CLOCK}test_day_of_the_clock_change_has_its_hours",
         "tests/sources/test_catalogue.py::test_session_closes_follow_daylight_saving",
         "tests/prices/test_synchrony.py::test_week_of_the_clock_change_has_one_longer_day",
         "tests/prices/test_synchrony.py::test_hourly_coin_meets_new_york_in_every_season"),
    ),
    Fault(
        "clock", "leap seconds", "no bar lost around one; a time of 60 seconds is refused by its line",
        (f"{_CLOCK}test_bars_around_a_leap_second_are_whole", f"{_CLOCK}test_second_sixty_in_a_file_is_refused",
         f"{_CLOCK}test_second_sixty_in_a_header_is_no_wait"),
    ),
    Fault(
        "offline", "no network", "the store serves, says how old it is, names what is missing, asks nobody",
        (f"{_LIVE}test_offline_names_what_is_missing_and_asks_nobody",
         f"{_LIVE}test_offline_serves_old_bars_and_says_that_they_are_old",
         f"{_LIVE}test_damaged_series_is_an_error_offline",
         f"{_LIVE}test_study_runs_offline_from_the_store_with_notes_on_what_is_missing",
         f"{_SHELF}test_offline_check_names_missing_and_stale_series"),
    ),
)  # fmt: skip
