"""What every client needs for a pull: spans and windows, patience, and an account of what came."""

from volkit.sources.pulling.coverage import Coverage, Pulled

__all__ = ["Coverage", "Pulled"]
