"""Reference methods of SVI smiles that volkit answers."""

from collections.abc import Callable
from typing import Any

from conformance_series import Case

from volkit.options.surface import JumpWings, RawSVI, check_butterfly

__all__ = ["SURFACE_METHODS"]


def svi_raw(case: Case) -> dict[str, Any]:
    """Return variance at the forward, its minimum, and where the density is negative."""
    smile = RawSVI(**case.inputs["raw"])
    found = check_butterfly(smile)
    return {
        "w0": float(smile.total_variance(0.0)),
        "minimum_variance": smile.minimum_variance,
        "butterfly_interval": list(found.intervals[0]) if found.intervals else [],
        "min_g": found.min_g,
        "argmin_g": found.argmin_g,
    }


def raw_to_jump_wings(case: Case) -> dict[str, float]:
    """Return the jump-wings of a raw smile."""
    wings = RawSVI(**case.inputs["raw"]).to_jump_wings(case.inputs["t"])
    return {"v": wings.v, "psi": wings.psi, "p": wings.p, "c": wings.c, "vtilde": wings.v_tilde}


def jump_wings_to_raw(case: Case) -> dict[str, float]:
    """Return the raw smile of jump-wings."""
    given = dict(case.inputs["jump_wings"])
    smile = JumpWings(v_tilde=given.pop("vtilde"), time=case.inputs["t"], **given).to_raw()
    return {name: getattr(smile, name) for name in ("a", "b", "rho", "m", "sigma")}


SURFACE_METHODS: dict[str, Callable[[Case], Any]] = {
    "svi_raw": svi_raw,
    "svi_raw_to_jump_wings": raw_to_jump_wings,
    "svi_jump_wings_to_raw": jump_wings_to_raw,
}
