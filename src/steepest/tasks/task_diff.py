"""Differences between two tasks, in words: checked before a study is resumed."""

import re

from steepest.records import Parameter, TaskFacts

_DATA = {
    "training data": "training_examples",
    "validation data": "validation_examples",
    "test data": "test_examples",
}
_KNOWN = {"model", "compile", "initial weights", "kept weights", "backend", *_DATA}
_LONGEST = 120  # of what is quoted, which comes from a file


def what_differs(before: TaskFacts, now: TaskFacts) -> tuple[str, ...]:
    """Return a sentence for each thing in which two tasks differ, none where they are the same.

    Compared are the digests of the parts (`TaskFacts.fingerprint`) and the facts, by name: notes
    are of no importance, nor is the number that Keras hangs on a name that it gives itself. Without
    digests, as in study files before format 5, the facts alone are compared. Parts that only one of
    the two has, as another version wrote it, do not count.
    """
    sentences = [
        *_model(before, now),
        *_compiled(before, now),
        *_weights(before, now),
        *(one for part in _DATA for one in _data(before, now, part)),
    ]
    for name, a, b in (
        ("epochs", before.epochs, now.epochs),
        ("batch size", before.batch_size, now.batch_size),
        ("order of examples", _order(before), _order(now)),
        ("backend", *(one.fingerprint.get("backend", "") for one in (before, now))),
        ("name", _unnumbered(before.name), _unnumbered(now.name)),
    ):
        if a != b and a != "" != b:
            sentences.append(f"{name}: {_value_text(a)} then, {_value_text(b)} now")
    others = sorted({*before.fingerprint} - _KNOWN)
    sentences += [
        f"the {_value_text(part)} is not the same" for part in others if _changed(before, now, part)
    ]
    return tuple(sentences)


def _order(task: TaskFacts) -> str:
    order = "shuffled" if task.shuffle else "as given"
    return f"{order}, without the last batch" if task.drop_last else order


def _model(before: TaskFacts, now: TaskFacts) -> list[str]:
    said = "the model is not the same"
    if before.parameters != now.parameters:
        return [f"{said} ({before.parameters:,} weights then, {now.parameters:,} now)"]
    if before.weights and now.weights:  # which files of format 1 do not have
        ours, theirs = (_arrays(one.weights) for one in (before, now))
        if len(ours) != len(theirs):
            return [f"{said} ({len(ours):,} arrays of weights then, {len(theirs):,} now)"]
        for a, b in zip(ours, theirs, strict=True):
            if a != b:
                return [f"{said} ({_value_text(a)} then, {_value_text(b)} now)"]
    if _changed(before, now, "model"):
        return [f"{said} (as many weights, but other layers, settings or code)"]
    return []


def _arrays(weights: tuple[Parameter, ...]) -> list[str]:
    # Not the role, which is our own reading.
    return [f"{_unnumbered(one.path)} {list(one.shape)}" for one in weights]


def _compiled(before: TaskFacts, now: TaskFacts) -> list[str]:
    found = []
    if _unnumbered(before.loss) != _unnumbered(now.loss):
        found.append(f"loss: {_value_text(before.loss)} then, {_value_text(now.loss)} now")
    ours, theirs = (", ".join(map(_unnumbered, one.metrics)) or "none" for one in (before, now))
    if ours != theirs:
        found.append(f"metrics: {_value_text(ours)} then, {_value_text(theirs)} now")
    if not found and _changed(before, now, "compile"):
        found.append("the loss or a metric is not the same (its settings, weight or code)")
    return found


def _weights(before: TaskFacts, now: TaskFacts) -> list[str]:
    if before.fingerprint and now.fingerprint:
        then, later = ("initial weights" in one.fingerprint for one in (before, now))
        if then != later:
            ways = ("fresh weights", "the model's own weights")
            return [f"trials started from {ways[then]} then, and start from {ways[later]} now"]
    if _changed(before, now, "initial weights"):
        return ["the weights that the model has, from which trials start, are not the same"]
    if _changed(before, now, "kept weights"):
        seed = "torch.manual_seed" if now.framework == "torch" else "keras.utils.set_random_seed"
        return [
            "the weights that every trial takes from the model, such as those of frozen or adapted "
            "layers, are not the same; if they are drawn each time that the model is made, call "
            f"{seed}(0) before it is"
        ]
    return []


def _data(before: TaskFacts, now: TaskFacts, part: str) -> list[str]:
    a, b = (int(getattr(one, _DATA[part])) for one in (before, now))
    if a and not b:
        return [f"there were {part} then, and there are none now"]
    if b and not a:
        return [f"there were no {part} then, and there are now"]
    if a != b:
        return [f"the {part} are not the same ({a:,} examples then, {b:,} now)"]
    return [f"the {part} are not the same"] if _changed(before, now, part) else []


def _changed(before: TaskFacts, now: TaskFacts, part: str) -> bool:
    ours, theirs = before.fingerprint.get(part), now.fingerprint.get(part)
    return ours is not None and theirs is not None and ours != theirs


def _unnumbered(name: str) -> str:
    """Return a name or a path without the numbers that Keras gives: dense_3/kernel."""
    return re.sub(r"_\d+(?=/|$)", "", name)


def _value_text(value: object) -> str:
    """Return a value as text of one line, whatever a file may hold."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
