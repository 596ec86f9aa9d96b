"""Every way in which a study is told, for the tests that tell studies of strangers."""

import warnings

from steepest.errors import InputError, SteepestError
from steepest.reports.json import dumps
from steepest.reports.markdown import markdown
from steepest.reports.rows import csv_text, curve_rows, trial_rows
from steepest.study import Study


def told(study, path, pages=True):
    """Return what each teller says; the errors that Steepest raises on purpose are no faults."""
    one = Study(study, path)
    found = {"text": str(one), "json": dumps(one.to_dict())}
    found["markdown"] = markdown(study, one.verdict, one.measures)
    found["csv"] = csv_text(trial_rows(study))
    found["curves"] = csv_text(curve_rows(study))
    found["notebook"] = one._repr_html_()
    found["short"] = repr(one)
    for name, each in one.optimizers.items():
        for framework in ("keras", "torch", "optax"):
            try:
                found[f"code {name} {framework}"] = each.code(framework)
            except InputError as error:
                found[f"error {name} {framework}"] = str(error)
    try:
        _ = one.best
    except SteepestError as error:
        found["no best"] = str(error)
    if pages:
        from steepest.reports.page.page import page

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found["page"] = page(study, one.verdict, one.measures, str(path))
    return found
