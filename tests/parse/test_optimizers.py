"""What is refused as optimizers= says how to write it instead."""

import keras
import pytest
from planned import planned

from steepest.errors import InputError
from steepest.parse.baseline import from_keras
from steepest.parse.optimizers import written

O = keras.optimizers  # noqa: E741


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (O.Adam(1e-3), r"baseline=.* or as 'Adam\(learning_rate=0\.001\)'"),
        (["SGD", O.SGD(0.1, momentum=0.9, nesterov=True)], r"'SGD\(learning_rate=0\.1, momentum="),
        ([O.Adam], "the class Adam; give its name, 'Adam'"),
        ({"Adam": O.Adam(3e-4, beta_1=0.8)}, r"'Adam\(learning_rate=0\.0003, beta_1=0\.8\)'"),
        (O.LossScaleOptimizer(O.Adam(1e-3)), r"'Adam\(learning_rate=0\.001\)'"),
        ([O.Adam(1e-3, ema_overwrite_frequency=3, use_ema=True)], "nor .* ema_overwrite_frequency"),
        ("Adam(lr=0.001)", r"no hyperparameter 'lr'; did you mean learning_rate\?$"),
        ("Adam(eps=0.001)", "did you mean epsilon"),
        ("RMSprop(alpha=0.9)", "did you mean rho"),
        ("Adam(betas=(0.9, 0.99))", "did you mean beta_1 and beta_2"),
        ({"Adam": {"lr": 0.1}}, "did you mean learning_rate"),
        (
            "Adam(clipnorm=1)",
            r"clip_each here; write Adam\(clip_each=1.0\), or recipe={'clip_each'",
        ),
        ("Adam(global_clipnorm=1)", "recipe={'clip_norm': 1.0} for all"),
        ("Adam(use_ema=True)", "recipe={'ema': 0.99}"),
        ("Adam(gradient_accumulation_steps=2)", "recipe={'accumulation': 4}"),
    ],
)
def test_the_nearest_cure_is_said(wanted, said):
    with pytest.raises(InputError, match=said):
        planned(wanted, 3)


def test_a_pytorch_optimizer_is_written_out_too():
    torch = pytest.importorskip("torch")
    made = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))], lr=0.01)
    with pytest.raises(InputError, match=r"'Adam\(learning_rate=0\.01\)'"):
        planned([made], 3)


def test_what_is_written_is_what_was_given():
    made = O.RMSprop(0.02, rho=0.8, centered=True)
    ((text,), config) = ([written(from_keras(made))], from_keras(made))
    (found,) = planned(text, 3)[0]
    assert found.fixed == {k: pytest.approx(config.hyperparameters[k]) for k in found.fixed}
    assert {"learning_rate", "rho", "centered"} <= set(found.fixed)


def test_a_recipe_takes_the_names_of_the_recipe():
    with pytest.raises(InputError, match="did you mean clip_each"):
        planned("SGD", 3, recipe={"clipnorm": 1.0})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("CosineAnnealingLR", "schedule='cosine'"),
        ("ExponentialLR", "schedule='exponential'"),
        ("StepLR", "schedule='step'"),
        ("PolynomialLR", "schedule='linear'"),
    ],
)
def test_a_scheduler_of_pytorch_is_answered_with_the_nearest_word(kind, said):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    needed = {"ExponentialLR": (0.9,), "PolynomialLR": ()}.get(kind, (3,))
    given = getattr(torch.optim.lr_scheduler, kind)(optimizer, *needed)
    for asked in ({"schedule": given}, {"recipe": {"schedule": given}}):
        with pytest.raises(InputError, match=f"{said}.*baseline="):
            planned("SGD", 3, **asked)
