"""Tail risks through time on one interface: returns and a policy enter, both measures of both sides leave."""

from volkit.margin.measures.walk import tails_through_time

__all__ = ["tails_through_time"]
