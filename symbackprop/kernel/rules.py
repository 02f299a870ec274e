"""The rules: each is the identity in its docstring, and refuses what it does not fit.

Every rule takes the definitions, a line and a position in it, and returns the Step.
Strategies choose among rules and supply targets; only the rules are trusted.
"""

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.errors import Refused
from symbackprop.formula.binding import substituted, written_out
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Path,
    Product,
    Sigma,
    Sum,
    names_in,
    walk,
)
from symbackprop.kernel.calculus import corners, derivative, unfolded_call
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.equality import compared
from symbackprop.kernel.guard import check_scalar, target_of
from symbackprop.kernel.step import Evidence, Reason, Step, made

_RULE = Evidence("rule")
_STRUCTURE = Evidence("structure")


def _derivative_at(
    rule: str, definitions: Definitions, before: Formula, path: Path, heads: str
) -> Derivative:
    """The derivative at a position. Refused where something else stands there."""
    target = target_of(rule, before, path)
    if not (isinstance(target, Derivative) and target.head in heads):
        raise Refused(
            rule, f"expected {' or '.join(heads)}(…), found {text_of(target)}"
        )
    check_scalar(rule, definitions, target)
    return target


def total(
    definitions: Definitions,
    before: Formula,
    path: Path,
    through: Sequence[Name] | None = None,
) -> Step:
    """D(L, u) = Σ D(L, v) P(v, u) over all v whose definition mentions u.

    Refuses when `through` is not exactly the set of those v that L depends on.
    """
    target = _derivative_at("total", definitions, before, path, "D")
    of, by = target.of, target.by
    if not isinstance(of, Name) or by not in definitions or of not in definitions:
        raise Refused("total", f"{text_of(target)} is not between defined names")
    users = [v for v in definitions.users(by) if definitions.depends(of, v)]
    if of == by or not users:
        raise Refused("total", f"{of.id} does not use {by.id} through anything")
    chosen = users if through is None else list(through)
    if len(chosen) != len(users) or set(chosen) != set(users):
        missing = [v.id for v in users if v not in chosen]
        extra = [v.id for v in chosen if v not in users]
        raise Refused(
            "total",
            f"{by.id} is used by {', '.join(v.id for v in users)}; "
            f"forgotten: {', '.join(missing) or 'none'}; "
            f"not a use: {', '.join(extra) or 'none'}",
        )
    terms = tuple(
        Derivative("P", v, by)
        if v == of
        else Product((Derivative("D", of, v), Derivative("P", v, by)))
        for v in chosen
    )
    new = terms[0] if len(terms) == 1 else Sum(terms)
    key = "chain_rule" if len(terms) == 1 else "chain_rule_sum"
    key = "direct_use" if chosen == [of] else key
    reason = Reason(key, {"of": of, "by": by, "through": chosen[0]})
    return made(definitions, before, path, new, "total", reason, _RULE)


def split(definitions: Definitions, before: Formula, path: Path) -> Step:
    """D(v, u) = D(a, u) + D(b, u) + … where v is defined as a + b + ….

    Refuses when v is not a sum of names (with or without minus).
    """
    target = _derivative_at("split", definitions, before, path, "D")
    body = definitions.body(target.of) if isinstance(target.of, Name) else target.of
    if not isinstance(body, Sum) or target.of == target.by:
        raise Refused("split", f"{text_of(target.of)} is not defined as a sum")
    terms: list[Formula] = []
    for term in body.terms:
        inner = term.body if isinstance(term, Minus) else term
        if isinstance(target.of, Name) and not isinstance(inner, Name):
            raise Refused("split", f"the term {text_of(term)} is not a name")
        part = replace(target, of=inner)
        terms.append(Minus(part) if isinstance(term, Minus) else part)
    reason = Reason("sum_rule", {"of": target.of, "by": target.by})
    return made(definitions, before, path, Sum(tuple(terms)), "split", reason, _RULE)


def independent(definitions: Definitions, before: Formula, path: Path) -> Step:
    """D(v, u) = 0 where v does not depend on u; P(v, u) = 0 where v's body lacks u."""
    target = _derivative_at("independent", definitions, before, path, "DP")
    of = target.of
    body = definitions.body(of) if isinstance(of, Name) else of
    if target.head == "D" and isinstance(of, Name):
        depends = of not in definitions or definitions.depends(of, target.by)
    else:
        inner = tuple(walk(body)) if body is not None else ()
        depends = target.by in inner or any(
            isinstance(node, Derivative | Sigma) for node in inner
        )
        if target.head == "D":
            depends = depends or any(
                isinstance(node, Name) and definitions.depends(node, target.by)
                for node in inner
            )
    if depends or of == target.by:
        raise Refused("independent", f"{text_of(of)} depends on {target.by.id}")
    reason = Reason("constant", {"of": of, "by": target.by})
    return made(definitions, before, path, ZERO, "independent", reason, _RULE)


