"""The strict base of every table of a rule file: frozen, and closed to keys that nobody reads."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Entry"]


class Entry(BaseModel):
    """A table of parameters: unknown keys are refused, values cannot be changed, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
