"""Times of clearing and of DebtRank: ``python -m benchmarks.contagion_networks``.

A simulated network of 1,000 nodes with 50,000 liabilities, cleared to 1e-12 beside HiGHS's linear program: in a crisis
that leaves hardly anybody able to pay, and where half the nodes can, which the program's presolve makes easy for it.
Then beside plain loops over banks, and 1,000 shocks beside a sparse iteration of scipy's; then the stress of 125
defaults in a simulated network of 125 nodes beside numpy's iteration of the full table, one default at a time and all
at once, all three to the same tolerance. The routes must agree before they are timed. Processor seconds of one thread.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.table import Line, Row, compare, run_table
from volkit.contagion.networks import (
    LiabilityNetwork,
    clear_scenarios,
    clearing_vector,
    compile_networks,
    systemic_ranking,
)

__all__ = ["lines"]

N_NODES, N_LINKS, N_SHOCKS, N_RANKED = 1_000, 50_000, 1_000, 125
SAMPLE = 20
TOLERANCE = 1e-12


def simulated_network(n: int, links: int, *, crisis: bool) -> LiabilityNetwork:
    """Return a simulated network of which nearly all nodes, or half, cannot pay."""
    rng = np.random.default_rng(1)
    ends = rng.integers(0, n, (2, links))
    ends = ends[:, ends[0] != ends[1]]
    table = sparse.csr_array((rng.lognormal(size=ends.shape[1]), tuple(ends)), shape=(n, n))
    owes, owed = table.sum(axis=1), table.sum(axis=0)
    outside = owes * rng.uniform(0.1, 0.5, n)
    cover = np.maximum(owes + outside - owed, 0.0) * rng.uniform(0.5, 1.1, n)
    assets = owes * rng.uniform(0.0, 0.3, n) if crisis else cover + owes * rng.uniform(0.0, 0.15, n)
    return LiabilityNetwork.from_matrix(table, external_assets=assets, external_liabilities=outside)


def by_program(network: LiabilityNetwork) -> np.ndarray:
    """Return the payments of greatest sum by HiGHS."""
    n, owed = network.n_nodes, network.obligations
    system = sparse.eye_array(n) - network.shares.T
    bounds = np.column_stack([np.zeros(n), owed])
    return linprog(-np.ones(n), A_ub=system, b_ub=network.external_assets, bounds=bounds, method="highs").x


def by_loops(network: LiabilityNetwork) -> np.ndarray:
    """Return payments by rounds over lists of banks, as a package of plain Python does it."""
    shares = sparse.csr_array(network.shares.T)
    claims = [
        list(zip(shares.indices[a:b].tolist(), shares.data[a:b].tolist(), strict=True))
        for a, b in zip(shares.indptr[:-1], shares.indptr[1:], strict=True)
    ]
    owed, assets = network.obligations.tolist(), network.external_assets.tolist()
    paid, scale = list(owed), max(owed)
    while True:
        new = [min(o, e + sum(s * paid[j] for j, s in of)) for o, e, of in zip(owed, assets, claims, strict=True)]
        moved = max(abs(a - b) for a, b in zip(new, paid, strict=True))
        paid = new
        if moved <= TOLERANCE * scale:
            return np.array(paid)


def by_iteration(network: LiabilityNetwork, assets: np.ndarray) -> np.ndarray:
    """Return payments of some shocks by scipy's sparse products, all at once."""
    received, owed = sparse.csr_array(network.shares.T), network.obligations[:, None]
    paid = np.broadcast_to(owed, (len(owed), len(assets))).copy()
    while True:
        new = np.minimum(owed, assets.T + received @ paid)
        moved = np.abs(new - paid).max()
        paid = new
        if moved <= TOLERANCE * owed.max():
            return paid.T