def identity(definitions: Definitions, before: Formula, path: Path) -> Step:
    """D(u, u) = P(u, u) = 1. Refuses two different names."""
    target = _derivative_at("identity", definitions, before, path, "DP")
    if target.of != target.by:
        raise Refused("identity", f"{text_of(target.of)} is not {target.by.id}")
    reason = Reason("identity", {"by": target.by})
    return made(definitions, before, path, ONE, "identity", reason, _RULE)


def local(
    definitions: Definitions,
    before: Formula,
    path: Path,
    replacement: Formula | None = None,
    reason: Reason | None = None,
) -> Step:
    """P(v, u) = the slope of v's own definition by u, the other parents held fixed.

    The replacement may be any form that equals it given v's definition: h (1 - h)
    for a sigmoid h. Refuses what is not proved equal.
    """
    target = _derivative_at("local", definitions, before, path, "P")
    if target.of == target.by:
        raise Refused("local", f"{text_of(target)} is an identity, no slope of a body")
    if isinstance(target.of, Name):
        slope = definitions.gradient(target.of).get(target.by, ZERO)
        body = definitions.body(target.of)
        if body is None:
            raise Refused("local", f"{target.of.id} has no definition")
        unfold = {target.of: body}
        if replacement is not None and replacement != slope:
            # A softmax unit's slope names its sisters: they too stand for their bodies.
            own = set(names_in(body))
            for name in names_in(replacement):
                other = None if name in own else definitions.body(name)
                if other is not None:
                    unfold[name] = other
    else:
        slope = derivative(target.of, target.by, definitions.functions)
        unfold = {}
    new = slope if replacement is None else replacement
    judged = compared(new, slope, definitions, unfold)
    if judged.outcome != "proved":
        raise Refused(
            "local",
            f"{text_of(target)} is {text_of(slope)}, not {text_of(new)} "
            f"({judged.outcome}: {judged.method})",
            point=dict(judged.point) or None,
        )
    why = reason or Reason("local_slope", {"of": target.of, "by": target.by})
    evidence = Evidence(judged.method)
    edges = (
        definitions.corners(target.of)
        if isinstance(target.of, Name)
        else corners(target.of, definitions.functions)
    )
    kinks = [Assumption("≠", f, ZERO) for f in edges if target.by in names_in(f)]
    where = (*judged.conditions, *kinks)
    return made(definitions, before, path, new, "local", why, evidence, where)


def unfold(definitions: Definitions, before: Formula, path: Path) -> Step:
    """A name, or a call of a defined function, stands for its definition.

    Refuses leaves and functions left general.
    """
    target = target_of("unfold", before, path)
    new = unfolded(definitions, target)
    if new is None:
        raise Refused("unfold", f"{text_of(target)} has no definition")
    reason = Reason("definition", {"name": target})
    return made(definitions, before, path, new, "unfold", reason, _RULE)


def unfolded(definitions: Definitions, form: Formula) -> Formula | None:
    """What a name or call stands for, None where it is not defined."""
    if isinstance(form, Name):
        return definitions.body(form)
    if isinstance(form, Call) and form.slope is None:
        function = definitions.functions.get(form.function)
        if function is not None and function.body is not None:
            return unfolded_call(form, function)
    return None


def fold(
    definitions: Definitions, before: Formula, path: Path, replacement: Formula
) -> Step:
    """A definition's body is written as its name again, exactly as it stands.

    Refuses a body of another shape.
    """
    target = target_of("fold", before, path)
    if unfolded(definitions, replacement) != target:
        raise Refused(
            "fold", f"{text_of(replacement)} is not defined as {text_of(target)}"
        )
    reason = Reason("definition_back", {"name": replacement})
    return made(definitions, before, path, replacement, "fold", reason, _STRUCTURE)


