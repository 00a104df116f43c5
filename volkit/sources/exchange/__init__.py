"""Any exchange that ccxt knows: bars, funding, open interest, order books, option chains."""

from volkit.sources.exchange.book import OrderBook, basis, merge_order_books
from volkit.sources.exchange.chain import OptionChain
from volkit.sources.exchange.client import ExchangeClient

__all__ = ["ExchangeClient", "OptionChain", "OrderBook", "basis", "merge_order_books"]
