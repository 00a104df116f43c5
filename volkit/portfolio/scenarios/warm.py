"""Compile the kernels of this package, for every kind of array that they meet."""

import pandas as pd
from scipy import sparse

from volkit.portfolio.scenarios.accounts import Precision, expected_shortfall_margin
from volkit.portfolio.scenarios.arrays import risk_array_of_profits
from volkit.portfolio.scenarios.pretrade import AccountState

__all__ = ["compile_scenarios"]


def compile_scenarios() -> None:
    """Margin one account in both precisions, and check one order.

    Examples
    --------
    >>> compile_scenarios()
    """
    array = risk_array_of_profits(pd.DataFrame([[-1.0, 1.0, 2.0]], index=["contract"]), equally_likely=True)
    precisions: tuple[Precision, Precision] = ("double", "single")
    for precision in precisions:
        expected_shortfall_margin(sparse.csr_array([[1.0]]), array, confidence=0.5, precision=precision)
    AccountState({"contract": 1.0}, array, equity=1.0, confidence=0.5).check("contract", 1.0)
