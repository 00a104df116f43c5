"""Loads what the files of this folder share by path, as pytest imports test modules alone."""

import importlib.util
import sys
from pathlib import Path

for _name in ("bad_values", "accepted", "documented_calls", "judgement"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
