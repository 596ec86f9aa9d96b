"""Several studies from Python: of several tasks, or of one task at several batch sizes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from steepest.errors import InputError, StudyFileError, quoted
from steepest.measures.batch_sizes import BatchSizes
from steepest.measures.batch_sizes import batch_sizes as sizes_of
from steepest.measures.common_optimizers import labels
from steepest.measures.compatibility import Compatibility
from steepest.measures.compatibility import compatibility as measured
from steepest.records import FORMAT_VERSION
from steepest.signals import Stopped
from steepest.study import Study, new_directory, read


@dataclass(frozen=True)
class StudySet:
    """Studies of several tasks, or of one at several batch sizes.

    Print it for the tables; `to_dict()` is what `--json` prints. All raise `InputError` where the
    studies cannot be seen together.
    """

    comparisons: tuple[Study, ...]

    @cached_property
    def compatibility(self) -> Compatibility:
        """Ranks, normalized scores and performance profiles over tasks."""
        return measured([one.record for one in self.comparisons])

    @cached_property
    def batch_sizes(self) -> BatchSizes | None:
        """Which batch size to use, and how the best rates move with it; None where studies differ
        in more than their batch size."""
        return sizes_of([one.record for one in self.comparisons])

    @property
    def studies(self) -> dict[str, Study]:
        """Each comparison by the name of its task, numbered where tasks have the same name."""
        names = labels([one.record for one in self.comparisons])
        return dict(zip(names, self.comparisons, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `steepest report A B --json` prints."""
        from steepest.reports import batch_sizes, compatibility

        studies = {name: one.to_dict() for name, one in self.studies.items()}
        found: dict[str, Any] = {"format_version": FORMAT_VERSION, "studies": studies}
        if self.batch_sizes is not None:
            return {**found, "batch_sizes": batch_sizes.to_dict(self.batch_sizes)}
        return {**found, "compatibility": compatibility.to_dict(self.compatibility)}

    def to_markdown(self) -> str:
        """Return the tables and what they say as Markdown."""
        from steepest.reports.page import batch_sizes, compatibility_tables

        if self.batch_sizes is not None:
            return batch_sizes.markdown(self.batch_sizes)
        return compatibility_tables.markdown(self.compatibility)

    @property
    def directory(self) -> Path:
        """The directory that has the studies' own in it, or the current one if none has all."""
        above = {one.directory.absolute().parent for one in self.comparisons}
        if len(above) > 1:
            return Path()
        found, here = above.pop(), Path.cwd()
        return found.relative_to(here) if found.is_relative_to(here) else found

    def write_report(self, path: str | Path | None = None) -> Path:
        """Write the page of all tasks, or of all batch sizes, and return where.

        By default it is `report.html` in `directory`, or `several.html` if that has a study of its
        own, whose page `report.html` is. It links to the pages of studies in directories beside it,
        as far as they are written.

        Raises:
            StudyFileError: it cannot be written there.
        """
        from steepest.reports.page.batch_sizes import batch_sizes_page
        from steepest.reports.page.study_set import study_set_page

        own = (self.directory / "study.db").exists()
        file = Path(path) if path else self.directory / f"{'several' if own else 'report'}.html"
        order = list(self.comparisons[0].record.optimizers)
        links = self._links(file.absolute().parent)
        if self.batch_sizes is None:
            written = study_set_page(self.compatibility, order, links)
        else:
            sizes = {n: one.record.task.batch_size for n, one in self.studies.items()}
            of_size = {sizes[name]: link for name, link in links.items()}
            written = batch_sizes_page(self.batch_sizes, order, of_size)
        try:
            file.write_text(written, encoding="utf-8")
        except OSError as error:
            raise StudyFileError(
                f"cannot write {file}: {error.strerror}; choose another place"
            ) from error
        return file

    def _links(self, place: Path) -> dict[str, str]:
        """Return the addresses, as seen from `place`, of the studies' own pages in it."""
        return {
            task: f"{quote(page.parent.name)}/{page.name}"
            for task, one in self.studies.items()
            if (page := one.directory.absolute() / "report.html").is_file()
            and page.parent.parent == place
        }

    def __str__(self) -> str:
        from steepest.reports.page import batch_sizes, compatibility_tables

        if self.batch_sizes is not None:
            return batch_sizes.text(self.batch_sizes)
        return compatibility_tables.text(self.compatibility)

    def __repr__(self) -> str:
        return f"<Studies on {', '.join(self.studies)}>"


def compatibility(studies: Iterable[Study | str | Path]) -> StudySet:
    """Return how the optimizers that several studies have in common do over their tasks.

    Studies of one task that differ in their batch size alone are told as that.

    Args:
        studies: comparisons, study files or their directories; two at least. A directory that has
            only further ones with studies, as `steepest compare A B` writes it, is all of them.

    Raises:
        InputError: fewer than two studies, one of them twice, fewer than two optimizers in common,
            or one name for different optimizers.
        StudyFileError: a file is missing, damaged, of a newer version, or no study.
    """
    if isinstance(studies, str | Path | Study):
        studies = [studies]
    opened: list[Study] = []
    for one in studies:
        if isinstance(one, Study):
            opened.append(one)
        elif isinstance(one, str | Path):
            inside = [read(path) for path in study_files(Path(one))]
            opened += sorted(inside, key=lambda found: found.record.started)
        else:
            raise InputError(
                f"a study is {quoted(one)}, but must be a comparison or the path of one"
            )
    found = StudySet(tuple(opened))
    _ = (
        found.batch_sizes or found.compatibility
    )  # what is wrong is said here, and not when it is printed
    return found


def each_size(
    sizes: Sequence[int],
    train: Callable[[int, Path], Study],
    out: str | Path | None,
    name: str | None = None,
) -> StudySet:
    """Train a study of each batch size, in directories of their own, and return them all.

    Args:
        sizes: examples a step.
        train: trains one into a directory.
        out: the directory for all of them; by default a new one in `runs`.
        name: what that is named after.

    Raises:
        Stopped: somebody asked to stop; it says how to go on with all of them.
    """
    place = new_directory(name or "batch-sizes") if out is None else Path(out)
    try:
        return StudySet(tuple(train(size, place / f"batch-{size}") for size in sizes))
    except Stopped as stopped:
        raise Stopped(
            stopped.number,
            f"stopped; what was trained is kept in {place}, and the same call with "
            f"out={str(place)!r} goes on",
        ) from None


def study_files(path: Path) -> list[Path]:
    """Return `path`, or the study files in its directories if it has none itself."""
    if path.is_dir() and not (path / "study.db").exists():
        inside = sorted(path.glob("*/study.db"))
        if inside:
            return inside
    return [path]
