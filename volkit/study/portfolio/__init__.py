"""A book in a study: under rules, in scenarios, and its pages."""

from volkit.study.portfolio.stage import BookScenarios, PortfolioParts, margin_book

__all__ = ["BookScenarios", "PortfolioParts", "margin_book"]
