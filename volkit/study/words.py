"""Sentences of a report."""

from volkit.formatting import percent_words

__all__ = ["percent", "sentence"]


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop.

    Examples
    --------
    >>> sentence("fund used up on 1 % of paths")
    'Fund used up on 1 % of paths.'
    """
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def percent(share: float) -> str:
    """Return a decimal in per cent with three digits at most.

    Examples
    --------
    >>> percent(0.07219), percent(0.0075), percent(-0.1334)
    ('7.22 %', '0.75 %', '\u221213.3 %')
    """
    return percent_words(share, digits=3)
