"""Start lists: the configurations that a search of an optimizer tries first.

Those of SGD, Adam and RMSprop come from trainings of 390 configurations on nine small tasks: each
entry is the one that, beside the entries before it, lowers the loss most on average. They are of
small networks; what is far from them is reached by the search, which walks as far as the loss
improves. Rules whose steps are Adam's, but for decay or Nesterov's look ahead, borrow its list.
ASGD, which is SGD without momentum, borrows SGD's as steps of the same length: η/(1 − μ). For all
others nothing is measured yet: they start at the framework's default learning rate, a decade
below and a decade above it.
"""

from collections.abc import Mapping

Entry = Mapping[str, float]

_SGD = ((0.0016, 0.95), (0.032, 0.9), (0.004, 0.95), (0.025, 0.95), (0.08, 0.9))
_RMSPROP = ((0.0004, 0.5), (0.00063, 0.9), (0.00016, 0.5), (0.0001, 0.95), (0.001, 0.9))

MEASURED: Mapping[str, tuple[Entry, ...]] = {
    "SGD": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _SGD),
    "RMSprop": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _RMSPROP),
    "Adam": (
        {"learning_rate": 0.004, "beta_1": 0.9, "epsilon": 1e-3},
        {"learning_rate": 0.00063, "beta_1": 0.8},
        {"learning_rate": 0.0063, "beta_1": 0.95},
        {"learning_rate": 0.0004, "beta_1": 0.5},
        {"learning_rate": 0.0025, "beta_1": 0.9},
    ),
}
_WITHOUT_MOMENTUM = tuple(
    {"learning_rate": float(f"{entry['learning_rate'] / (1 - entry['momentum']):.2g}")}
    for entry in MEASURED["SGD"]
)
LIKE_ADAM = ("AdamW", "Nadam", "NAdamW")
DECADES = (1.0, 0.1, 10.0)  # times the default learning rate, where nothing is measured


# Of version 2: what the atlas says clearly better for, on families of tasks it was made without.
_ADAMW = ((0.01, 0.004), (0.0078, 0.39), (0.25, 0.004), (0.036, 0.00069), (0.00068, 0.00056))
OF_THE_ATLAS: Mapping[str, tuple[Entry, ...]] = {
    "AdamW": tuple({"learning_rate": rate, "weight_decay": decay} for rate, decay in _ADAMW),
}
VERSION = 2  # of the lists, which a study keeps: one more where a list changes


def start_list(rule: str, version: int = VERSION) -> tuple[Entry, ...]:
    """Return what was measured to be good starts of a rule; nothing where nothing was.

    `version` is that of a study that began with older lists, which goes on with them.
    """
    if rule == "ASGD":
        return _WITHOUT_MOMENTUM
    if version >= 2 and rule in OF_THE_ATLAS:
        return OF_THE_ATLAS[rule]
    return MEASURED.get("Adam" if rule in LIKE_ADAM else rule, ())
