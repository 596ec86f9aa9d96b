"""The page's pictures as Plotly figures, for a notebook or a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steepest.errors import InputError, absent, nearest, quoted
from steepest.measures.measure import Measures
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.figures.pictures import all_pictures
from steepest.reports.figures.style import Look, Picture, looks
from steepest.reports.page.document import colours

TOKEN = re.compile(r"@([a-z0-9]+)(?:/(\d+))?")
BY_OPTIMIZER = "o"  # with which a trace's group begins, and the optimizer's place follows
LOG_TICKS = ("dtick", "exponentformat", "tickmode", "tickvals", "ticktext")
TITLE = 40  # pixels that a title takes


@dataclass(frozen=True)
class Plots:
    """The page's pictures of a study, each as a `plotly.graph_objects.Figure`.

    Legends stand in the figures, and `figure.layout.meta["caption"]` is the page's line on what to
    see. Every method raises `InputError` where the study has not what the picture shows, or where
    Plotly is not installed.
    """

    _study: StudyRecord
    _verdict: Verdict
    _measured: Callable[[], Measures]

    def against_yours(self) -> Any:
        """What is used today beside what is recommended: learning curves and results."""
        return self._figure("today", "an optimizer that is used today, and others beside it")

    def results(self) -> Any:
        """Each optimizer's results on fresh seeds, with the interval of their mean."""
        return self._figure("verdict", "a confirmed run")

    def learning_rates(self) -> Any:
        """What decides against the learning rate, as the search and the sweep found it."""
        return self._figure("rates", "trials at several learning rates")

    def learning_curves(self, y: str | None = None, x: str = "epochs") -> Any:
        """Mean learning curves with bands from the lowest seed to the highest.

        Args:
            y: what decides, or "training_loss", "validation_loss" or a metric.
            x: "epochs", "steps" or "seconds".
        """
        return self._figure("curves", "a confirmed run", y, x)

    def search_curves(self) -> Any:
        """The learning curves of the search's trials."""
        return self._figure("trying", "a trial of the search")

    def best_so_far(self, x: str = "trainings") -> Any:
        """The best result of the search so far, against what it took.

        Args:
            x: "trainings" or "seconds".
        """
        keys = {"trainings": "best", "seconds": "best-seconds"}
        return self._figure(keys[_known("x", x, keys)], "trials of a search")

    def generalization_gaps(self) -> Any:
        """The loss on validation data less that on training data, an optimizer each."""
        return self._figure("gaps", "runs that were measured on the training set")

    def generalization_paths(self) -> Any:
        """Training loss against validation loss, from the first epoch to the last."""
        return self._figure("paths", "runs that were measured on the training set")

    def search_effort(self) -> Any:
        """The best result to be expected of so many trials, an optimizer each."""
        return self._figure("expected", "enough trials of a search at one length")

    def importance(self) -> Any:
        """Which hyperparameters set the best trials apart."""
        return self._figure("importance", "enough trials, and one that stands out from chance")

    def cost(self) -> Any:
        """Seconds of a step and bytes of state, an optimizer each."""
        return self._figure("cost", "a confirmed run")

    def hyperparameters(self) -> dict[str, Any]:
        """A figure for each hyperparameter that was searched, by name: values against results."""
        return self._several("tried-")

    def trials(self) -> dict[str, Any]:
        """A figure for each optimizer with 20 trials or more, by its caption's title: each trial a
        line through its hyperparameters to its result (parallel coordinates)."""
        return self._several("parallel-")

    def _pictures(self) -> dict[str, Picture]:
        look = looks(list(self._study.optimizers))
        return all_pictures(self._study, self._verdict, self._measured(), look)

    def _figure(self, key: str, needed: str, y: str | None = None, x: str | None = None) -> Any:
        picture = self._pictures().get(key)
        if picture is None:
            raise InputError(f"the study has no such picture; it needs {needed}")
        figure = picture.figure if x is None else _varied(picture, y, x)
        return self._drawn(figure, picture)

    def _several(self, prefix: str) -> dict[str, Any]:
        return {
            one.title: self._drawn(one.figure, one)
            for key, one in self._pictures().items()
            if key.startswith(prefix)
        }

    def _drawn(self, figure: Mapping[str, Any], picture: Picture) -> Any:
        try:
            from plotly.graph_objects import Figure
        except ImportError as error:
            raise absent("study.plot", error, "plotly") from None
        chosen = colours()
        found = painted(figure, chosen)
        of = list(looks(list(self._study.optimizers)).values())
        layout = dict(found["layout"])
        margin = {**layout["margin"], "t": TITLE} if picture.title else layout["margin"]
        layout |= {
            "margin": margin,
            "title": {"text": picture.title},
            "meta": {"caption": picture.caption},
            "showlegend": True,
            "dragmode": "zoom",
            "paper_bgcolor": chosen["card"],
        }
        for name in [n for n in layout if n.startswith(("xaxis", "yaxis"))]:
            layout[name] = {**layout[name], "fixedrange": False}
        return Figure({"data": _with_legend(found["data"], of), "layout": layout})


