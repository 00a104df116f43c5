"""Sources of prices behind one protocol, opened by name.

``bundled`` real series, always there; ``simulated`` a market with known truth; ``files:FOLDER`` the user's
own; ``live`` the store and the network, registered by `volkit.store`, which stands above this room.
Other packages add theirs through the entry-point group ``volkit.sources``: the entry point's name is
the source's, and it loads a callable that takes the text after the colon (or None) and returns a
`PriceSource`.
"""

from collections.abc import Callable
from importlib.metadata import entry_points

from volkit.errors import SourceError
from volkit.sources.bundled import BundledSource
from volkit.sources.catalogue import Catalogue, SeriesSpec, load_catalogue
from volkit.sources.events import Events, load_events
from volkit.sources.files import FilesSource
from volkit.sources.market import MarketTruth, SimulatedMarket, simulate_market
from volkit.sources.protocol import Bars, Holding, PriceSource, make_bars
from volkit.sources.simulated import SimulatedSource

__all__ = [
    "Bars",
    "BundledSource",
    "Catalogue",
    "Events",
    "FilesSource",
    "Holding",
    "MarketTruth",
    "PriceSource",
    "SeriesSpec",
    "SimulatedMarket",
    "SimulatedSource",
    "load_catalogue",
    "load_events",
    "make_bars",
    "open_source",
    "simulate_market",
    "source_names",
]

_GROUP = "volkit.sources"
_BUILT_IN: dict[str, Callable[[str | None], PriceSource]] = {
    "bundled": BundledSource,
    "files": FilesSource,
    "simulated": SimulatedSource,
}


def source_names() -> tuple[str, ...]:
    """Return the names of all sources, the built-in ones first.

    Examples
    --------
    >>> source_names()[:3]
    ('bundled', 'files', 'simulated')
    """
    return (*_BUILT_IN, *sorted(e.name for e in entry_points(group=_GROUP)))


def open_source(text: str) -> PriceSource:
    """Return the source that a text such as ``bundled`` or ``files:prices`` names.

    Parameters
    ----------
    text : str
        The source's name, then optionally a colon and its argument.

    Returns
    -------
    PriceSource
        Ready to load bars (times in UTC).

    Raises
    ------
    SourceError
        When no source has the name (the message lists those that exist), or an installed one fails to load.

    Examples
    --------
    >>> open_source("bundled").name
    'bundled'
    """
    if not isinstance(text, str):
        raise SourceError(f"unknown source {text!r}; pass its name as text, e.g. 'bundled'.")
    name, _, argument = text.partition(":")
    if name in _BUILT_IN:
        return _BUILT_IN[name](argument or None)
    for entry in entry_points(group=_GROUP):
        if entry.name == name:
            try:
                factory: Callable[[str | None], PriceSource] = entry.load()
            except Exception as error:  # whatever a third party's import raises
                raise SourceError(f"source {name!r} from {entry.value} cannot be loaded: {error}.") from error
            return factory(argument or None)
    raise SourceError(
        f"unknown source {text!r}; known are {', '.join(source_names())}. Write files:FOLDER for a folder."
    )
