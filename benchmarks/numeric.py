"""The compiled gradient against hand-written NumPy, PyTorch and autograd.

Each contestant is timed in a fresh process with one thread; every gradient is compared
with hand-written NumPy before it is timed. Run: python benchmarks/numeric.py
"""

import json
import os
import subprocess
import sys
import timeit
from time import process_time

import numpy as np

SIZES = (1, 32, 1024, 65536)
ROUNDS = 7
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def data(rows):
    generator = np.random.default_rng(0)
    shapes = ((2, 2), (2,), (2, 2), (2,))
    parameters = [generator.normal(size=shape) for shape in shapes]
    return (
        generator.normal(size=(rows, 2)),
        generator.normal(size=(rows, 2)),
        parameters,
    )


def sigmoid(z):
    e = np.exp(np.minimum(z, 80.0))
    return e / (1.0 + e)


def by_hand(x, y, w1, b1, w2, b2):
    """Mean loss and gradient of a 2-2-2, as one would write it, tails kept."""
    z = x @ w1 + b1
    h = sigmoid(z)
    error = h @ w2 + b2 - y
    delta2 = error / len(x)
    delta1 = (delta2 @ w2.T) * (h * sigmoid(-z))
    loss = 0.5 * (error * error).sum() / len(x)
    return loss, x.T @ delta1, delta1.sum(0), h.T @ delta2, delta2.sum(0)


def hand(rows):
    x, y, parameters = data(rows)
    return lambda: by_hand(x, y, *parameters)


def network():
    from symbackprop import Layer, Network, derive, graph_of

    layers = (Layer(2, "sigmoid"), Layer(2, "identity"))
    return derive(graph_of(Network(2, layers, "half_squared_error")))


def flat(x, y, parameters):
    """Columns and floats in the order of the ids."""
    w1, b1, w2, b2 = parameters
    weights = [*w1.T.ravel(), *b1, *w2.T.ravel(), *b2]
    if len(x) == 1:
        return [float(v) for v in (*x[0], *y[0], *weights)]
    columns = [np.ascontiguousarray(column) for column in (*x.T, *y.T)]
    return [*columns, *map(float, weights)]


def matched(found, rows):
    """Our outputs in the shape of the hand-written ones, compared before timing."""
    x, y, parameters = data(rows)
    loss, w1, b1, w2, b2 = by_hand(x, y, *parameters)
    expected = [loss, *w1.T.ravel(), *b1, *w2.T.ravel(), *b2]
    worst = max(abs(float(a) - float(b)) for a, b in zip(found, expected, strict=True))
    assert worst < 1e-12, worst


def ours_raw(rows):
    from symbackprop import compiled

    function = compiled(network(), batch="mean" if rows > 1 else None)
    values = flat(*data(rows))
    matched(function.raw(*values), rows)
    return lambda: function.raw(*values)


def ours_checked(rows):
    from symbackprop import compiled

    function = compiled(network(), batch="mean" if rows > 1 else None)
    x, y, (w1, b1, w2, b2) = data(rows)
    if rows == 1:
        values = dict(zip(function.arguments, flat(*data(rows)), strict=True))
    else:
        values = {"x": x, "y": y, "w1": w1, "b1": b1, "w2": w2, "b2": b2}
    found = function(values)
    matched([found.loss, *found.gradient.values()], rows)
    return lambda: function(values)


def torch_peer(rows):
    import torch

    torch.set_num_threads(1)
    x, y, parameters = data(rows)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    leaves = [torch.from_numpy(p).requires_grad_() for p in parameters]

    def run():
        w1, b1, w2, b2 = leaves
        error = torch.sigmoid(x @ w1 + b1) @ w2 + b2 - y
        loss = 0.5 * (error * error).sum() / len(x)
        return loss, *torch.autograd.grad(loss, leaves)

    loss, w1, b1, w2, b2 = [value.detach().numpy() for value in run()]
    matched([loss, *w1.T.ravel(), *b1, *w2.T.ravel(), *b2], rows)
    return run


