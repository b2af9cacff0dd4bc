"""Writes pytorch_steps.json: what PyTorch's optimizers and schedules do, step for step.

    pip install torch==2.13.0
    python tests/training/make_pytorch_steps.py

The tests compare with the file, so that they need no PyTorch. Doubles are written with all their digits.
"""

import json
import math
import pathlib

import torch

START = [1.5, -2.0, 0.25, 0.0]
STEPS = 12


def gradient(step: int) -> list[float]:
    """Gradients of all sizes and signs, some of them zero."""
    return [math.sin(3 * step + i) * 10.0 ** ((step + i) % 5 - 2) if (step + i) % 4 else 0.0 for i in range(len(START))]


OPTIMIZERS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "weight_decay": 0.01},
        {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
    ],
    "Adam": [{}, {"lr": 0.1}, {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.1}],
    "AdamW": [{}, {"lr": 0.1}, {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.1}],
}
SCHEDULES = {
    "linear": (10, 0.1, lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, total_iters=10)),
    "step": (3, 0.5, lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
    "exponential": (0.9, None, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "cosine": (12, 0.25, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12, 0.25)),
}


def trace(name: str, options: dict[str, object]) -> list[list[float]]:
    """The parameters after each step; the learning rate falls on the way."""
    parameter = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([parameter], **options)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    rows = []
    for step in range(STEPS):
        parameter.grad = torch.tensor(gradient(step), dtype=torch.float64)
        optimizer.step()
        scheduler.step()
        rows.append(parameter.tolist())
    return rows


def factors(make: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


if __name__ == "__main__":
    document = {
        "torch": torch.__version__,
        "start": START,
        "decay": 0.9,
        "gradients": [gradient(step) for step in range(STEPS)],
        "optimizers": [
            {"name": name, "options": options, "steps": trace(name, options)}
            for name, variants in OPTIMIZERS.items()
            for options in variants
        ],
        "schedules": [
            {"name": name, "arguments": [a for a in (first, second) if a is not None], "factors": factors(make)}
            for name, (first, second, make) in SCHEDULES.items()
        ],
    }
    pathlib.Path(__file__).with_name("pytorch_steps.json").write_text(json.dumps(document, indent=1) + "\n")
