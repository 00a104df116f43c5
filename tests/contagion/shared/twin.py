"""The rules of a run as plain loops."""

import math

from tests.contagion.shared.cases import PRICES, TERMS


def plain_run(book, path, feeds, coefficient, decay, permanent, settlement, least_profit=0.0, redemption=None):
    """The rules of the notes, loan by loan and coin by coin; impact g(x) = coefficient x."""
    assets, terms = ["ETH", "LST"], TERMS.set_index("asset")
    loans = [
        {"p": p, "a": a, "debt": float(d), "coins": [float(book.coins.loc[(p, a)].get(k, 0.0)) for k in assets]}
        for (p, a), d in book.debt.items()
    ]
    reference, sold = [PRICES[k] for k in assets], [0.0, 0.0]
    opening, report, age = [list(reference)], {}, {}
    backing = [list(redemption[0])] + [list(r) for r in redemption] if redemption is not None else None
    for k in range(2):
        feed = feeds[terms["oracle"].iloc[k]]
        report[k] = backing[0][k] if feed.source == "redemption" else reference[k]
        age[k] = 0
    bad, log, closing = dict.fromkeys(["P0", "P1", "P2", "A"], 0.0), [], []
    for t, shock in enumerate(path, start=1):
        for k in range(2):
            kept = decay * sold[k]
            reference[k] *= math.exp(permanent * coefficient * (kept - sold[k])) * (1.0 + shock[k])
            sold[k] = kept
        price = [reference[k] * math.exp(-coefficient * sold[k]) for k in range(2)]
        opening.append(price)
        for k in range(2):
            feed = feeds[terms["oracle"].iloc[k]]
            seen = (backing if feed.source == "redemption" else opening)[max(t - feed.lag, 0)][k]
            for d in feed.distortions:
                if d.start <= t < d.stop and d.asset in (None, assets[k]):
                    seen *= d.factor
            age[k] += 1
            if abs(seen / report[k] - 1.0) >= feed.deviation or (feed.heartbeat and age[k] >= feed.heartbeat):
                report[k], age[k] = seen, 0
        batch, todo = [0.0, 0.0], []
        for loan in loans:
            counted = sum(q * report[k] * terms["liquidation_threshold"].iloc[k] for k, q in enumerate(loan["coins"]))
            if loan["debt"] <= 0.0 or sum(loan["coins"]) == 0.0 or counted >= loan["debt"]:
                continue
            health = counted / loan["debt"]
            asked = loan["debt"] * (1.0 if health < book.full_close_below else book.close_factor)
            payable = sum(
                q * report[k] / (1.0 + terms["liquidation_bonus"].iloc[k]) for k, q in enumerate(loan["coins"])
            )
            share = min(1.0, asked / payable)
            worth = share * sum(q * price[k] for k, q in enumerate(loan["coins"]))
            if settlement == "fixed" and worth < share * payable * (1.0 + least_profit):
                continue
            todo.append((loan, share, share * payable))
            for k in range(2):
                batch[k] += share * loan["coins"][k]
        fill = [0.0, 0.0]
        for k in range(2):
            b, x = batch[k], sold[k]
            if b > 0.0 and coefficient > 0.0:
                fill[k] = reference[k] * math.exp(-coefficient * x) * (1.0 - math.exp(-coefficient * b))
                fill[k] /= coefficient * b
            elif b > 0.0:
                fill[k] = reference[k]
            sold[k] += b
        for loan, share, fixed in todo:
            got = [share * q * fill[k] for k, q in enumerate(loan["coins"])]
            net = sum(g / (1.0 + terms["liquidation_bonus"].iloc[k]) for k, g in enumerate(got))
            repaid = min(loan["debt"], fixed if settlement == "fixed" else net)
            loan["debt"] -= repaid
            loan["coins"] = [0.0 if share > 1.0 - 1e-12 else (1.0 - share) * q for q in loan["coins"]]
            written = loan["debt"] if sum(loan["coins"]) == 0.0 else 0.0
            loan["debt"] -= written
            bad[loan["p"]] += written
            log.append((t, loan["p"], loan["a"], share, sum(got), repaid, written))
        closing.append([reference[k] * math.exp(-coefficient * sold[k]) for k in range(2)])
    return log, bad, closing