def gather(
    definitions: Definitions, before: Formula, path: Path, replacement: Formula
) -> Step:
    """T(1) + T(2) + … + T(n) = Σ_k T(k), term by term the same, and back.

    Refuses when writing the Σ out does not give exactly the other side.
    """
    target = target_of("gather", before, path)
    pair = (target, replacement)
    sigma = next((form for form in pair if isinstance(form, Sigma)), None)
    if sigma is None:
        raise Refused("gather", "neither side is a Σ")
    other = replacement if sigma is target else target
    if written_out(sigma) != other:
        raise Refused("gather", f"{text_of(sigma)} is not {text_of(other)} written out")
    key = "gather" if sigma is replacement else "write_out"
    reason = Reason(key, {"sum": sigma})
    return made(definitions, before, path, replacement, "gather", reason, _STRUCTURE)


def assume(
    definitions: Definitions, before: Formula, path: Path, replacement: Formula
) -> Step:
    """Left = right where that equation is a stated assumption.

    Refuses an equation that is not stated.
    """
    target = target_of("assume", before, path)
    for assumption in definitions.assumptions:
        if assumption.relation == "=" and assumption.equates(target, replacement):
            sides = {"left": assumption.left, "right": assumption.right}
            why, how, used = (
                Reason("assumption", sides),
                Evidence("assumption"),
                assumption,
            )
            return made(
                definitions, before, path, replacement, "assume", why, how, (used,)
            )
    raise Refused(
        "assume",
        f"{text_of(target)} = {text_of(replacement)} is not a stated assumption",
    )


def algebra(
    definitions: Definitions,
    before: Formula,
    path: Path,
    replacement: Formula,
    reason: str,
) -> Step:
    """One form for another of the same value, judged equal by a bounded method.

    The reason is named by who asks; "simplify" is none. Refuses what is refuted and
    what stays undecided.
    """
    if not reason.strip() or reason.strip().lower().startswith("simplif"):
        raise Refused("algebra", "an algebra step needs a named reason")
    target = target_of("algebra", before, path)
    judged = compared(target, replacement, definitions)
    if judged.outcome != "proved":
        raise Refused(
            "algebra",
            f"{text_of(target)} = {text_of(replacement)} is {judged.outcome} "
            f"({judged.method})",
            point=dict(judged.point) or None,
        )
    why, how, where = Reason(reason), Evidence(judged.method), judged.conditions
    return made(definitions, before, path, replacement, "algebra", why, how, where)


def refer(
    definitions: Definitions,
    before: Formula,
    path: Path,
    because: Derivation,
    reason: Reason | None = None,
) -> Step:
    """What a derivation under the same definitions starts at equals what it ends on.

    Refuses a derivation of something else, or judged under other definitions.
    """
    target = target_of("refer", before, path)
    if because.goal is not target and because.goal != target:
        raise Refused(
            "refer",
            f"the derivation starts at {text_of(because.goal)}, not {text_of(target)}",
        )
    if not because.definitions.same_as(definitions):
        raise Refused("refer", "the derivation was judged under other definitions")
    why = reason or Reason("derived", {"of": target})
    evidence = Evidence("derivation")
    return made(
        definitions,
        before,
        path,
        because.result,
        "refer",
        why,
        evidence,
        (),
        (because,),
    )


def lemma(
    definitions: Definitions,
    before: Formula,
    path: Path,
    because: Derivation,
    by: Name,
) -> Step:
    """A derivation for a free x holds for every name in x's place.

    Refuses when x is not the derivation's only, unconstrained leaf, when the
    functions differ, or when the target is not the goal with `by` for x.
    """
    target = target_of("lemma", before, path)
    entries = because.definitions.entries
    if len(entries) != 1 or entries[0].body is not None:
        raise Refused("lemma", "the lemma speaks of more than one free name")
    if because.definitions.assumptions:
        raise Refused("lemma", "the lemma rests on assumptions")
    ours = definitions.functions
    if any(ours.get(f) != what for f, what in because.definitions.functions.items()):
        raise Refused("lemma", "the lemma was judged with other functions")
    free = entries[0].name
    strange = {*names_in(because.goal), *names_in(because.result)} - {free}
    if strange:
        names = ", ".join(sorted(name.id for name in strange))
        raise Refused("lemma", f"the lemma also speaks of {names}")
    values = {free: by}
    if substituted(because.goal, values) != target:
        raise Refused(
            "lemma", f"{text_of(target)} is no instance of {text_of(because.goal)}"
        )
    new = substituted(because.result, values)
    conditions = tuple(
        Assumption(
            condition.relation,
            substituted(condition.left, values),
            substituted(condition.right, values),
        )
        for condition in because.conditions
    )
    why, how = Reason("lemma", {"of": target}), Evidence("derivation")
    return made(
        definitions, before, path, new, "lemma", why, how, conditions, (because,)
    )
