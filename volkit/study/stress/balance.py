"""Whether a venue can pay: its balance sheet and its lenders, today and after falls."""

from dataclasses import dataclass

import pandas as pd

from volkit.solvency.balance import (
    BalanceSheet,
    OwnTokenSensitivity,
    Solvency,
    StressedSolvency,
    own_token_sensitivity,
    reverse_stress,
    solvency_ratios,
    stressed_solvency,
)
from volkit.solvency.balance import ReverseStress as ReverseSolvency
from volkit.solvency.lending import (
    HealthDistribution,
    LendingBook,
    LendingResponse,
    health_distribution,
    liquidation_curve,
)
from volkit.solvency.reserves import ReserveRatios, sheet_reserve_ratios
from volkit.study.notes import Notes
from volkit.study.sections import StressSection
from volkit.study.venue_files import VenueTables
from volkit.study.words import percent

__all__ = ["BalanceParts", "stress_balance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceParts:
    """A balance sheet and a lending book under stress; None where the venue has no such table.

    Attributes
    ----------
    ratios : Solvency or None
        Today.
    tokens : OwnTokenSensitivity or None
        Ratio by haircut of the venue's own tokens; None also where it holds none.
    stressed : StressedSolvency or None
        Every asset that is not fixed falls.
    reverse : ReverseSolvency or None
        Fall at which the surplus is gone.
    reserves : ReserveRatios or None
        Held over owed by asset, loans left out.
    health : HealthDistribution or None
        Debt by health factor.
    lending : LendingResponse or None
        Liquidatable and bad debt by fall.
    """

    ratios: Solvency | None
    tokens: OwnTokenSensitivity | None
    stressed: StressedSolvency | None
    reverse: ReverseSolvency | None
    reserves: ReserveRatios | None
    health: HealthDistribution | None
    lending: LendingResponse | None


def stress_balance(tables: VenueTables, section: StressSection, notes: Notes) -> BalanceParts:
    """Return solvency and lending of a venue, as far as its tables go (falls as decimals)."""
    sheet = _sheet(tables, notes)
    book = _lending(tables, notes)
    ratios = tokens = stressed = reverse = reserves = health = lending = None
    if sheet is not None:
        fixed = [asset for asset in sheet.assets if asset in tables.fixed]
        falls = pd.DataFrame(
            {asset: 0.0 if asset in fixed else [-x for x in section.shocks] for asset in sheet.assets},
            index=[f"all fall {percent(x)}" for x in section.shocks],
        )
        ratios = solvency_ratios(sheet)
        tokens = own_token_sensitivity(sheet) if len(sheet.own_tokens) else None
        stressed = notes.attempt("stress", "stressed solvency", lambda: stressed_solvency(sheet, falls))
        reserves = notes.attempt(
            "stress", "reserve ratios", lambda: sheet_reserve_ratios(sheet, leave_out=_loans(sheet, tables))
        )
        reverse = notes.attempt("stress", "reverse stress of the balance", lambda: reverse_stress(sheet, fixed=fixed))
    if book is not None:
        health = health_distribution(book)
        held = [asset for asset in book.assets if asset in tables.fixed]
        lending = notes.attempt(
            "stress", "lending after falls", lambda: liquidation_curve(book, section.shocks, fixed=held)
        )
    return BalanceParts(
        ratios=ratios,
        tokens=tokens,
        stressed=stressed,
        reverse=reverse,
        reserves=reserves,
        health=health,
        lending=lending,
    )


def _loans(sheet: BalanceSheet, tables: VenueTables) -> list[str]:
    """Return what is owed at a fixed price and held by nobody on the sheet: not owed in kind."""
    rows = sheet.to_frame()
    held = set(rows.loc[rows["side"] == "asset", "asset"])
    owed = rows.loc[rows["side"] == "liability", "asset"]
    return sorted({str(name) for name in owed if name in tables.fixed and name not in held})


def _sheet(tables: VenueTables, notes: Notes) -> BalanceSheet | None:
    rows = tables.tables.get("balance_sheet")
    if rows is None:
        notes.add("stress", "the venue has no balance sheet: its solvency is not looked at")
        return None
    return BalanceSheet.from_frame(rows, as_of=tables.as_of, source="balance sheet", provenance=tables.provenance)


def _lending(tables: VenueTables, notes: Notes) -> LendingBook | None:
    if "lending_positions" not in tables.tables:
        notes.add("stress", "the venue has no lending positions")
        return None
    return LendingBook.from_frames(
        tables.tables["lending_positions"], tables.tables["lending_terms"], as_of=tables.as_of,
        source="lending positions", provenance=tables.provenance,
    )  # fmt: skip
