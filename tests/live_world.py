"""A small world of prices behind a loopback server: Binance, Yahoo and FRED, each in its own protocol."""

import math

import pandas as pd
from loopback import Answer

from volkit.sources.calendars import session_closes, sessions_between

DAY = 86_400_000
_SYMBOLS = {"^GSPC": 4000.0, "^NDX": 12000.0, "^VIX": 20.0, "DX-Y.NYB": 100.0, "GC=F": 1800.0, "CL=F": 80.0}


def wave(number: int, *, level: float, size: float) -> float:
    """A price that moves like one, the same at every call."""
    return round(level * math.exp(size * (math.sin(number * 12.9898) + 0.5 * math.sin(number * 4.1414))), 2)


class World:
    """What the venues say at an instant; `revisions` holds later corrections by (symbol, label)."""

    def __init__(self, now: str, *, first: str = "2020-01-01") -> None:
        self.now = pd.Timestamp(now, tz="UTC")
        self.first = pd.Timestamp(first, tz="UTC")
        self.revisions: dict[tuple[str, str], float] = {}
        self.hole: tuple[pd.Timestamp, pd.Timestamp] | None = None
        self.offline = False

    def __call__(self, request):
        assert not self.offline, f"asked for {request.host}{request.path} although offline"
        if request.path.endswith("/exchangeInfo"):
            return Answer({"symbols": [self._market("BTC"), self._market("ETH")], "rateLimits": [], "timezone": "UTC"})
        if request.path.endswith("/klines"):
            return Answer(self._klines(request.query))
        if request.path.startswith("/v8/finance/chart/"):
            return Answer(self._chart(request))
        if request.path.endswith("/fredgraph.csv"):
            return Answer(self._fred(request.query), headers={"Content-Type": "text/csv"})
        return Answer("ok")

    def close(self, symbol: str, label: pd.Timestamp, *, level: float, size: float) -> float:
        said = self.revisions.get((symbol, str(label.tz_convert("UTC"))[:16]))
        seed = sum(map(ord, symbol))
        return said or wave(int(label.timestamp() // 3600) * (1 + seed % 7) + seed, level=level, size=size)

    def _market(self, base):
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        ]
        words = {"symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT"}
        words |= {"baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT"]}
        words |= {"isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": filters}
        return {**words, "permissions": [], "permissionSets": [["SPOT"]]}

    def _klines(self, query):
        step = {"1d": DAY, "1h": 3_600_000}[query["interval"]]
        start = max(int(query.get("startTime", 0)), int(self.first.timestamp() * 1000))
        end = min(int(query.get("endTime", 10**15)), int(self.now.timestamp() * 1000))
        rows = []
        for t in range(-(-start // step) * step, end + 1, step):
            label = pd.Timestamp(t, unit="ms", tz="UTC")
            if self.hole and self.hole[0] <= label < self.hole[1]:
                continue
            close = self.close(query["symbol"], label, level=30_000.0, size=0.03)
            texts = [str(v) for v in (close, close * 1.02, close * 0.98, close, 5.0)]
            rows.append([t, *texts, t + step - 1, "0", 1, "0", "0", "0"])
            if len(rows) == int(query.get("limit", 500)):
                break
        return rows

    def _chart(self, request):
        symbol = request.path.rsplit("/", 1)[1].replace("%5E", "^").replace("%3D", "=")
        meta = {"currency": "USD", "symbol": symbol, "instrumentType": "INDEX", "timezone": "EST", "gmtoffset": -18000}
        meta |= {"exchangeTimezoneName": "America/New_York", "regularMarketPrice": 1.0, "priceHint": 2}
        meta |= {"dataGranularity": "1d", "range": "", "validRanges": ["1d", "max"], "chartPreviousClose": 1.0}
        period = {"timezone": "EST", "start": 0, "end": 0, "gmtoffset": -18000}
        meta["currentTradingPeriod"] = {"pre": period, "regular": period, "post": period}
        end = min(pd.Timestamp(int(request.query.get("period2", 0)) or 1, unit="s", tz="UTC"), self.now)
        start = max(pd.Timestamp(int(request.query.get("period1", 0)), unit="s", tz="UTC"), self.first)
        days = sessions_between(start.normalize(), end.normalize()) if end > start else pd.DatetimeIndex([], tz="UTC")
        days = days[session_closes(days) <= self.now] if len(days) else days
        opens = (days.tz_localize(None) + pd.Timedelta(hours=9, minutes=30)).tz_localize("America/New_York")
        closes = [self.close(symbol, d, level=_SYMBOLS[symbol], size=0.01) for d in days]
        quote = {"open": closes, "high": [c * 1.01 for c in closes], "low": [c * 0.99 for c in closes]}
        quote |= {"close": closes, "volume": [1000] * len(closes)}
        indicators = {"quote": [quote], "adjclose": [{"adjclose": closes}]}
        seconds = [int(t.timestamp()) for t in opens]
        return {"chart": {"result": [{"meta": meta, "timestamp": seconds, "indicators": indicators}], "error": None}}

    def _fred(self, query):
        first = max(pd.Timestamp(query["cosd"], tz="UTC"), self.first)
        yesterday = self.now.normalize() - pd.Timedelta(days=1)
        days = pd.bdate_range(first, min(pd.Timestamp(query["coed"], tz="UTC"), yesterday))
        lines = [f"{d.date()},{self.close(query['id'], d, level=3.0, size=0.02)}" for d in days]
        return "\n".join([f"observation_date,{query['id']}", *lines]) + "\n"
