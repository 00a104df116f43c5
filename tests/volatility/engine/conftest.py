"""What the tests of the engine share, named here because pytest imports test modules by path."""

import importlib.util
import sys
from pathlib import Path

for _path in (Path(__file__).parent / name for name in ("compiled.py", "rivals.py", "slow_twin.py")):
    if _path.stem not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_path.stem, _path)
        sys.modules[_path.stem] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_path.stem])
