"""How long a derivation takes, in ratios: python benchmarks/derive.py.

Every sample is CPU time on one thread in a fresh process. Only ratios from one run
are worth quoting; the times depend on the machine.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import process_time

ROUNDS = 5
WIDTHS = {
    "4-4-4": (4, 4, 4),
    "8-8-8": (8, 8, 8),
    "16-16-16": (16, 16, 16),
    "4-wide, depth 3": (4,) * 4,
    "4-wide, depth 10": (4,) * 11,
}
GOALS = {
    "16-16-16 / 4-4-4, time per edge": ("at most", 1.6),
    "depth 10 / depth 3, time per edge": ("at most", 1.6),
    "sympy.diff / symbackprop at 8-8-8": ("at least", 200),
}
Sample = dict[str, float]


def derived(widths: tuple[int, ...]) -> Sample:
    """Every weight and bias of a sigmoid network derived, every line checked."""
    from symbackprop import Layer, Network, derive, graph_of
    from symbackprop.formula.tree import names_in

    def network(units: tuple[int, ...]) -> Network:
        layers = tuple(Layer(n, "sigmoid") for n in units[1:])
        return Network(units[0], layers, "half_squared_error")

    # The sigmoid's lemma and SymPy's import are paid once a process: not measured.
    assert derive(graph_of(network((2, 2, 2))))["w1_1_1"].result

    start = process_time()
    derivations = derive(graph_of(network(widths)))
    checked = process_time()
    results = [derivation.result for derivation in derivations.values()]
    done = process_time()
    nodes = derivations.graph.nodes
    bodies = [node.body for node in nodes if node.body is not None]
    return {
        "seconds": checked - start,
        "with results": done - start,
        "edges": sum(len(tuple(names_in(body))) for body in bodies),
        "derivatives": len(results),
    }


def differentiated(widths: tuple[int, ...]) -> Sample:
    """The same derivatives by sympy.diff of the loss written out in full."""
    import sympy

    parameters: list[sympy.Symbol] = []

    def parameter(name: str) -> sympy.Symbol:
        parameters.append(sympy.Symbol(name))
        return parameters[-1]

    below = [sympy.Symbol(f"x{i}") for i in range(1, widths[0] + 1)]
    for layer, units in enumerate(widths[1:], 1):
        below = [
            1
            / (
                1
                + sympy.exp(
                    -sum(
                        parameter(f"w{layer}_{i}_{j}") * unit
                        for i, unit in enumerate(below, 1)
                    )
                    - parameter(f"b{layer}_{j}")
                )
            )
            for j in range(1, units + 1)
        ]
    half = sympy.Rational(1, 2)
    loss = sum(
        half * (sympy.Symbol(f"y{k}") - unit) ** 2 for k, unit in enumerate(below, 1)
    )
    start = process_time()
    results = [sympy.diff(loss, name) for name in parameters]
    return {"seconds": process_time() - start, "derivatives": len(results)}


WAYS: dict[str, Callable[[tuple[int, ...]], Sample]] = {
    "symbackprop": derived,
    "sympy.diff": differentiated,
}


def sampled(way: str, case: str) -> Sample:
    """One sample from a fresh process on one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, __file__, way, case],
        env=os.environ | threads,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure in interleaved rounds and print the table."""
    jobs = [("symbackprop", case) for case in WIDTHS] + [("sympy.diff", "8-8-8")]
    samples: dict[tuple[str, str], list[Sample]] = {job: [] for job in jobs}
    for number in range(1, ROUNDS + 1):
        for job in jobs:
            if sys.stderr.isatty():
                print(f"\r\x1b[Kround {number}: {job}", end="", file=sys.stderr)
            samples[job].append(sampled(*job))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)

    def middle(way: str, case: str, what: str = "seconds") -> float:
        return median(sample[what] for sample in samples[way, case])

    def per_edge(case: str) -> float:
        return middle("symbackprop", case) / middle("symbackprop", case, "edges")

    print(f"Python {platform.python_version()}, medians of {ROUNDS}, CPU time\n")
    print(f"{'network':<18}{'edges':>7}{'derivatives':>13}{'ms':>10}{'µs an edge':>13}")
    for case in WIDTHS:
        print(
            f"{case:<18}{middle('symbackprop', case, 'edges'):>7.0f}"
            f"{middle('symbackprop', case, 'derivatives'):>13.0f}"
            f"{middle('symbackprop', case) * 1e3:>10.1f}"
            f"{per_edge(case) * 1e6:>13.1f}"
        )
    plain = middle("sympy.diff", "8-8-8")
    print("\n8-8-8, every weight and bias")
    print(f"{'sympy.diff':<42}{plain * 1e3:>10.0f} ms")
    for what, label in (
        ("seconds", "symbackprop, every line checked"),
        ("with results", "the same, with the results as SymPy"),
    ):
        mine = middle("symbackprop", "8-8-8", what)
        print(f"{label:<42}{mine * 1e3:>10.0f} ms{plain / mine:>8.0f} times faster")
    ratios = (
        per_edge("16-16-16") / per_edge("4-4-4"),
        per_edge("4-wide, depth 10") / per_edge("4-wide, depth 3"),
        plain / middle("symbackprop", "8-8-8"),
    )
    print(f"\n{'ratio':<36}{'measured':>10}   goal")
    for (what, (word, goal)), ratio in zip(GOALS.items(), ratios, strict=True):
        met = ratio <= goal if word == "at most" else ratio >= goal
        verdict = "met" if met else "missed"
        print(f"{what:<36}{ratio:>10.2f}   {word} {goal:g}: {verdict}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(WAYS[sys.argv[1]](WIDTHS[sys.argv[2]])))
    else:
        main()
