"""A run on a folder of prices whose series have hostile names."""

import json

import numpy as np
import pandas as pd
import pytest

from volkit.study import run_study, write_run

IMAGE = "<img src=x onerror=alert(1)>"
FORMULA = "=cmd|'/C calc'!A0"

CATALOGUE = """
[{name}]
title = {name}
kind = "crypto"
unit = {name}
transform = "log"
calendar = "24/7"
close = {{ rule = "step" }}
"""
STUDY = """
name = "hostile"
title = {image}
[data]
required = ["BTC", {image}, {formula}]
clock = "BTC"
[volatility]
models = ["GARCH-normal"]
[margin]
assets = ["BTC"]
methods = ["historical"]
lookback = 200
"""


def write_prices(folder, names=("BTC", IMAGE, FORMULA), n=400):
    """Write simulated closes under names that are code, with a catalogue."""
    times = pd.date_range("2021-01-01", periods=n, tz="UTC").strftime("%Y-%m-%d")
    catalogue = ""
    for i, name in enumerate(names):
        closes = 100.0 * np.exp(0.03 * np.random.default_rng(i).standard_t(5, n).cumsum())
        catalogue += CATALOGUE.format(name=json.dumps(name)) + f"[{json.dumps(name)}.ids.files]\n1d = 'series_{i}'\n"
        pd.DataFrame({"time": times, "close": closes}).to_csv(folder / f"series_{i}.csv", index=False)
    (folder / "series.toml").write_text(catalogue)
    return f"files:{folder}"


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory):
    """The folder of a run on simulated prices of an asset named as an image and of one named as a formula."""
    place = tmp_path_factory.mktemp("hostile")
    (place / "prices").mkdir()
    source = write_prices(place / "prices")
    file = place / "hostile.toml"
    file.write_text(STUDY.format(image=json.dumps(IMAGE), formula=json.dumps(FORMULA)))
    return write_run(run_study(file, source=source), place / "run")
