"""Reference methods of networks that volkit answers: clearing, sequences of defaults, DebtRank, reconstruction."""

from collections.abc import Callable
from typing import Any

import numpy as np
from conformance_series import Case
from scipy import sparse
from scipy.optimize import linprog

from volkit.contagion.networks import (
    LiabilityNetwork,
    clearing_vector,
    debtrank,
    default_sequence,
    reconstruct_network,
    systemic_ranking,
)

__all__ = ["NETWORK_METHODS", "linear_program", "random_network"]

_TIGHT = 1e-9
_SEEDS = 200


def _network(i: dict[str, Any]) -> LiabilityNetwork:
    return LiabilityNetwork.from_matrix(
        i["L_row_owes_col"],
        external_assets=i.get("external_assets"),
        external_liabilities=i.get("external_liabilities"),
        nodes=i.get("order"),
        own_claims="keep",
    )


def clearing(case: Case, method: str) -> dict[str, Any]:
    """Return payments and defaults."""
    i = case.inputs
    losses = {name: i[name] for name in ("alpha", "beta") if name in i}
    found = clearing_vector(_network(i), method=method, certificate=True, **losses)
    assert found.certificate.difference < 1e-12
    payments = found.payments.tolist()
    # Fractions are told as the reference tells them, once the number is theirs to the last digits.
    told = [text if _is(text, p) else str(p) for text, p in zip(case.expected["p"], payments, strict=True)]
    return {"p": told, "p_float": payments, "defaults": found.defaults.astype(int).tolist()}


def _is(fraction: str, value: float) -> bool:
    top, bottom = fraction.split("/")
    return abs(int(top) / int(bottom) - value) <= 1e-12


def sequence(case: Case) -> dict[str, Any]:
    """Return who defaults in turn."""
    found = default_sequence(_network(case.inputs), recovery=case.inputs["recovery"])
    return {"defaults": found.defaults.astype(int).tolist()}


def distress(case: Case, method: str) -> dict[str, Any]:
    """Return stress and defaults when each node defaults alone, by both routes."""
    i, network = case.inputs, _network(case.inputs)
    each = {node: debtrank(network, node, method=method, buffer=i["buffer"]) for node in i["order"]}
    ranked = systemic_ranking(network, method=method, buffer=i["buffer"]).table.loc[i["order"]]
    alone = [d.additional_stress for d in each.values()]
    np.testing.assert_allclose(ranked["additional_stress"], alone, rtol=0.0, atol=1e-11)
    return {
        "additional_stress": alone,
        "additional_defaults": [d.additional_defaults for d in each.values()],
        "h_when_B_defaults": each["B"].stress.tolist(),
    }


def ring(case: Case) -> dict[str, Any]:
    """Return equity of a ring after a shock to everybody's."""
    i, n = case.inputs, len(case.inputs["external_assets"])
    network = LiabilityNetwork.from_matrix(
        i["interbank_ring"] * np.roll(np.eye(n), 1, axis=1),
        external_assets=i["external_assets"],
        external_liabilities=i["external_liabilities"],
    )
    stress = debtrank(network, np.full(n, i["relative_equity_shock"])).stress
    return {"equity": (network.equity * (1.0 - stress)).tolist()}


def reconstruction(case: Case) -> dict[str, Any]:
    """Return claims by creditor and debtor."""
    found = reconstruct_network(case.inputs["row_assets"], case.inputs["col_liabilities"])
    return {"rows": found.matrix.T.to_numpy().tolist()}


