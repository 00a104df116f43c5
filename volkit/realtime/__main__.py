"""Compile the kernels of live margins: ``python -m volkit.realtime``, as for `volkit.volatility`."""

from volkit.realtime.insolvency import compile_insolvency
from volkit.realtime.online import QuantileTracker
from volkit.realtime.replay import compile_replay

if __name__ == "__main__":
    compile_insolvency()
    compile_replay()
    QuantileTracker(confidence=0.99).update(0.5)
