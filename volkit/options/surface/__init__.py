"""Volatility surfaces: SVI, SSVI, SABR and Heston smiles, fitted, checked for arbitrage, repaired on request.

A prepared option book enters; a `VolatilitySurface` with residuals and an arbitrage report leaves.
"""

from volkit.options.surface.arbitrage import ArbitrageReport, check_arbitrage
from volkit.options.surface.butterfly import ButterflyCheck, check_butterfly, repair_smile
from volkit.options.surface.calibration import SVIFit, fit_svi
from volkit.options.surface.fit import fit_surface
from volkit.options.surface.heston import Heston, heston_characteristic, heston_price
from volkit.options.surface.heston_fit import HestonFit, fit_heston, heston_volatility
from volkit.options.surface.heston_paths import HestonPaths, simulate_heston
from volkit.options.surface.sabr import SABR, SABRFit, fit_sabr, sabr_volatility, sabr_volatility_obloj
from volkit.options.surface.smile import FittedSmile
from volkit.options.surface.spec import SurfaceSpec
from volkit.options.surface.ssvi import SSVI, SSVIFit, fit_ssvi
from volkit.options.surface.surface import VolatilitySurface
from volkit.options.surface.svi import JumpWings, NaturalSVI, RawSVI, density_factor

__all__ = [
    "SABR",
    "SSVI",
    "ArbitrageReport",
    "ButterflyCheck",
    "FittedSmile",
    "Heston",
    "HestonFit",
    "HestonPaths",
    "JumpWings",
    "NaturalSVI",
    "RawSVI",
    "SABRFit",
    "SSVIFit",
    "SVIFit",
    "SurfaceSpec",
    "VolatilitySurface",
    "check_arbitrage",
    "check_butterfly",
    "density_factor",
    "fit_heston",
    "fit_sabr",
    "fit_ssvi",
    "fit_surface",
    "fit_svi",
    "heston_characteristic",
    "heston_price",
    "heston_volatility",
    "repair_smile",
    "sabr_volatility",
    "sabr_volatility_obloj",
    "simulate_heston",
]
