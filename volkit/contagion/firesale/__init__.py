"""Fire sales: what holders lose because others who hold the same must sell.

Protocols with holdings and debt enter as a `ProtocolBook`. `greenwood_landier_thesmar` takes leverage back to where it
was, in one linear round; `cont_schaanning` sells only where a limit is broken, over several rounds;
`portfolio_overlaps` says who can hurt whom.
"""

from volkit.contagion.firesale.book import ProtocolBook
from volkit.contagion.firesale.deleveraging import FireSaleRun, cont_schaanning
from volkit.contagion.firesale.overlap import PortfolioOverlaps, portfolio_overlaps
from volkit.contagion.firesale.vulnerability import FireSaleVulnerability, greenwood_landier_thesmar

__all__ = [
    "FireSaleRun",
    "FireSaleVulnerability",
    "PortfolioOverlaps",
    "ProtocolBook",
    "cont_schaanning",
    "greenwood_landier_thesmar",
    "portfolio_overlaps",
]