def painted(value: Any, of: Mapping[str, str], key: str = "") -> Any:
    """Return a figure in which tokens such as "@ink" or "@0/20" are colours, where one is due."""
    if isinstance(value, Mapping):
        return {k: painted(v, of, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [painted(one, of, key) for one in value]
    found = TOKEN.fullmatch(value) if isinstance(value, str) and key.endswith("color") else None
    if found is None:
        return value
    name, share = found.groups()
    if name == "clear":
        return "rgba(0,0,0,0)"
    whole = of[f"o{name}" if name.isdecimal() else name]
    red, green, blue = (int(whole[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{int(share) / 100 if share else 1:g})"


def _varied(picture: Picture, y: str | None, x: str) -> Mapping[str, Any]:
    """Return the figure with another quantity on its axes."""
    variants = picture.variants or {}
    along = variants["x"][_known("x", x, variants["x"])]
    if y is None:
        data = [{**t, "x": v} for t, v in zip(picture.figure["data"], along["data"], strict=True)]
        up = picture.figure["layout"]["yaxis"]
    else:
        other = variants["y"][_known("y", y, variants["y"])]
        data = [
            {**t, "x": a, "y": b}
            for t, a, b in zip(picture.figure["data"], along["data"], other["data"], strict=True)
        ]
        old = picture.figure["layout"]["yaxis"]
        kept = {k: old[k] for k in old if k not in ("type", *LOG_TICKS)}
        log = {"type": "log", **other["ticks"]} if other["log"] else {}
        up = {**kept, **log, "title": {**old["title"], "text": other["title"]}}
    flat = picture.figure["layout"]["xaxis"]
    across = {k: v for k, v in flat.items() if k not in ("tick0", "dtick")}
    across |= {**along["ticks"], "title": {**flat["title"], "text": along["title"]}}
    return {"data": data, "layout": {**picture.figure["layout"], "xaxis": across, "yaxis": up}}


def _with_legend(data: list[dict[str, Any]], of: list[Look]) -> list[dict[str, Any]]:
    """Return traces in which one of each optimizer, a line if there is one, stands for all."""
    groups = [str(trace.get("legendgroup", "")) for trace in data]
    shown: dict[str, int] = {}
    for i, (trace, group) in enumerate(zip(data, groups, strict=True)):
        old = shown.get(group)
        if old is None or (_stands(trace) and not _stands(data[old])):
            shown[group] = i
    found = []
    for i, (trace, group) in enumerate(zip(data, groups, strict=True)):
        place = group.removeprefix(BY_OPTIMIZER)
        own = place.isdecimal() and shown[group] == i
        named = {"name": of[int(place)].label} if place.isdecimal() else {}
        found.append({**trace, **named, "showlegend": own})
    return found


def _stands(trace: Mapping[str, Any]) -> bool:
    """Return whether a trace shows how an optimizer looks: neither a band nor a mark of loss."""
    symbol = trace.get("marker", {}).get("symbol")
    return "fill" not in trace and symbol != "x" and bool(trace.get("x"))


def _known(name: str, value: str, known: Mapping[str, Any]) -> str:
    """Return `value`.

    Raises:
        InputError: it is none of the known names.
    """
    if value not in known:
        raise InputError(
            f"the picture has no {name} of {quoted(value)}; {nearest(str(value), known)}"
        )
    return value
