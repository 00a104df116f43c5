"""Binance, Kraken and Deribit as far as a client of prices sees them, for the loopback server.

Each is a script: called with a request, it answers as the venue does. `faults` are given first, one a
request for prices; `fault_for_ever` instead of every answer.
"""

from loopback import Answer

HOUR = 3_600_000
DAY = 24 * HOUR


def price(ms: int) -> float:
    """A close that depends on the open time alone, so that a row in the wrong place shows."""
    return 20_000.0 + (ms // 60_000) % 9_973


def bar(ms: int) -> list[float]:
    close = price(ms)
    return [close - 1.0, close + 2.0, close - 3.0, close, 5.0]


class Venue:
    hosts = ()

    def __init__(self, times=(), *, limit=1000):
        self.times = sorted(times)
        self.limit = limit
        self.faults = []
        self.fault_for_ever = None
        self.market_fault = None
        self.rearrange = lambda rows: rows

    def __call__(self, request):
        listing = self.listing(request)
        if listing is not None:
            return self.market_fault or Answer(listing)
        if self.fault_for_ever is not None:
            return self.fault_for_ever
        if self.faults:
            return self.faults.pop(0)
        prices = self.prices(request)
        return prices if isinstance(prices, Answer) else Answer(prices)

    def between(self, first, last):
        return [t for t in self.times if first <= t <= last]


class Binance(Venue):
    """Spot, USDT-margined and coin-margined contracts, each on its own host."""

    base = "BTC"

    def listing(self, request):
        if not request.path.endswith("/exchangeInfo"):
            return None
        if request.host == "api.binance.com":
            symbols = [self.symbol("BTC", "USDT"), self.symbol("ETH", "USDT"), self.symbol("BTC", "USDC")]
        elif request.host == "fapi.binance.com":
            symbols = [self.contract("BTCUSDT", "BTC", "USDT", "USDT")]
        else:
            symbols = [{**self.contract("BTCUSD_PERP", "BTC", "USD", "BTC"), "contractSize": 100}]
        return {"timezone": "UTC", "serverTime": 0, "rateLimits": [], "symbols": symbols}

    def symbol(self, base, quote):
        return {
            "symbol": base + quote,
            "status": "TRADING",
            "baseAsset": base,
            "baseAssetPrecision": 8,
            "quoteAsset": quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            ],
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }

    def contract(self, symbol, base, quote, margin):
        return {
            **self.symbol(base, quote),
            "symbol": symbol,
            "pair": base + quote,
            "contractType": "PERPETUAL",
            "contractStatus": "TRADING",
            "deliveryDate": 4_133_404_800_000,
            "onboardDate": 1_569_398_400_000,
            "marginAsset": margin,
            "pricePrecision": 2,
            "quantityPrecision": 3,
        }

    def prices(self, request):
        query = request.query
        times = self.between(int(query.get("startTime", 0)), int(query.get("endTime", 2**53)))
        times = times[: min(int(query.get("limit", 500)), self.limit)]
        if request.path.endswith("/klines"):
            return self.rearrange([self.kline(t) for t in times])
        if request.path.endswith("/fundingRate"):
            return [{"symbol": query["symbol"], "fundingRate": "0.0001", "fundingTime": t} for t in times]
        if request.path.endswith("/openInterestHist"):
            return [{"symbol": query["symbol"], "sumOpenInterest": str(price(t)), "timestamp": t} for t in times]
        if request.path.endswith("/depth"):
            return {
                "lastUpdateId": 1,
                "bids": [["99.0", "2.0"], ["98.0", "1.0"]],
                "asks": [["101.0", "1.0"], ["103.0", "4.0"]],
            }
        return Answer({"code": -1, "msg": f"no {request.path}"}, status=400)

    def kline(self, t):
        return [t, *map(str, bar(t)), t + 1, "0", 1, "0", "0", "0"]


