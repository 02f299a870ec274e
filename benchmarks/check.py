"""How long checking a gradient takes, in ratios: python benchmarks/check.py.

A network n-n-n of sigmoids with half the squared error, one sample, every weight and
bias; the gradient under examination is right. Every sample comes from a fresh process
on one thread. Peers that are not installed are left out.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import perf_counter

import numpy as np

ROUNDS = 5
REPEATS = 20
SIZES = (2, 16)
GOAL = ("symbackprop", "torch gradcheck", 16, 1.0)


def matrices(n: int) -> dict[str, np.ndarray]:
    """Inputs, targets, weights W[j, i] from unit i to unit j, biases."""
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=n),
        "y": random.uniform(0.05, 0.95, n),
        "W1": random.normal(size=(n, n)),
        "b1": random.normal(size=n),
        "W2": random.normal(size=(n, n)),
        "b2": random.normal(size=n),
    }


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def forward(m: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    h = sigmoid(m["W1"] @ m["x"] + m["b1"])
    return h, sigmoid(m["W2"] @ h + m["b2"])


def backward(m: dict[str, np.ndarray]) -> np.ndarray:
    """The gradient by hand, as one array in the order of the parameters."""
    h, o = forward(m)
    last = (o - m["y"]) * o * (1 - o)
    first = (m["W2"].T @ last) * h * (1 - h)
    parts = (np.outer(first, m["x"]), first, np.outer(last, h), last)
    return np.concatenate([part.ravel() for part in parts])


def timed(work: Callable[[], object]) -> float:
    """The median time of one call, after one that warms up."""
    work()
    times: list[float] = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


def symbackprop(n: int) -> float:
    """check_function at its default tolerance of 1e-10."""
    from symbackprop.examined import check_function
    from symbackprop.network import Layer, Network

    network = Network(n, (Layer(n, "sigmoid"), Layer(n, "sigmoid")))
    m = matrices(n)
    at = {f"{key}{i + 1}": float(v) for key in "xy" for i, v in enumerate(m[key])}
    for layer in (1, 2):
        for (j, i), value in np.ndenumerate(m[f"W{layer}"]):
            at[f"w{layer}_{i + 1}_{j + 1}"] = float(value)
        for j, value in enumerate(m[f"b{layer}"]):
            at[f"b{layer}_{j + 1}"] = float(value)
    shapes = {key: value.shape for key, value in m.items()}

    def gradient(values: dict[str, float]) -> np.ndarray:
        flat, given = np.array([values[name] for name in order]), {}
        start = 0
        for key, shape in shapes.items():
            size = int(np.prod(shape))
            given[key] = flat[start : start + size].reshape(shape)
            start += size
        return backward(given)

    order = [f"{key}{i + 1}" for key in "xy" for i in range(n)]
    for layer in (1, 2):
        order += [f"w{layer}_{i + 1}_{j + 1}" for j in range(n) for i in range(n)]
        order += [f"b{layer}_{j + 1}" for j in range(n)]
    assert check_function(gradient, network, at).outcome == "agrees"
    return timed(lambda: check_function(gradient, network, at))


def torch_gradcheck(n: int) -> float:
    """torch.autograd.gradcheck with its default settings: 1e-5 and 1e-3."""
    import torch

    torch.set_num_threads(1)
    m = {key: torch.tensor(value) for key, value in matrices(n).items()}
    names = ("W1", "b1", "W2", "b2")
    given = tuple(m[name].requires_grad_() for name in names)

    def loss(w1: object, b1: object, w2: object, b2: object) -> object:
        h = torch.sigmoid(w1 @ m["x"] + b1)
        return ((m["y"] - torch.sigmoid(w2 @ h + b2)) ** 2).sum() / 2

    assert torch.autograd.gradcheck(loss, given)
    return timed(lambda: torch.autograd.gradcheck(loss, given))


def autograd_check(n: int) -> float:
    """autograd's check_grads in reverse mode, all arguments: one random direction."""
    import autograd.numpy as anp
    from autograd.test_util import check_grads

    m = matrices(n)

    def loss(w1: object, b1: object, w2: object, b2: object) -> object:
        h = 1 / (1 + anp.exp(-(anp.dot(w1, m["x"]) + b1)))
        o = 1 / (1 + anp.exp(-(anp.dot(w2, h) + b2)))
        return anp.sum((m["y"] - o) ** 2) / 2

    check = check_grads(loss, modes=["rev"], order=1)
    return timed(lambda: check(m["W1"], m["b1"], m["W2"], m["b2"]))


def central(n: int) -> float:
    """Central differences of the loss, one weight after the other, to 1e-7."""
    m = matrices(n)

    def loss() -> float:
        return float(np.sum((m["y"] - forward(m)[1]) ** 2) / 2)

    def check() -> bool:
        found: list[float] = []
        for key in ("W1", "b1", "W2", "b2"):
            flat = m[key].reshape(-1)
            for place in range(flat.size):
                kept = flat[place]
                flat[place] = kept + 1e-6
                up = loss()
                flat[place] = kept - 1e-6
                found.append((up - loss()) / 2e-6)
                flat[place] = kept
        return bool(np.allclose(found, backward(m), rtol=1e-7, atol=1e-9))

    assert check()
    return timed(check)


WAYS: dict[str, tuple[Callable[[int], float], str, str]] = {
    "symbackprop": (symbackprop, "symbackprop", "every entry to 1e-10"),
    "torch gradcheck": (torch_gradcheck, "torch", "every entry to 1e-3, or 1e-5"),
    "autograd check_grads": (autograd_check, "autograd", "one random direction"),
    "central differences": (central, "numpy", "every entry to 1e-7"),
}


def sampled(way: str, n: int) -> float:
    """One sample from a fresh process on one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, __file__, way, str(n)],
        env=os.environ | threads,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(json.loads(done.stdout))


def main() -> None:
    """Measure in interleaved rounds and print the table."""
    present = [way for way, (_, package, _) in WAYS.items() if find_spec(package)]
    samples: dict[tuple[str, int], list[float]] = {}
    for number in range(1, ROUNDS + 1):
        for way in present:
            for n in SIZES:
                if sys.stderr.isatty():
                    print(f"\r\x1b[Kround {number}: {way}", end="", file=sys.stderr)
                samples.setdefault((way, n), []).append(sampled(way, n))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    middle = {key: median(values) for key, values in samples.items()}
    print(f"Python {platform.python_version()}, medians of {ROUNDS} fresh processes\n")
    heads = "".join(f"{f'{n}-{n}-{n}, ms':>14}{'ratio':>8}" for n in SIZES)
    print(f"{'checker':<22}{heads}   what it sees")
    for way in present:
        cells = "".join(
            f"{1e3 * middle[way, n]:>14.2f}"
            f"{middle[way, n] / middle['symbackprop', n]:>8.2f}"
            for n in SIZES
        )
        print(f"{way:<22}{cells}   {WAYS[way][2]}")
    for way, (_, package, _) in WAYS.items():
        if way not in present:
            print(f"{way:<22}{package} is not installed")
    mine, other, n, goal = GOAL
    if other in present:
        ratio = middle[mine, n] / middle[other, n]
        met = f"goal under {goal:g} {'met' if ratio < goal else 'missed'}"
        print(f"\n{mine} / {other} at {n}-{n}-{n}: {ratio:.3f}, {met}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(WAYS[sys.argv[1]][0](int(sys.argv[2]))))
    else:
        main()
