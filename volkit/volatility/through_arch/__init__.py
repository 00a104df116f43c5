"""Models that the engine lacks, estimated by arch behind the same `fit`, and fits in arch's own shape."""

from volkit.volatility.through_arch.fit import ArchFit
from volkit.volatility.through_arch.model import ThroughArch
from volkit.volatility.through_arch.shape import to_arch_result

__all__ = ["ArchFit", "ThroughArch", "to_arch_result"]
