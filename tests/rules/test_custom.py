"""A person's own optimizer takes part like the built-in ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from frameworks import initial, our_steps, task
from small import classes_data, make_model

import steepest
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules import OWN, RULES
from steepest.rules.custom import rule_fingerprint
from steepest.rules.recipe import completed

optax = pytest.importorskip("optax")


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    OWN.clear()


def belief(name="Belief"):
    return steepest.rule(
        name,
        lambda learning_rate, b1: optax.adabelief(learning_rate, b1=b1),
        space={
            "learning_rate": steepest.Float(1e-4, 1e-1, log=True),
            "b1": steepest.Float(0.5, 0.98, log=True, complement=True),
        },
        defaults={"learning_rate": 1e-3, "b1": 0.9},
    )


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [{}, {"accumulation": 3, "weight_decay": 0.1}])
def test_it_takes_the_steps_that_optax_takes(recipe):
    rule = belief()
    values = {**rule.settings("optax"), "learning_rate": 0.01, **recipe}
    values |= completed("Belief", values, None, "cosine")
    config = Config("Belief", "optax", values, "cosine", 0)
    from frameworks import gradient

    schedule = optax.cosine_decay_schedule(0.01, 100)
    count = recipe.get("accumulation", 1)
    links = [optax.adabelief(lambda u: schedule(u * count + count - 1), b1=0.9)]
    if recipe:
        mask = [p.role in ("kernel", "head", "embedding") for p in task().facts.weights]
        links.append(
            optax.add_decayed_weights(lambda u: -0.1 * schedule(u * count + count - 1), mask)
        )
    made = optax.MultiSteps(optax.chain(*links), count)
    weights = [jnp.asarray(w) for w in initial()]
    state = made.init(weights)
    update = jax.jit(made.update)
    theirs = []
    for i in range(100):
        loss, g = gradient()(weights, i)
        updates, state = update(g, state, weights)
        weights = [w + u for w, u in zip(weights, updates, strict=True)]
        theirs.append(float(loss))
    losses, _, _ = our_steps(config)
    np.testing.assert_allclose(losses, theirs, atol=3e-5)


@pytest.mark.slow
def test_it_takes_part(tmp_path):
    x, y = classes_data()
    study = steepest.compare(
        make_model(),
        x,
        y,
        validation_data=classes_data(1),
        epochs=3,
        batch_size=16,
        optimizers=[belief(), "SGD", "Belief(b1=0.5)"],
        trials=3,
        seeds=2,
        out=tmp_path,
    )
    assert set(study.optimizers) == {"Belief", "SGD", "Belief(b1=0.5)"}
    mine = study.optimizers["Belief"]
    assert set(mine.hyperparameters) == {"learning_rate", "b1"}
    with pytest.raises(InputError, match="somebody's own"):
        mine.code("optax")
    assert study.to_dict()["optimizers"]["Belief"]["code"] == {}
    OWN.clear()  # somebody else, who does not have the rule, opens the study
    again = steepest.read(tmp_path)
    assert again.to_dict()["optimizers"]["Belief"]["code"] == {}
    assert "Belief" in str(again)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Adam", lambda learning_rate: 0, {}), "there is an optimizer Adam already"),
        (("My Adam", lambda learning_rate: 0, {}), "must be a word"),
        (("Mine", 3, {}), "must be a function"),
        (("Mine", lambda ema: 0, {"ema": steepest.Float(0.1, 1)}), "name of the recipe"),
        (("Mine", lambda learning_rate: 5, {"learning_rate": steepest.Float(0.1, 1)}), "returned"),
        (("Mine", lambda learning_rate: 0, [1]), "dictionaries"),
        (("Mine", lambda: 0, {}), "no learning_rate"),
        (("Mine", lambda: 0, {"learning_rate": steepest.Float(0.1, 1)}), "does not take"),
        (("Mine", lambda learning_rate: 0, {"learning_rate": (0.1, 1)}), "must be a Float"),
    ],
)
def test_bad_input_is_said(arguments, said):
    with pytest.raises(InputError, match=said):
        steepest.rule(*arguments)


def test_a_rule_is_known_by_what_it_computes():
    def made(make, **options):
        space = {"learning_rate": steepest.Float(1e-4, 1e-1, log=True)}
        return rule_fingerprint(steepest.rule("Mine", make, space, **options))

    def looks(sign):
        """A transformation that JAX cannot trace."""

        def update(gradients, state, weights=None):
            return ([sign * g for g in gradients] if float(gradients[0].sum()) else []), state

        return lambda learning_rate: optax.GradientTransformation(lambda weights: (), update)

    table = np.arange(2000.0, dtype=np.float32)
    other = np.where(np.arange(2000) == 1000, -1, table).astype(np.float32)

    def looked_up(values):
        return lambda learning_rate: optax.scale_by_learning_rate(
            lambda step: learning_rate * jnp.asarray(values)[step]
        )

    def nested(learning_rate, nesterov):
        return optax.sgd(learning_rate, momentum=0.9, nesterov=nesterov)

    ways = [
        lambda: made(lambda learning_rate: optax.adabelief(learning_rate)),
        lambda: made(lambda learning_rate: optax.adabelief(learning_rate, b1=0.8)),
        lambda: made(lambda learning_rate: optax.adabelief(learning_rate, eps=1e-15)),
        lambda: made(looked_up(table)),
        lambda: made(looked_up(other)),
        lambda: made(looks(1)),
        lambda: made(looks(-1)),
        lambda: made(nested, defaults={"nesterov": True}),
    ]
    found = [way() for way in ways]
    assert len(set(found)) == len(ways)
    assert [way() for way in ways] == found
    assert made(lambda learning_rate: optax.adabelief(learning_rate, b1=0.9)) == found[0]
    assert rule_fingerprint(RULES["Adam"]) == ""