def autograd_peer(rows):
    import autograd.numpy as anp
    from autograd import value_and_grad

    x, y, parameters = data(rows)

    def loss(parameters):
        w1, b1, w2, b2 = parameters
        hidden = 0.5 * (1 + anp.tanh(0.5 * (anp.dot(x, w1) + b1)))
        error = anp.dot(hidden, w2) + b2 - y
        return 0.5 * anp.sum(error * error) / len(x)

    run = value_and_grad(loss)
    value, (w1, b1, w2, b2) = run(parameters)
    matched([value, *w1.T.ravel(), *b1, *w2.T.ravel(), *b2], rows)
    return lambda: run(parameters)


CONTESTANTS = {
    "hand-written NumPy": hand,
    "raw": ours_raw,
    "checked call": ours_checked,
    "PyTorch": torch_peer,
    "autograd": autograd_peer,
}


def timed(run):
    """The best of some rounds, in microseconds a call."""
    number = 1
    while timeit.timeit(run, number=number) < 0.02:
        number *= 2
    return min(timeit.repeat(run, number=number, repeat=ROUNDS)) / number * 1e6


def built():
    """CPU milliseconds to the callable of an n-n-n: from its derivation, its graph."""
    from symbackprop import Layer, Network, compiled, derive, graph_of

    found = {}
    for n in (2, 4, 8, 16):
        layers = (Layer(n, "sigmoid"), Layer(n, "sigmoid"))
        graph = graph_of(Network(n, layers, "half_squared_error"))
        best = []
        for _ in range(5):
            start = process_time()
            derivations = derive(graph)
            middle = process_time()
            compiled(derivations)
            stop = process_time()
            best.append((stop - middle, stop - start))
        found[str(n)] = [1e3 * min(pair[k] for pair in best) for k in (0, 1)]
    return found


def lambdified():
    """CPU milliseconds of lambdify on sympy.diff of the loss written out, 8-8-8."""
    import sympy

    from symbackprop import Layer, Network, graph_of

    layers = (Layer(8, "sigmoid"), Layer(8, "sigmoid"))
    graph = graph_of(Network(8, layers, "half_squared_error"))
    known = {}
    sigmoid_of = sympy.Function("sigmoid")
    for name, body in graph.definitions.items():
        plain = body.replace(sigmoid_of, lambda u: 1 / (1 + sympy.exp(-u)))
        known[sympy.Symbol(name)] = plain.xreplace(known)
    loss = known[sympy.Symbol("J")]
    weights = [sympy.Symbol(name.id) for name in graph.wrt]
    slopes = [sympy.diff(loss, weight) for weight in weights]
    arguments = sorted(loss.free_symbols, key=str)
    start = process_time()
    sympy.lambdify(arguments, [loss, *slopes], "numpy", cse=True)
    return 1e3 * (process_time() - start)


def fresh(*arguments):
    """One measurement in a process of its own; None where a peer is not installed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_THREAD},
    )
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def main():
    print("2-2-2, mean loss and gradient of all weights, ratio to hand-written NumPy")
    print(f"{'':20}" + "".join(f"{f'B={rows}':>12}" for rows in SIZES))
    base = {}
    for name in CONTESTANTS:
        cells = []
        for rows in SIZES:
            time = fresh("one", name, str(rows))
            if name == "hand-written NumPy":
                base[rows] = time
                cells.append(f"{time:.1f} us")
            else:
                cells.append(
                    "not there" if time is None else f"{time / base[rows]:.2f}"
                )
        print(f"{name:20}" + "".join(f"{cell:>12}" for cell in cells))
    print("\nbuilding the callable, CPU ms: from the derivation | from the graph")
    ours = fresh("built")
    for n, (after, whole) in ours.items():
        print(f"{f'{n}-{n}-{n}':20}{after:12.1f}{whole:12.1f}")
    peer = fresh("lambdified")
    print(f"lambdify(sympy.diff, cse=True), 8-8-8: {peer:.0f} ms, ", end="")
    print(f"{peer / ours['8'][0]:.0f} times ours")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["one", name, rows]:
            print(json.dumps(timed(CONTESTANTS[name](int(rows)))))
        case ["built"]:
            print(json.dumps(built()))
        case ["lambdified"]:
            print(json.dumps(lambdified()))
        case _:
            main()
