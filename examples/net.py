"""A task file for PyTorch: `steepest compare examples/net.py`.

Needed are `Net` (or `model`, a module), `train`, `loss` (or `step`, of module and batch), and
`validation` or `validation_split`. There may also be `test`, `metrics`, `epochs`, `batch_size`,
`shuffle`, `callbacks` and `initial_weights`; and for a stream, `steps_per_epoch` and
`validation_steps`.
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# Three noisy spirals; two coordinates in, one of three classes out.
torch.manual_seed(0)
arm = torch.randint(0, 3, (900,))
radius = 0.1 + 0.9 * torch.rand(900)
angle = 4 * radius + 2 * torch.pi / 3 * arm + 0.15 * torch.randn(900)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 32),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Linear(32, 32),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(32, 3),
        )

    def forward(self, x):
        return self.layers(x)


train = DataLoader(TensorDataset(points[:525], arm[:525]), batch_size=32, shuffle=True)
validation = TensorDataset(points[525:700], arm[525:700])
test = (points[700:], arm[700:])
loss = nn.CrossEntropyLoss()
epochs = 15
