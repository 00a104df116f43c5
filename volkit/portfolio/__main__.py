"""Compile the kernels of books: ``python -m volkit.portfolio``, as for `volkit.volatility`."""

from volkit.portfolio.scenarios.warm import compile_scenarios

if __name__ == "__main__":
    compile_scenarios()
