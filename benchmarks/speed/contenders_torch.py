"""The loop that one writes by hand in PyTorch."""

from collections.abc import Sequence
from typing import Any

from speed.clock import Run, Stopwatch, further
from speed.works import SEED, Adam, Work

AT_ONCE = 512  # validation rows in a forward pass; more does not make it faster


def run_torch(work: Work, trials: Sequence[Adam]) -> Run:
    """Train the trials one after another; the choice of threads before that does not count."""
    watch = Stopwatch()
    import torch

    import_seconds = watch.lap()
    threads = faster_threads(torch, work, trials[0])
    torch.set_num_threads(threads)
    watch.lap()
    training, validation = torch_data(torch, work)
    accuracy, each, trial_watch = [], [], Stopwatch()
    for adam in trials:
        accuracy.append(train_torch(torch, work, adam, training, validation, work.epochs))
        each.append(trial_watch.lap())
    seconds = watch.lap()
    return Run(
        import_seconds,
        seconds,
        further(each),
        dict(enumerate(accuracy)),
        trial_seconds=each,
        threads=threads,
    )


def torch_data(torch: Any, work: Work) -> Any:
    """Return the data as tensors: whole numbers as int64, images with channels first."""

    def tensor(array: Any) -> Any:
        made = torch.from_numpy(array)
        if work.image and made.ndim == 4:
            made = made.permute(0, 3, 1, 2).contiguous()
        return made if made.is_floating_point() else made.long()

    return [[tensor(array) for array in part] for part in work.data()]


def faster_threads(torch: Any, work: Work, adam: Adam) -> int:
    """Return 1 or PyTorch's own number of threads, whichever trains faster, by a short probe."""
    choices: list[int] = sorted({1, torch.get_num_threads()})
    (x, y), (validation_x, validation_y) = torch_data(torch, work)
    training = x[: 16 * work.batch_size], y[: 16 * work.batch_size]
    validation = validation_x[:64], validation_y[:64]
    times: dict[int, list[float]] = {threads: [] for threads in choices}
    for _ in range(3):
        for threads in choices:
            torch.set_num_threads(threads)
            watch = Stopwatch()
            train_torch(torch, work, adam, training, validation, epochs=2)
            times[threads].append(watch.lap())
    return min(choices, key=lambda threads: min(times[threads]))


def train_torch(
    torch: Any, work: Work, adam: Adam, training: Any, validation: Any, epochs: int
) -> float:
    """Train one model; return its accuracy on the validation set.

    Batches are rows of one tensor, as a DataLoader would take longer than the training itself.
    """
    torch.manual_seed(SEED)
    x, y = training
    model = work.torch_model(torch)
    optimizer = torch.optim.Adam(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=adam["learning_rate"],
        betas=(adam["beta_1"], 0.999),
        eps=adam["epsilon"],
    )
    curves = []
    for _ in range(epochs):
        total = 0.0
        model.train()
        for rows in torch.randperm(len(x)).split(work.batch_size):
            loss = _cross_entropy(torch, model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            curves.append((total / len(x), *_evaluate(torch, model, validation)))
    return float(curves[-1][-1])


def _cross_entropy(torch: Any, logits: Any, y: Any) -> Any:
    return torch.nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())


def _evaluate(torch: Any, model: Any, validation: Any) -> tuple[float, float]:
    """Return the loss and the accuracy of validation."""
    loss = right = 0.0
    for x, y in zip(*(part.split(AT_ONCE) for part in validation), strict=True):
        logits = model(x)
        loss += _cross_entropy(torch, logits, y).item() * len(x)
        right += (logits.argmax(-1) == y).float().mean().item() * len(x)
    return loss / len(validation[0]), right / len(validation[0])
