"""What every result shares: provenance, read-only data, a one-line repr and an html repr.

A result is ``@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)`` and inherits
`ResultDisplay`, which asks of it a `headline` (the three facts one asks first) and a `summary` table.
"""

from volkit.results.display import ResultDisplay
from volkit.results.frozen import freeze, frozen_series
from volkit.results.provenance import Provenance, SeriesProvenance, content_hash

__all__ = ["Provenance", "ResultDisplay", "SeriesProvenance", "content_hash", "freeze", "frozen_series"]
