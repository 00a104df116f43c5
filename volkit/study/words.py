"""Sentences of a report."""

__all__ = ["sentence"]


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop.

    Examples
    --------
    >>> sentence("fund used up on 1 % of paths")
    'Fund used up on 1 % of paths.'
    """
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
