"""A study with its verdict and its measures."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from steepest.errors import InputError, SteepestError, StudyFileError, nearest, quoted
from steepest.measures.measure import Measures, measure
from steepest.measures.verdict import Verdict, judge
from steepest.records import StudyRecord
from steepest.reports.plots import Plots
from steepest.reports.verdict_text import sentence
from steepest.study.recommendation import Recommendation


class _ByName(dict[str, Recommendation]):
    """Recommendations by name, where a name that is not there gets the nearest one."""

    def __missing__(self, name: str) -> Recommendation:
        raise InputError(
            f"the study confirmed no optimizer {quoted(name)}; {nearest(str(name), self)}"
        )


@dataclass(frozen=True)
class Study:
    """A study with its verdict: print it for the advice, `to_dict()` is what `--json` prints."""

    record: StudyRecord
    path: Path
    target: float | None = None  # that convergence speed is measured to
    reference: str | None = None  # or whose end it is measured to

    @cached_property
    def verdict(self) -> Verdict:
        """Who is best, and how each optimizer stands."""
        return judge(self.record)

    @cached_property
    def measures(self) -> Measures:
        """Speed, generalization, sensitivity and cost, an optimizer each, with intervals.

        Raises:
            InputError: no optimizer that was confirmed has the name of the reference.
        """
        return measure(self.record, self.verdict, self.target, self.reference)

    @property
    def directory(self) -> Path:
        """Where the study file is."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def best(self) -> Recommendation:
        """What the advice says to use: the winner, or the one with the best mean so far; today's
        optimizer where it is as good.

        Raises:
            SteepestError: no optimizer was confirmed.
        """
        if self.verdict.recommended is None:
            raise SteepestError(sentence(self.record, self.verdict))
        return self.optimizers[self.verdict.recommended]

    @property
    def optimizers(self) -> dict[str, Recommendation]:
        """Each optimizer that was confirmed, best first, with its best configuration.

        Another name raises an `InputError` that says which there are.
        """
        return _ByName(
            {
                name: Recommendation(name, standing.config, self.record)
                for name, standing in self.verdict.standings.items()
                if standing.config is not None
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `steepest compare --json` prints."""
        from steepest.reports.json import to_dict

        return to_dict(self.record, self.verdict, self.measures)

    def to_dataframe(self, curves: bool = False) -> Any:
        """Return a `pandas.DataFrame`: a row a trial, or with `curves` one a trial and epoch.

        Raises:
            InputError: pandas is not installed.
        """
        from steepest.exporters.frames import to_dataframe

        return to_dataframe(self.record, curves)

    def leaderboard(self) -> Any:
        """Return a `pandas.DataFrame`: a row an optimizer, the recommended one first.

        Columns: `optimizer`, `configuration`, `state` (in the words of the table), `seeds`; what
        decides as `value`; the `gain` over what is used today; the `chance` of being best; `test_`
        loss and metrics; `seconds_to_target`, `seconds` of a training; what decides `at_defaults`;
        and `pareto`, whether no other has both a better mean value and fewer mean seconds. `value`,
        `gain` and `test_` columns have 95 % intervals beside them, as in `value_low`.

        Raises:
            InputError: pandas is not installed.
        """
        from steepest.exporters.frames import leaderboard

        return leaderboard(self.record, self.verdict, self.measures)

    @property
    def plot(self) -> Plots:
        """The pictures of the page as Plotly figures: `study.plot.learning_curves()` and others."""
        return Plots(self.record, self.verdict, lambda: self.measures)

    def write_report(self, path: str | Path | None = None) -> Path:
        """Write the page with all evidence, and return where: `report.html` beside the study.

        Raises:
            StudyFileError: it cannot be written there.
        """
        from steepest.reports.page.page import page

        file = Path(path) if path else self.directory / "report.html"
        try:
            written = page(self.record, self.verdict, self.measures, str(self.path))
            file.write_text(written, encoding="utf-8")
        except OSError as error:
            raise StudyFileError(
                f"cannot write {file}: {error.strerror}; choose another place"
            ) from error
        return file

    def _repr_html_(self) -> str:
        from steepest.reports.notebook import notebook

        return notebook(self.record, self.verdict, self.directory)

    def __str__(self) -> str:
        from steepest.reports.terminal import text

        return text(self.record, self.verdict, where=self.directory)

    def __repr__(self) -> str:
        return f"<Study of {', '.join(self.record.optimizers)} on {self.record.task.name}>"
