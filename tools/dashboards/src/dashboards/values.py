"""What stands in place of a value, and its colour: words, a word for none, and the steps of thresholds."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.levels import Levels
from dashboards.words import Words

GREEN, YELLOW, RED, GREY = "green", "yellow", "red", "text"
NO_DATA_COLOR = "#6e7180"
"""A tile without data: Grafana would give it the colour of the first step, which is often green."""


def mapped(words: Words, colors: Words | None = None) -> list[model.ValueMapping]:
    """Tokens or values to words, some in a colour of their own."""
    options = {
        token: model.ValueMappingResult(text=word, color=(colors or {}).get(token), index=n)
        for n, (token, word) in enumerate(words.items())
    }
    return [model.ValueMap(options)] if options else []


def no_data(word: str) -> model.ValueMapping:
    """What stands where there is no value, in grey."""
    result = model.ValueMappingResult(text=word, color=NO_DATA_COLOR)
    return model.SpecialValueMap(model.DashboardSpecialValueMapOptions(model.SpecialValueMatch.NULL, result))


def steps(levels: Levels | None) -> build.ThresholdsConfig:
    """Green below, yellow, red above; the other way round where low is bad; without levels no judgement."""
    thresholds: list[tuple[float | None, str]] = [(None, GREY)]
    if levels and levels.low_is_bad:
        better = [] if levels.yellow is None else [(levels.yellow, GREEN)]
        thresholds = [(None, RED), (levels.red, YELLOW if better else GREEN), *better]
    elif levels:
        between = [] if levels.yellow is None else [(levels.yellow, YELLOW)]
        thresholds = [(None, GREEN), *between, (levels.red, RED)]
    built = [model.Threshold(value=value, color=color) for value, color in thresholds]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(built)


def pattern(expression: str, shown: str) -> model.ValueMapping:
    """What is shown of tokens that match; ``$1`` is the first group."""
    return model.RegexMap(model.DashboardRegexMapOptions(expression, model.ValueMappingResult(text=shown)))