def random_network(seed: int) -> LiabilityNetwork:
    """Return a simulated network of 5 to 200 nodes, some of which cannot pay."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 201))
    table = rng.lognormal(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.05, 0.8))
    np.fill_diagonal(table, 0.0)
    owes, owed = table.sum(axis=1), table.sum(axis=0)
    outside = owes * rng.uniform(0.0, 0.5, n)
    assets = np.maximum(owes + outside - owed, 0.0) * rng.uniform(0.4, 1.1, n) + rng.uniform(0.0, 0.2, n) * owes
    return LiabilityNetwork.from_matrix(table, external_assets=assets, external_liabilities=outside)


def linear_program(network: LiabilityNetwork) -> np.ndarray:
    """Return the payments of greatest sum: no more than owed, no more than is there."""
    owed = network.obligations
    shares = network.liabilities.multiply(1.0 / np.where(owed > 0.0, owed, 1.0)[:, None])
    system = sparse.eye_array(len(owed)) - sparse.csr_array(shares).T
    found = linprog(
        -np.ones(len(owed)),
        A_ub=sparse.csr_array(system),
        b_ub=network.external_assets,
        bounds=np.column_stack([np.zeros_like(owed), owed]),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return found.x


def clearing_laws(case: Case) -> dict[str, Any]:
    """Return the checks once 200 random networks have passed them."""
    for seed in range(_SEEDS):
        _check_network(seed)
    return {"checks": case.expected["checks"]}


def _check_network(seed: int) -> None:
    network, rng = random_network(seed), np.random.default_rng(seed)
    owed, assets = network.obligations, network.external_assets
    tight = _TIGHT * owed.max()
    found = clearing_vector(network, certificate=True)
    p = found.payments.to_numpy()
    rates = np.divide(p, owed, out=np.zeros_like(p), where=owed > 0.0)
    means = assets + network.liabilities.T @ rates
    assert (p >= 0.0).all() and (p <= owed).all(), "0<=p<=pbar"
    assert (p <= means + tight).all(), "limited liability"
    assert (np.minimum(np.abs(p - owed), np.abs(p - means)) <= tight).all(), "absolute priority"
    richer = network.with_external_assets(assets * rng.uniform(1.0, 1.5, len(p)))
    assert (clearing_vector(richer).payments.to_numpy() >= p - tight).all(), "monotone in assets"
    alpha, beta = rng.uniform(0.2, 1.0, 2)
    costly = clearing_vector(network, method="rogers_veraart", alpha=alpha, beta=beta, certificate=True)
    assert (costly.payments.to_numpy() <= p + tight).all(), "default costs pay no more"
    assert costly.certificate.difference <= 1e-12, "costly payments by fictitious default"
    assert found.certificate.difference <= 1e-12, "fictitious default"
    assert np.abs(linear_program(network) - p).max() <= tight, "linear program"


def fixed_point(case: Case) -> dict[str, Any]:
    """Return the largest residual and number of linear systems over random networks of 5 to 200 nodes."""
    residuals, solves = [], []
    for seed in range(_SEEDS):
        network, rng = random_network(seed), np.random.default_rng(seed)
        buffer = (network.claims + 0.01) * rng.uniform(0.3, 3.0)
        shock = np.where(rng.random(network.n_nodes) < 0.2, rng.random(network.n_nodes), 0.0)
        found = debtrank(network, shock, buffer=buffer)
        h = found.stress.to_numpy()
        # Worked out here once more, with the full table.
        spread = network.liabilities.T.toarray() / buffer[:, None]
        residuals.append(np.abs(h - np.minimum(1.0, shock + spread @ h)).max())
        solves.append(found.solves)
    assert max(residuals) <= case.expected["residual_max"]
    assert max(solves) <= case.expected["max_linear_solves"]
    return dict(case.expected)


NETWORK_METHODS: dict[str, Callable[[Case], Any]] = {
    "eisenberg_noe": lambda case: clearing(case, "eisenberg_noe"),
    "rogers_veraart": lambda case: clearing(case, "rogers_veraart"),
    "furfine": sequence,
    "property:clear.properties": clearing_laws,
    "debtrank_linear": lambda case: distress(case, "linear"),
    "debtrank_threshold": lambda case: distress(case, "threshold"),
    "debtrank_single_hit": lambda case: distress(case, "single_hit"),
    "property:debtrank.fixedpoint": fixed_point,
    "neva_linear_debtrank": ring,
    "ras_reconstruction": reconstruction,
}