def clearing_rows() -> list[Row]:
    """Return the rows of one shock and of many, and print wall milliseconds."""
    network, calmer = (simulated_network(N_NODES, N_LINKS, crisis=crisis) for crisis in (True, False))
    shocks = network.external_assets * np.random.default_rng(2).uniform(0.6, 1.1, (N_SHOCKS, N_NODES))
    for one in (network, calmer):
        found, scale = clearing_vector(one, certificate=True), one.obligations.max()
        proof = found.certificate
        assert proof is not None
        assert proof.difference <= TOLERANCE
        far = [np.abs(peer(one) - proof.payments).max() / scale for peer in (by_program, by_loops)]
        print(
            f"{found.n_defaults} of {N_NODES:,} nodes default; off fictitious default by {proof.difference:.0e}, the "
            f"program by {far[0]:.0e}, loops by {far[1]:.0e}"
        )
    many = clear_scenarios(network, shocks)
    few = by_iteration(network, shocks[:SAMPLE])
    np.testing.assert_allclose(
        many.payments.to_numpy()[:SAMPLE], few, rtol=0.0, atol=10.0 * TOLERANCE * network.obligations.max()
    )
    for n_jobs in (1, 2):
        start = time.perf_counter()
        clear_scenarios(network, shocks, n_jobs=n_jobs)
        spent = time.perf_counter() - start
        print(f"{N_SHOCKS:,} shocks on {n_jobs} threads: {1e3 * spent / N_SHOCKS:.2f} ms of wall clock a shock")
    size = f"{N_NODES:,} nodes, {N_LINKS:,} links"
    return [
        compare(
            f"clearing to 1e-12, {size}", lambda: clearing_vector(network), lambda: by_program(network),
            peer="HiGHS linear program", floor=500.0, aim=1_800.0, calls=50,
        ),
        compare(
            "the same, half of them can pay", lambda: clearing_vector(calmer), lambda: by_program(calmer),
            peer="HiGHS linear program", calls=50,
        ),
        compare(
            f"clearing to 1e-12, {size}", lambda: clearing_vector(network), lambda: by_loops(network),
            peer="Python loops", floor=100.0, aim=400.0, calls=50,
        ),
        compare(
            f"{N_SHOCKS:,} shocks, {size}", lambda: clear_scenarios(network, shocks),
            lambda: by_iteration(network, shocks[:SAMPLE]), peer="scipy iteration", scale=N_SHOCKS / SAMPLE,
        ),
    ]  # fmt: skip


def ranking_rows() -> list[Row]:
    """Return the rows of the stress of every node's default."""
    network = simulated_network(N_RANKED, 10 * N_RANKED, crisis=False)
    buffer = 0.8 * network.claims * np.random.default_rng(3).uniform(0.5, 2.0, N_RANKED) + 0.1
    spread = np.ascontiguousarray((network.liabilities.toarray() / buffer).T)
    print(f"spectral radius {np.abs(np.linalg.eigvals(spread)).max():.2f}")

    def ours() -> np.ndarray:
        return systemic_ranking(network, buffer=buffer, tolerance=TOLERANCE).stress.to_numpy()

    def one_by_one() -> np.ndarray:
        return np.array([_iterated(spread, h0) for h0 in np.eye(N_RANKED)])

    def all_at_once() -> np.ndarray:
        return _iterated(spread, np.eye(N_RANKED)).T

    ranked = systemic_ranking(network, buffer=buffer).table["additional_defaults"]
    print(f"{ranked.mean():.1f} further defaults on average, {ranked.max()} at most")
    np.testing.assert_allclose(ours(), one_by_one(), rtol=0.0, atol=100.0 * TOLERANCE)
    np.testing.assert_allclose(ours(), all_at_once(), rtol=0.0, atol=100.0 * TOLERANCE)
    size = f"{N_RANKED} defaults in {N_RANKED} nodes"
    gated = compare(f"DebtRank to 1e-12, {size}", ours, one_by_one, peer="numpy, one by one", floor=3.0, aim=6.0)
    beside = compare(f"the same, {size}", ours, all_at_once, peer="numpy, all at once")
    print(
        f"the gated peer of DebtRank takes one default at a time ({gated.value:.1f}x); beside numpy with all defaults "
        f"in one table, as a user of numpy would write it, the ratio is {beside.value:.1f}x (the row below, no floor)"
    )
    return [gated, beside]


def _iterated(spread: np.ndarray, h0: np.ndarray) -> np.ndarray:
    h = h0
    while True:
        new = np.minimum(1.0, h0 + spread @ h)
        moved = np.abs(new - h).max()
        h = new
        if moved <= TOLERANCE:
            return h


def lines() -> Iterator[Line]:
    """Yield the table, row by row."""
    yield from clearing_rows()
    yield from ranking_rows()


if __name__ == "__main__":
    sys.exit(run_table("benchmarks.contagion_networks", lines, prepare=compile_networks))
