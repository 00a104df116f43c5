"""Any exchange that ccxt knows: bars, funding, open interest, order books."""

from volkit.sources.exchange.book import OrderBook, basis, merge_order_books
from volkit.sources.exchange.client import ExchangeClient

__all__ = ["ExchangeClient", "OrderBook", "basis", "merge_order_books"]
