"""Whether a value that an expression gives can be what an input takes, as far as both are known when a file is read.

What is wrong at the top (text for a list) is told where the expression is checked; here it is about what lies below:
the fields of objects and the entries of lists. Null and an empty list fit everywhere: what is not there is not sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hooks.rules.kinds import Kind, describe
from hooks.rules.shape import Shape

_DEEPEST = 6
_OTHERS = "map(..., {'name': .name}) makes other entries of these"


class Misfit(NamedTuple):
    """What is wrong, ``where`` from the input on (``.address``, ``[]`` for entries), and what to do about it."""

    where: str
    message: str
    hint: str
    sure: bool
    """Whether it is wrong whenever there is a value at all, and not only when some field of it is there."""


def misfit(given: Shape, wanted: Shape) -> Misfit | None:
    """What is wrong with a value of the one shape for an input of the other, whichever of its alternatives it is."""
    found = [_first(one, wanted) for one in _several(given)]
    return found[0] if found and None not in found else None


def _several(shape: Shape) -> Iterator[Shape]:
    for alternative in shape.alternatives:
        one = Shape([alternative])
        if one.kinds & ~Kind.NULL:
            yield one


def _first(given: Shape, wanted: Shape) -> Misfit | None:
    """The first misfit that is sure, else the first one."""
    found = list(_below(given, wanted, "", True, 0))
    return next((one for one in found if one.sure), found[0] if found else None)


def _below(given: Shape, wanted: Shape, where: str, sure: bool, depth: int) -> Iterator[Misfit]:
    if given.is_open or wanted.is_open or depth > _DEEPEST:
        return
    kinds = given.kinds & wanted.kinds
    if kinds & Kind.OBJECT:
        yield from _fields(given, wanted, where, sure, depth)
    elif kinds & Kind.LIST:
        yield from _checked(given.item(), wanted.item(), f"{where}[]", sure, depth)


def _checked(given: Shape, wanted: Shape, where: str, sure: bool, depth: int) -> Iterator[Misfit]:
    """Kinds first, then what lies below them."""
    known = given.kinds & ~Kind.NULL
    numbers = known & Kind.NUMBER and wanted.kinds & Kind.NUMBER
    if given.is_open or wanted.is_open or not known:
        return
    if known & wanted.kinds or numbers:
        yield from _below(given, wanted, where, sure and not given.kinds & Kind.NULL, depth + 1)
        return
    needed = f"needs {describe(wanted.kinds & ~Kind.NULL)}, this is {describe(known)}"
    yield Misfit(
        where,
        needed,
        "map(...) makes other entries of these" if where.endswith("[]") else "",
        sure and not given.kinds & Kind.NULL,
    )


def _fields(given: Shape, wanted: Shape, where: str, sure: bool, depth: int) -> Iterator[Misfit]:
    there, taken = sorted(given.fields), sorted(wanted.fields)
    if not there or not taken:
        return
    how = _OTHERS if where.endswith("[]") else "give its fields one by one"
    hint = f"{how}: it takes {_names(taken, 'and')}"
    if lacking := sorted(name for name in wanted.required if given.field(name) is None):
        yield Misfit(where, f"needs {_names(lacking, 'and')}, which this does not have", hint, sure)
    if unknown := [name for name in there if wanted.field(name) is None]:
        if not where:
            hint = f"{{$merge: ...}} leaves out what it does not take; it takes {_names(taken, 'and')}"
        yield Misfit(where, f"takes no {_names(unknown, 'or')}, which this has", hint, sure)
    for name in there:
        below, held = wanted.field(name), given.field(name)
        if below is not None and held is not None:
            always = sure and name in given.required
            yield from _checked(held, below, f"{where}.{name}", always, depth)


def _names(names: list[str], word: str) -> str:
    shown = [f"'{name}'" for name in names[:8]]
    if len(names) > len(shown):
        return ", ".join(shown) + f" {word} others"
    return f" {word} ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
