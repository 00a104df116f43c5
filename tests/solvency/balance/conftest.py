"""What the tests of balance sheets share, named here because pytest imports test modules by path."""

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).parent / "drawn_sheets.py"
if _path.stem not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_path.stem, _path)
    sys.modules[_path.stem] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_path.stem])
