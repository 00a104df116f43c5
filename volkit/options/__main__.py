"""Compile the kernels of options: ``python -m volkit.options``, as for `volkit.volatility`."""

from volkit.options.black76 import compile_black76

if __name__ == "__main__":
    compile_black76()
