"""Compile the kernels of impact, cascades and networks: ``python -m volkit.contagion``, as for `volkit.volatility`."""

from volkit.contagion.cascade import compile_cascade
from volkit.contagion.cross import compile_cross
from volkit.contagion.networks import compile_networks
from volkit.impact.warm import compile_impact

if __name__ == "__main__":
    compile_impact()
    compile_cascade()
    compile_cross()
    compile_networks()
