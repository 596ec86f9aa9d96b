"""The picture of the learning rate: how good each optimizer's best configuration is with others."""

from collections.abc import Mapping, Sequence
from typing import Any

from steepest.measures.edges import is_special_case
from steepest.measures.rate_curves import At, RateCurve, rate_curve
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.figures.style import Look, Picture, layout, log_axis, marks, vertical
from steepest.reports.numbers import number
from steepest.reports.outcome_text import died
from steepest.reports.verdict_text import deciding
from steepest.text import listed, many, setting

FAINT = 45  # per cent of a colour
Trace = dict[str, Any]


def rates_picture(
    study: StudyRecord, verdict: Verdict, looks: Mapping[str, Look]
) -> Picture | None:
    """Return what decides against the learning rate, a curve an optimizer.

    None unless some optimizer has results at two rates.
    """
    curves = {name: found for name in looks if (found := rate_curve(study, name))}
    drawn = {name: one for name, one in curves.items() if _finite(one)}
    if len({at.rate for one in drawn.values() for at in _every(one)}) < 2:
        return None
    results = [r for one in drawn.values() for at in _every(one) for r in at.results]
    axis_y, low, high = vertical(study.settings, deciding(study.settings), results)
    edge = low if study.settings.maximize else high  # where diverged trainings are drawn
    data: list[Trace] = []
    for name, one in drawn.items():
        data += _lines(looks[name], one, study.task.epochs)
    for name, one in drawn.items():  # above all lines
        data += _lost(looks[name], one, (low, high), edge, died(study.trials))
        data += _marks(study, verdict, looks[name], one)
    rates = [at.rate for one in drawn.values() for at in _every(one)]
    rates += [rate for one in drawn.values() for rate, _ in one.lost]
    figure = {"data": data, "layout": layout(350, log_axis("learning rate", rates), axis_y)}
    return Picture(figure, _caption(study, verdict, drawn))


def _every(one: RateCurve) -> list[At]:
    """Return all of an optimizer that is drawn and has a result."""
    single = [at for at in (one.best, one.default) if at]
    return [at for at in (*one.full, *one.half, *one.others, *single) if at.results]


def _finite(one: RateCurve) -> bool:
    return bool(_every(one))


def _lines(look: Look, one: RateCurve, epochs: int) -> list[Trace]:
    """Draw the band, the curve of full length, the one of half, and what has other values."""
    whole = [at for at in one.full if at.results and not at.lost]
    traces: list[Trace] = []
    if any(len(at.results) > 1 for at in whole) and len(whole) > 1:
        rates = [at.rate for at in whole]
        low, high = [min(at.results) for at in whole], [max(at.results) for at in whole]
        traces.append(
            {
                "mode": "lines",
                "x": [*rates, *reversed(rates)],
                "y": [*high, *reversed(low)],
                "fill": "toself",
                "fillcolor": f"{look.colour}/16",
                "line": {"color": "@clear", "width": 0},
                "hoverinfo": "skip",
            }
        )
    half = [at for at in one.half if at.results and not at.lost]
    if len(half) > 1:
        faint = {"color": f"{look.colour}/{FAINT}"}
        traces.append(_curve(look, half, f"after {many(one.half_epochs, 'epoch')}", 4))
        traces[-1] |= {"line": {**faint, "width": 1.4, "dash": "dot"}}
        traces[-1]["marker"] |= faint
    traces.append(_curve(look, whole, f"after {many(epochs, 'epoch')}", 6))
    traces[-1]["line"] = {"color": look.colour, "width": 2.2, "dash": look.dash}
    traces.append(_curve(look, one.others, "with other hyperparameters", 6))
    traces[-1] |= {"mode": "markers"}
    traces[-1]["marker"] |= {"symbol": f"{look.marker}-open", "opacity": 0.6}
    return [{"type": "scatter", "legendgroup": f"o{look.index}", **trace} for trace in traces]


def _curve(look: Look, points: Sequence[At], what: str, size: int) -> Trace:
    return {
        "mode": "lines+markers",
        "x": [at.rate for at in points],
        "y": [at.mean for at in points],
        "text": [_of(at) for at in points],
        "marker": marks(look, size),
        "hovertemplate": f"{look.label} {what}, rate %{{x:.4g}}: %{{y:.4g}} (%{{text}})"
        "<extra></extra>",
    }


def _of(at: At) -> str:
    """Return which trainings a point is of."""
    if len(at.trials) == 1:
        return f"trial {at.trials[0]}"
    return f"mean of {len(at.trials)}, {number(min(at.results))} to {number(max(at.results))}"


