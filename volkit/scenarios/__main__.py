"""Compile the kernels of scenarios: ``python -m volkit.scenarios``, as for `volkit.volatility`."""

from volkit.scenarios.paths.warm import compile_paths

if __name__ == "__main__":
    compile_paths()
