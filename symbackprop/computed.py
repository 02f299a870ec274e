"""The verbs that run a derivation: its straight-line program, its NumPy function."""

from collections.abc import Mapping, Sequence

from symbackprop.derived import Derivation, Derivations
from symbackprop.formula.tree import Name
from symbackprop.numeric.calling import OUTPUTS, Batch, Bound, Compiled
from symbackprop.numeric.module import module_of
from symbackprop.numeric.program import Program, program_of
from symbackprop.numeric.stable import stable, with_tails
from symbackprop.strategies.backprop import Backprop


def program(source: Derivation | Derivations, also: Sequence[Name] = ()) -> Program:
    """What was derived as a straight-line program, each error term computed once.

    `also` are further quantities whose ∂loss/∂v it computes. The same kernel judges
    its lines; where a page spells a sum of paths out, the program has error terms.
    """
    if isinstance(source, Derivation):
        whole = source.whole
        names = [n for n, d in whole.checked.items() if d is source.checked]
    else:
        whole, names = source, list(source.checked)
    graph = whole.graph
    definitions = with_tails(whole.work.definitions)
    named = Backprop(graph, definitions=definitions, named=True)
    wanted = dict.fromkeys([*names, *also])
    derivations = {name: named.derive(name) for name in wanted}
    errors = named.error_terms(list(derivations.values()))
    return program_of(graph, definitions, derivations, errors)


def compiled(
    source: Derivation | Derivations,
    outputs: Sequence[str] = OUTPUTS,
    *,
    batch: Batch | None = None,
    functions: Mapping[str, Bound] | None = None,
) -> Compiled:
    """What was derived as a NumPy function that keeps its digits in the tails.

    `outputs` may leave the loss or the gradient out; `batch` averages or sums over a
    leading batch axis; `functions` binds what was left general to a callable and its
    slope (or slopes). InputError where something is missing or unknown.
    """
    return Compiled(stable(program(source)), outputs, batch=batch, functions=functions)


def module(source: Derivation | Derivations) -> str:
    """What was derived as a Python module that runs alone and needs NumPy only."""
    whole = source.whole if isinstance(source, Derivation) else source
    example = whole.example
    title = whole.story.title if example is None else example.title["en"]
    values = {} if example is None else example.values
    return module_of(stable(program(source)), title, values)
