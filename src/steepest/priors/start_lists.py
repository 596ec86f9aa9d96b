"""Start lists: the configurations that a search of an optimizer tries first.

Those of SGD, Adam and RMSprop come from trainings of 390 configurations on nine small tasks: each
entry is the one that, beside the entries before it, lowers the loss most on average. They are of
small networks; what is far from them is reached by the search, which walks as far as the loss
improves. Rules whose steps are Adam's, but for decay or Nesterov's look ahead, borrow its list.
ASGD, which is SGD without momentum, borrows SGD's as steps of the same length: η/(1 − μ). All
others start at the framework's default learning rate, a decade below and a decade above it.
The atlas has measured more lists; those that were clearly better in what a search begins with took
their places: Adagrad's in version 2, Adamax', RAdam's and Adafactor's in version 3, Adadelta's and
ADOPT's in version 4, Ftrl's in version 5, Lion's and Prodigy's in version 6.
"""

from collections.abc import Mapping

Entry = Mapping[str, float]

_SGD = ((0.0016, 0.95), (0.032, 0.9), (0.004, 0.95), (0.025, 0.95), (0.08, 0.9))
_RMSPROP = ((0.0004, 0.5), (0.00063, 0.9), (0.00016, 0.5), (0.0001, 0.95), (0.001, 0.9))

_ADAM: tuple[Entry, ...] = (
    {"learning_rate": 0.004, "beta_1": 0.9, "epsilon": 1e-3},
    {"learning_rate": 0.00063, "beta_1": 0.8},
    {"learning_rate": 0.0063, "beta_1": 0.95},
    {"learning_rate": 0.0004, "beta_1": 0.5},
    {"learning_rate": 0.0025, "beta_1": 0.9},
)
_FIRST: Mapping[str, tuple[Entry, ...]] = {
    "SGD": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _SGD),
    "RMSprop": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _RMSPROP),
    **dict.fromkeys(("Adam", "AdamW", "Nadam", "NAdamW"), _ADAM),
    "ASGD": tuple({"learning_rate": float(f"{rate / (1 - mu):.2g}")} for rate, mu in _SGD),
}
# Of the atlas: what was clearly better on families of tasks that it was made without.
_ADAGRAD = ((0.093, 0.00051), (0.054, 0.0023), (0.74, 0.002), (0.25, 0.1), (0.016, 0.1))
_SECOND = {
    **_FIRST,
    "Adagrad": tuple(
        {"learning_rate": rate, "initial_accumulator_value": start} for rate, start in _ADAGRAD
    ),
}
_ADAMAX = ((0.043, 0.9), (0.1, 0.9), (0.0078, 0.97), (0.0093, 0.72), (0.25, 0.9))
_RADAM = ((0.043, 0.9), (0.0054, 0.83), (0.25, 0.9), (0.062, 0.57), (0.0078, 0.97))
_ADAFACTOR = ((0.62, 0.35), (0.74, 0.94), (0.89, 2.5), (0.36, 0.62), (0.0081, 1.5))
_THIRD = {
    **_SECOND,
    "Adamax": tuple({"learning_rate": rate, "beta_1": beta} for rate, beta in _ADAMAX),
    "RAdam": tuple({"learning_rate": rate, "beta_1": beta} for rate, beta in _RADAM),
    "Adafactor": tuple({"learning_rate": rate, "clip_threshold": d} for rate, d in _ADAFACTOR),
}
_ADOPT = ((0.0065, 0.9986), (0.00047, 0.9987), (0.036, 0.977), (0.062, 0.93), (0.0045, 0.93))
_ADADELTA = ((7.4, 0.965), (25.0, 0.95), (0.93, 0.92), (6.2, 0.845), (10.0, 0.95))
_FOURTH = {
    **_THIRD,
    "ADOPT": tuple({"learning_rate": rate, "beta_2": beta} for rate, beta in _ADOPT),
    "Adadelta": tuple({"learning_rate": rate, "rho": rho} for rate, rho in _ADADELTA),
}
_FTRL = ((0.068, 0.00056), (0.93, 0.00051), (0.033, 0.00019), (1.6, 0.1), (0.38, 0.13))
_FIFTH = {
    **_FOURTH,
    "Ftrl": tuple(
        {"learning_rate": rate, "initial_accumulator_value": start} for rate, start in _FTRL
    ),
}
_LION = ((0.0019, 0.81), (0.00054, 0.83), (0.015, 0.88), (0.0062, 0.57), (0.00045, 0.59))
_PRODIGY = ((0.13, 0.81), (0.044, 0.47), (0.24, 1.3), (0.076, 0.62), (0.71, 2.2))
_SIXTH = {
    **_FIFTH,
    "Lion": tuple({"learning_rate": rate, "beta_1": beta} for rate, beta in _LION),
    "Prodigy": tuple({"learning_rate": rate, "d_coef": d} for rate, d in _PRODIGY),
}
# By version, which a study keeps: it goes on with the lists that it began with.
LISTS: dict[int, Mapping[str, tuple[Entry, ...]]] = dict(
    enumerate((_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH), 1)
)
VERSION = max(LISTS)  # with which new studies begin
DECADES = (1.0, 0.1, 10.0)  # times the default learning rate, where nothing is measured


def start_list(rule: str, version: int | None = None) -> tuple[Entry, ...]:
    """Return what was measured to be good starts of a rule; nothing where nothing was."""
    return LISTS[VERSION if version is None else version].get(rule, ())
