"""Compile the kernels of this package."""

from volkit.impact.laws import LinearImpact

__all__ = ["compile_impact"]


def compile_impact() -> None:
    """Ask a law for a displacement and a fill.

    Examples
    --------
    >>> compile_impact()
    """
    law = LinearImpact(0.001)
    law.displacement(1.0)
    law.average_price(1.0)