def _lost(
    look: Look, one: RateCurve, ends: tuple[float, float], edge: float, died: str
) -> list[Trace]:
    """Draw what diverged at the picture's edge, and a line up at the first rate that did."""
    group = {"type": "scatter", "legendgroup": f"o{look.index}"}
    traces: list[Trace] = []
    if one.edge is not None:
        traces.append(
            {
                "mode": "lines",
                "x": [one.edge, one.edge],
                "y": list(ends),
                "line": {"color": f"{look.colour}/70", "width": 1.2, "dash": "dash"},
                "hovertemplate": f"{look.label} diverged at {setting(one.edge)}<extra></extra>",
                **group,
            }
        )
    if one.lost:
        traces.append(
            {
                "mode": "markers",
                "x": [rate for rate, _ in one.lost],
                "y": [edge] * len(one.lost),
                "text": [f"trial {trial}" for _, trial in one.lost],
                "marker": {"symbol": "x", "size": 9, "color": look.colour},
                "hovertemplate": f"{look.label}, rate %{{x:.4g}}: {died} (%{{text}})"
                "<extra></extra>",
                "cliponaxis": False,
                **group,
            }
        )
    return traces


def _marks(study: StudyRecord, verdict: Verdict, look: Look, one: RateCurve) -> list[Trace]:
    """Mark the best rate and the framework's default; in words, of what is recommended."""
    recommended, yours = look.name == verdict.recommended, study.optimizers[look.name].baseline
    paper = {"color": "@paper", "width": 1.5}
    # Beyond the best and on other sides of their marks, as they can be the same.
    best = "top" if study.settings.maximize else "bottom"
    other = "bottom" if study.settings.maximize else "top"
    word = "yours" if yours else "best" if recommended else ""
    kinds = (
        (
            one.default,
            f"{look.marker}-open",
            12,
            {"width": 2},
            "default" * recommended,
            f"{other} left",
        ),
        (one.best, look.marker, 13, paper, word, f"{other} right" if yours else f"{best} center"),
    )
    return [
        {
            "type": "scatter",
            "legendgroup": f"o{look.index}",
            "mode": "markers+text",
            "x": [at.rate],
            "y": [at.mean],
            "text": [word],
            "textposition": place,
            "textfont": {"color": "@ink", "size": 13},
            "customdata": [_of(at)],
            "marker": marks(look, size, symbol=symbol, line=line),
            "hovertemplate": (
                f"{look.label}, {'the framework’s default' if at is one.default else 'the best'} "
                "rate %{x:.4g}: %{y:.4g} (%{customdata})<extra></extra>"
            ),
            "cliponaxis": False,
        }
        for at, symbol, size, line, word, place in kinds
        if at is not None
    ]


def _caption(study: StudyRecord, verdict: Verdict, drawn: Mapping[str, RateCurve]) -> str:
    """Say each best rate and where training diverges, then how to read the picture."""
    names = [n for n in verdict.standings if n in drawn]
    told = [
        f"{n} {_short(at.rate)}"
        for n in names
        if (at := drawn[n].best) and not study.optimizers[n].baseline
    ]
    text = f"Best rates: {listed(told)}. " if told else ""
    edges = [f"{n} at {_short(edge)}" for n in names if (edge := drawn[n].edge) is not None]
    if edges:
        text += f"Dashed verticals are the first rate that diverged: {listed(edges)}. "
    curve = "Each curve is an optimizer's best configuration with other rates, trained in full"
    bands = any(len(at.results) > 1 for one in drawn.values() for at in one.full)
    text += curve + ("; bands go from the lowest seed to the highest" if bands else "") + ". "
    if any(len(one.half) > 1 for one in drawn.values()):
        half = next(iter(drawn.values())).half_epochs
        text += f"The faint dotted ones are the same after {many(half, 'epoch')}. "
    signs = ["large marks are the confirmed rates"] if told else []
    if any(one.default for one in drawn.values()):
        signs.append("large open ones the framework's defaults")
    if any(one.others for one in drawn.values()):
        signs.append("small open ones trainings with other hyperparameters, or of the search")
    if any(one.lost for one in drawn.values()):
        signs.append(f"× trainings that {died(study.trials)}")
    text += f"{_capital(', '.join(signs))}." if signs else ""
    left = [
        s.name
        for s in verdict.standings.values()
        if s.config and is_special_case(study, s.name, s.config)
    ]
    if left:
        are = "are" if len(left) > 1 else "is"
        text += f" {listed(left)} {are} left out, being SGD in other words."
    return text.strip()


def _short(rate: float) -> str:
    """Return a rate in two digits."""
    return setting(float(f"{rate:.2g}"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
