"""How accounts stand in memory: what the kernels and the code that fills their arrays agree on."""

__all__ = ["BLOCK"]

# Accounts a block: small enough for tight bounds, large enough for the processor's vectors.
BLOCK = 64
