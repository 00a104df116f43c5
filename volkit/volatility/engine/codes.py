"""Names and numbers of families, laws and start-up conventions: the words outside, the codes inside kernels."""

from typing import Literal

__all__ = [
    "FAMILY_CODES",
    "KIND_CODES",
    "LAW_CODES",
    "LAW_PARAMETERS",
    "START_CODES",
    "Family",
    "Law",
    "StartUp",
]

Family = Literal["garch", "gjr", "tarch", "egarch", "aparch", "igarch", "ewma"]
Law = Literal["normal", "t", "skewt", "ged"]
StartUp = Literal["backcast", "sample", "fcp", "unconditional", "rugarch"]

# How the variance moves: a power of the volatility in absolute residuals, APARCH's leaning residual, or logarithms.
FAMILY_CODES: dict[Family, int] = {"garch": 0, "gjr": 0, "tarch": 0, "igarch": 0, "ewma": 0, "aparch": 1, "egarch": 2}
KIND_CODES = {"additive": 0, "aparch": 1, "egarch": 2}
LAW_CODES: dict[Law, int] = {"normal": 0, "t": 1, "skewt": 2, "ged": 3}
LAW_PARAMETERS: dict[Law, tuple[str, ...]] = {"normal": (), "t": ("nu",), "skewt": ("eta", "lambda"), "ged": ("nu",)}
START_CODES: dict[StartUp, int] = {"backcast": 0, "sample": 1, "fcp": 2, "unconditional": 3, "rugarch": 4}
