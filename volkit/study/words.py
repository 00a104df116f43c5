"""Sentences of a report."""

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
    return f"{100.0 * share:.3g} %".replace("-", "\u2212")
