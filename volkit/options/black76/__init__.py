"""Black-76: prices, Greeks and implied volatility of options on a forward, and Greek ladders of a book.

Arrays of options or a frame of a book enter; prices in the quote currency, sensitivities and volatilities leave.
"""

from volkit.options.black76.greeks import Black76Greeks, InverseGreeks, black76_greeks, inverse_greeks
from volkit.options.black76.implied import ImpliedVolatility, implied_volatility, implied_volatility_of_coin_quote
from volkit.options.black76.ladder import GreekLadder, greek_ladder
from volkit.options.black76.pricing import black76_price, price_grid
from volkit.options.black76.warm import compile_black76

__all__ = [
    "Black76Greeks",
    "GreekLadder",
    "ImpliedVolatility",
    "InverseGreeks",
    "black76_greeks",
    "black76_price",
    "compile_black76",
    "greek_ladder",
    "implied_volatility",
    "implied_volatility_of_coin_quote",
    "inverse_greeks",
    "price_grid",
]
