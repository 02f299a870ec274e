"""Backpropagation: every error term once, each weight's line through the chain rule.

D(L, v) is derived once for each v and referred to. What a line shows of it depends
on what v is: its own lines (inline), one factor that is replaced by its result
(whole), or a name that stays to the end (atom), as the error terms of deeper layers.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from symbackprop.errors import InputError, Refused
from symbackprop.formula.binding import instantiated, written_out
from symbackprop.formula.shape import gathered
from symbackprop.formula.tree import (
    Derivative,
    Formula,
    Minus,
    Name,
    Path,
    Product,
    Sigma,
    Sum,
    positions,
    size,
    walk,
)
from symbackprop.graph.graph import Graph
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.equality import flattened
from symbackprop.kernel.rules import (
    algebra,
    assume,
    gather,
    independent,
    refer,
    split,
    total,
)
from symbackprop.ops.table import LOSSES
from symbackprop.strategies.authored import DoesNotFollow, follow
from symbackprop.strategies.slopes import Slopes
from symbackprop.strategies.tidy import says_only, tidy, tidy_reason
from symbackprop.strategies.writer import Writer, definitions_of

Use = Literal["inline", "whole", "atom"]
MAX_INLINE = 60
"""The largest form (in nodes) that is written out inside another line."""


class Backprop:
    """One graph's derivations; what is derived once is kept and referred to.

    `keep_errors`: every ∂J/∂z stays a name in other lines, as δ. `named`: so does ∂L/∂v
    of every formula, so that each is computed once.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        chains: Sequence[Sequence[Formula]] = (),
        lemmas: Mapping[str, Derivation] | None = None,
        definitions: Definitions | None = None,
        keep_errors: bool = False,
        named: bool = False,
    ) -> None:
        self.graph = graph
        self.keep_errors = keep_errors or named
        self.named = named
        self.definitions = definitions or definitions_of(graph)
        self.chains = {flattened(chain[0]): chain for chain in chains}
        self.slopes = Slopes(graph, self.definitions, lemmas or {})
        self.totals: dict[tuple[Name, Name], Derivation] = {}
        self.last_layer = max((node.layer for node in graph.nodes), default=0)
        self.order = {node.name: place for place, node in enumerate(graph.nodes)}
        self.part_of = self._parts()

    def _parts(self) -> dict[Name, Name]:
        """By output-layer z: the one part of the loss that depends on it, if so."""
        graph, definitions = self.graph, self.definitions
        parts = [node.name for node in graph.nodes if node.role == "part"]
        found: dict[Name, Name] = {}
        for node in graph.nodes:
            if node.role == "preactivation" and node.layer == self.last_layer:
                users = [p for p in parts if definitions.depends(p, node.name)]
                if len(users) == 1:
                    found[node.name] = users[0]
        return found if len(found) == len(parts) else {}

    def derive(self, by: Name) -> Derivation:
        """The derivation of the loss by one quantity."""
        loss = self.graph.loss
        if by not in self.graph:
            self.graph.node(by)
        if by == loss or not self.definitions.depends(loss, by):
            return self._unrelated(loss, by)
        self._prepare(loss, by)
        return self.total(loss, by)

    def _unrelated(self, of: Name, by: Name) -> Derivation:
        """D(L, L) = 1, and D(L, u) = 0 where the loss does not use u."""
        if of == by:
            raise InputError(f"{by.id} is the loss itself")
        writer = Writer(self.definitions, Derivative("D", of, by))
        writer.apply(independent, ())
        return writer.derivation()

    def _prepare(self, of: Name, by: Name) -> None:
        """Derive what `by` leads to first, later names first: no deep recursion."""
        seen, stack = {by}, [by]
        while stack:
            for user in self.definitions.users(stack.pop()):
                known = (of, user) in self.totals or user in seen
                if not known and user != of and self.definitions.depends(of, user):
                    seen.add(user)
                    stack.append(user)
        for name in sorted(seen - {by}, key=self.order.__getitem__, reverse=True):
            if self.graph.node(name).role not in ("part", "loss"):
                self.total(of, name)

    def total(self, of: Name, by: Name) -> Derivation:
        """D(of, by), derived once."""
        key = (of, by)
        if key not in self.totals:
            self.totals[key] = self._derived(of, by)
        return self.totals[key]

    def error_terms(self, used: Sequence[Derivation]) -> dict[Name, Derivation]:
        """The error terms and ∂J/∂h that stand as names in results, derived too."""
        found: dict[Name, Derivation] = {}
        stack = [derivation.result for derivation in used]
        sums: set[int] = set()  # results share their Σ; each is written out once
        while stack:
            form = stack.pop()
            for node in walk(form):
                if isinstance(node, Sigma) and id(node) not in sums:
                    sums.add(id(node))
                    stack.append(written_out(node))
                if not isinstance(node, Derivative) or node.by in found:
                    continue
                known = node.by in self.graph and node.of == self.graph.loss
                if node.head == "D" and known and not self._is_given(node.by):
                    found[node.by] = self.total(self.graph.loss, node.by)
                    stack.append(found[node.by].result)
        place = {v: (-self.graph.node(v).layer, self.order[v]) for v in found}
        return {name: found[name] for name in sorted(found, key=place.__getitem__)}

    def _is_given(self, by: Name) -> bool:
        """Whether ∂J/∂v cannot be worked out: the loss is left general."""
        loss = self.graph.loss
        return self._users(loss, by) == [loss] and self.slopes.stays(loss)

    def _users(self, of: Name, by: Name) -> list[Name]:
        """The names through which `of` uses `by`."""
        users = self.definitions.users(by)
        return [v for v in users if self.definitions.depends(of, v)]

    def _derived(self, of: Name, by: Name) -> Derivation:
        """Write D(of, by): the chain rule, the slopes, what cancels."""
        writer = Writer(self.definitions, Derivative("D", of, by))
        users = self._users(of, by)
        if self._splits(of, by, users):
            self._split(writer, users, by)
        elif users == [of]:
            writer.apply(total, ())
            if self.slopes.stays(of):
                return writer.derivation()
            self.slopes.write(writer, (), of, by)
            writer.end_line()
        else:
            self._chain_rule(writer, of, by, users)
        self._finish(writer, of, by)
        return writer.derivation()

    def _splits(self, of: Name, by: Name, users: Sequence[Name]) -> bool:
        """Whether the loss is shown as ∂L1/∂h + ∂L2/∂h: one part an output unit."""
        if of != self.graph.loss or self.graph.node(by).role != "activation":
            return False
        return (
            not self.keep_errors
            and len(users) > 1
            and all(user in self.part_of for user in users)
            and (len(users) == len(self.part_of))
        )

    def _split(self, writer: Writer, users: Sequence[Name], by: Name) -> None:
        """∂J/∂h = Σ_k ∂L_k/∂h, each part referred to, then gathered."""
        writer.apply(split, ())
        writer.end_line()
        for place, user in enumerate(users):
            because = self.total(self.part_of[user], by)
            writer.apply(refer, (place,), because)

    def _chain_rule(
        self, writer: Writer, of: Name, by: Name, users: Sequence[Name]
    ) -> None:
        """D(L, u) = Σ D(L, v) P(v, u), line by line with D(L, v)'s own lines."""
        writer.apply(total, ())
        several = len(users) > 1
        uses: list[Use] = [self._use(of, user, by) for user in users]
        places: list[Path] = [(n, 0) if several else (0,) for n in range(len(users))]
        length = 1
        for n, (user, use, place) in enumerate(zip(users, uses, places, strict=True)):
            if user == of:  # ∂L/∂u beside itself: the direct slope is put in at once
                if not self.slopes.stays(of):
                    self.slopes.write(writer, (n,), of, by)
                continue
            because = self.total(of, user)
            if use == "inline":
                writer.apply(refer, place, because.between(0, 1))
                length = max(length, len(because.lines))
            elif use == "whole":
                length = max(length, 2)
        writer.end_line()
        for line in range(2, max(length, 2) + 1):
            for user, use, place in zip(users, uses, places, strict=True):
                if user == of:
                    continue
                self._advance(writer, of, user, use, place, line, length)
                if line == 2 and not self.slopes.stays(user):
                    self.slopes.write(writer, (*place[:-1], 1), user, by)
            writer.end_line()

    def _advance(
        self,
        writer: Writer,
        of: Name,
        user: Name,
        use: Use,
        place: Path,
        line: int,
        length: int,
    ) -> None:
        """Take the factor D(of, user) one printed line further."""
        if use == "atom":
            return
        because = self.total(of, user)
        count = len(because.lines)
        if use == "whole":
            if line == 2:
                writer.apply(refer, place, because)
        elif line <= count:
            stop = count if line == length else line
            writer.apply(refer, place, because.between(line - 1, stop))

    def _use(self, of: Name, user: Name, by: Name) -> Use:
        """How D(of, user) is shown in the lines for `by`."""
        if user == of:
            return "atom"
        node = self.graph.node(user)
        lower = self.graph.node(by)
        match node.role:
            case "output":
                return "whole"
            case "activation":
                return "inline"
            case "preactivation":
                if self.keep_errors:
                    return "atom"
                if lower.role in ("weight", "bias", "input"):
                    return "inline" if lower.role != "input" else "atom"
                if node.layer != self.last_layer:
                    return "atom"
                alone = self._users(of, by) == [user]
                return "inline" if alone or of != self.graph.loss else "whole"
            case "part":
                return "whole"
            case _:
                return self._use_formula(of, user)

    def _use_formula(self, of: Name, user: Name) -> Use:
        """The same for a graph given as formulas."""
        if self.named or (self._users(of, user) == [of] and self.slopes.stays(of)):
            return "atom"
        because = self.total(of, user)
        if size(because.result) > MAX_INLINE:
            return "atom"
        if self._users(of, user) == [of] or len(because.lines) == 0:
            return "whole"
        first = because.lines[0][-1].after
        return "inline" if size(first) <= MAX_INLINE else "whole"

    def _finish(self, writer: Writer, of: Name, by: Name) -> None:
        """What cancels, the author's middle lines, the tidy last line."""
        if self._authored(writer):
            return
        self._assume_all(writer)
        target = self._cancelled(by)
        if target is not None and self._reached(writer, target):
            writer.end_line()
            self._assume_all(writer)
        neat = tidy(writer.line)
        if neat == writer.line:
            if of == self.graph.loss:
                _same_line(writer, joined=bool(_like_terms(writer.line)))
                _gather_inside(writer)
                writer.end_line()
            return
        reason = tidy_reason(writer.line, neat)
        if of != self.graph.loss:
            return  # ∂L_k/∂h is shown with its factor 1; its user tidies
        again = bool(writer.groups) and says_only(writer.groups[-1], reason)
        _same_line(writer, joined=again or reason in ("flatten", "signs"))
        writer.apply(algebra, (), neat, reason)
        _gather_inside(writer)
        writer.end_line()

    def _authored(self, writer: Writer) -> bool:
        """Use an author's chain whose first line is the line at hand."""
        if not self.chains:
            return False
        line = writer.line
        factor, factors = flattened(line)
        for (first_factor, first), chain in self.chains.items():
            rest = factors[len(first) :]
            if factor != first_factor or factors[: len(first)] != first:
                continue
            kept = (writer.line, list(writer.group), list(writer.groups))
            try:
                for form in chain:
                    goal = _times(form, rest)
                    if writer.line != goal:
                        _same_line(writer, joined=form is chain[0])
                        follow(writer, goal, 0)
            except DoesNotFollow:
                writer.line = kept[0]
                writer.group[:], writer.groups[:] = kept[1], kept[2]
                return False
            return True
        return False

    def _cancelled(self, by: Name) -> Formula | None:
        """∂J/∂z of an output unit once the activation's slope has cancelled."""
        node, name = self.graph.node(by), self.graph.loss_name
        if not name or node.role != "preactivation" or node.layer != self.last_layer:
            return None
        text = LOSSES[name].after.get(self.graph.activations[-1])
        output = Name("o", by.indices[-1:])
        return None if text is None else self.slopes.loss_text(text, output)

    def _reached(self, writer: Writer, target: Formula) -> bool:
        """Whether the row's cancelled form holds here; one unit's softmax has none."""
        try:
            writer.apply(algebra, (), target, "cancel")
        except Refused:
            return False
        return True

    def _assume_all(self, writer: Writer) -> None:
        """Use each stated equation whose left side stands in the line."""
        for fact in self.graph.facts:
            for path, node in positions(writer.line):
                if fact.relation == "=" and node == fact.left:
                    writer.apply(assume, path, fact.right)
                    break