class Kraken(Venue):
    """Serves its newest rows, the open one last, whatever `since` says."""

    def __init__(self, times=(), *, limit=720):
        super().__init__(times, limit=limit)

    def listing(self, request):
        if not request.path.endswith("/AssetPairs"):
            return None
        pair = {
            "altname": "XBTUSD",
            "wsname": "XBT/USD",
            "base": "XXBT",
            "quote": "ZUSD",
            "pair_decimals": 1,
            "lot_decimals": 8,
            "cost_decimals": 5,
            "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]],
            "ordermin": "0.00005",
            "costmin": "0.5",
            "tick_size": "0.1",
            "status": "online",
        }
        return {"error": [], "result": {"XXBTZUSD": pair}}

    def prices(self, request):
        since = int(request.query.get("since", 0)) * 1000
        times = [t for t in self.times if t >= since][-self.limit :]
        rows = []
        for t in times:
            opened, high, low, close, volume = bar(t)
            rows.append([t // 1000, str(opened), str(high), str(low), str(close), str(close), str(volume), 1])
        return {"error": [], "result": {"XXBTZUSD": rows, "last": 0}}


class Deribit(Venue):
    """One perpetual; funding every hour, stated per eight hours; at most 744 rows, the newest of the span."""

    def listing(self, request):
        if not request.path.endswith("/get_instruments"):
            return None
        instrument = {
            "kind": "future",
            "instrument_name": "BTC-PERPETUAL",
            "settlement_period": "perpetual",
            "settlement_currency": "BTC",
            "base_currency": "BTC",
            "counter_currency": "USD",
            "quote_currency": "USD",
            "is_active": True,
            "tick_size": 0.5,
            "contract_size": 10.0,
            "min_trade_amount": 10.0,
            "maker_commission": 0.0,
            "taker_commission": 0.0005,
            "expiration_timestamp": 32_503_708_800_000,
            "creation_timestamp": 1_534_167_754_000,
        }
        return {"jsonrpc": "2.0", "result": [instrument]}

    def prices(self, request):
        query = request.query
        times = self.between(int(query["start_timestamp"]), int(query["end_timestamp"]))
        if request.path.endswith("/get_funding_rate_history"):
            rows = [
                {"timestamp": t, "index_price": price(t), "interest_8h": price(t) * 1e-9, "interest_1h": 0.0}
                for t in times[-744:]
            ]
            return {"jsonrpc": "2.0", "result": rows}
        values = list(zip(*(bar(t) for t in times), strict=True)) or [()] * 5
        names = ("open", "high", "low", "close", "volume")
        return {
            "jsonrpc": "2.0",
            "result": {
                "status": "ok" if times else "no_data",
                "ticks": list(times),
                **{n: list(v) for n, v in zip(names, values, strict=True)},
            },
        }


class DeribitOptions(Deribit):
    """Options beside the perpetual, and their summaries in one answer a currency of settlement."""

    def __init__(self, listed, rows):
        super().__init__()
        self.listed = listed
        self.rows = rows

    def listing(self, request):
        answer = super().listing(request)
        if answer is not None:
            answer["result"] += [self.option(name, expiry) for name, expiry in self.listed]
        return answer

    def option(self, name, expiry):
        pair, _, strike, side = name.split("-")
        base, _, settle = pair.partition("_")
        return {
            "kind": "option",
            "instrument_name": name,
            "option_type": "call" if side == "C" else "put",
            "strike": float(strike.replace("d", ".")),
            "settlement_period": "month",
            "settlement_currency": settle or base,
            "base_currency": base,
            "counter_currency": settle or "USD",
            "quote_currency": settle or base,
            "is_active": True,
            "tick_size": 0.0005,
            "contract_size": 1.0,
            "min_trade_amount": 0.1,
            "maker_commission": 0.0003,
            "taker_commission": 0.0003,
            "expiration_timestamp": expiry,
            "creation_timestamp": 1_700_000_000_000,
        }

    def prices(self, request):
        if not request.path.endswith("/get_book_summary_by_currency"):
            return super().prices(request)
        if request.query.get("kind") != "option":
            return Answer({"error": {"code": 10_000, "message": "only options here"}}, status=400)
        rows = [r for r in self.rows if not isinstance(r, dict) or r["quote_currency"] == request.query["currency"]]
        return {"jsonrpc": "2.0", "result": rows, "testnet": False}


def option_row(name, **changes):
    """One option of Deribit's book summary: prices in the coin (or USDC), volatility in percent."""
    pair = name.split("-")[0]
    base, _, settle = pair.partition("_")
    return {
        "instrument_name": name,
        "base_currency": base,
        "quote_currency": settle or base,
        "bid_price": 0.0400,
        "ask_price": 0.0420,
        "mid_price": 0.0410,
        "mark_price": 0.0408,
        "mark_iv": 52.5,
        "underlying_price": 68_000.0,
        "underlying_index": "-".join(name.split("-")[:2]),
        "interest_rate": 0.0,
        "open_interest": 12.5,
        "volume": 3.0,
        "volume_usd": 8_000.0,
        "creation_timestamp": 1_717_219_799_250,
        **changes,
    }