def _times(form: Formula, rest: tuple[Formula, ...]) -> Formula:
    """A form with further factors, the sign kept in front."""
    if not rest:
        return form
    if isinstance(form, Minus):
        return Minus(_times(form.body, rest))
    own = form.factors if isinstance(form, Product) else (form,)
    return Product((*own, *rest))


def _like_terms(form: Formula) -> Formula | None:
    """The Σ that a form's terms gather into, if they do."""
    body = form.body if isinstance(form, Minus) else form
    return gathered(body.terms) if isinstance(body, Sum) else None


def _same_line(writer: Writer, *, joined: bool) -> None:
    """Let the next steps join the line printed last: it would look the same."""
    if joined and writer.groups and not writer.group:
        writer.group = list(writer.groups.pop())


def _gather_inside(writer: Writer) -> None:
    """Gather like terms of a sum, alone or behind a minus sign, into one Σ."""
    path: Path = (0,) if isinstance(writer.line, Minus) else ()
    sigma = _like_terms(writer.line)
    if sigma is not None:
        writer.apply(gather, path, sigma)


def chain_instances(
    chain: Sequence[Formula], indices: Mapping[str, Sequence[int]]
) -> list[tuple[Formula, ...]]:
    """An author's indexed chain written out for each value of its letters."""
    rows: list[tuple[Formula, ...]] = [tuple(chain)]
    for letter, values in indices.items():
        rows = [
            tuple(instantiated(form, {letter: value}) for form in row)
            for row in rows
            for value in values
        ]
    return rows
