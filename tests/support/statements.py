"""The rows that SQL statements select: by organization, by a key, or without either.

It reads the SQL that Django's ORM writes, and the hand-written statements of the service. What it
does not understand counts as no condition.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

_TOKEN: Final = re.compile(
    r"""'(?:[^']|'')*'|%s|"[^"]+"|[A-Za-z_]\w*|\d+(?:\.\d+)?|[(),.]|::|[<>=!~@|&*/+\-\[\]?#]+"""
)
#: Words that end a list of conditions.
_ENDS: Final = {"GROUP", "ORDER", "LIMIT", "FOR", "RETURNING", "HAVING", "WINDOW", "OFFSET", "SET"}
_JOINS: Final = {"INNER", "LEFT", "RIGHT", "JOIN", "CROSS", "FULL"}
_SETS: Final = {"UNION", "INTERSECT", "EXCEPT"}

#: Of a table whose rows are found by organization.
ORGANIZATION: Final = "organization"

#: A token, or the tokens between two parentheses.
Token: TypeAlias = "str | list[Token]"
#: A column: alias (or table) and name.
Column: TypeAlias = tuple[str, str]


class Use(NamedTuple):
    """How a statement finds the rows of a table."""

    verb: str
    table: str
    #: ``ORGANIZATION``, or the columns that are compared with values, such as ``id``.
    by: str


@dataclass
class _Scope:
    """One SELECT, UPDATE or DELETE, without the ones in it."""

    verb: str
    #: Tables by alias. Those of the scopes around it are in ``outer``.
    tables: dict[str, str] = field(default_factory=dict)
    #: Columns that are compared with a value.
    bound: set[Column] = field(default_factory=set)
    #: Pairs of columns that are equal.
    joined: set[tuple[Column, Column]] = field(default_factory=set)
    #: Scopes in conditions like ``column IN (SELECT …)``, with the column.
    inner: "list[tuple[Column, _Scope]]" = field(default_factory=list)
    outer: "_Scope | None" = None
    #: The first column that is selected.
    selected: Column | None = None


def find_uses(sql: str, tables: Mapping[str, str]) -> Iterator[Use]:
    """Yield the uses of ``tables``, which have the column of the organization as values.

    A table that is joined to another one is left out, unless a key of its own is given.
    """
    tokens = _nest(iter(_TOKEN.findall(sql)))
    for scope in _find_scopes(tokens, None):
        for alias, table in scope.tables.items():
            by = _find_by(scope, alias, tables, set())
            if table in tables and not by.startswith(_JOINED):
                yield Use(scope.verb, table, by)
    yield from _find_inserts(tokens, tables)


def _nest(tokens: Iterator[str]) -> list[Token]:
    nested: list[Token] = []
    for token in tokens:
        if token == ")":
            break
        nested.append(_nest(tokens) if token == "(" else token.strip('"'))
    return nested


# --- Scopes ---


def _find_scopes(tokens: Sequence[Token], outer: _Scope | None) -> Iterator[_Scope]:
    """Yield the scope of the tokens, one for each part of a UNION, and those inside."""
    for part in _split(tokens, _SETS):
        verb = next((str(word).upper() for word in part if _is(word, *_VERBS)), "")
        scope = outer
        if verb in ("SELECT", "UPDATE", "DELETE"):
            scope = _Scope(verb, outer=outer)
            _read_tables(part, scope)
            scope.selected = _take_column(_after(part, "SELECT"), scope)[0]
            for conditions in _find_conditions(part):
                _read_conditions(conditions, scope)
            yield scope
        for token in part:
            if isinstance(token, list):
                yield from _find_scopes(token, scope)


_VERBS: Final = ("SELECT", "UPDATE", "DELETE", "INSERT", "COPY")


def _is(token: Token, *words: str) -> bool:
    return isinstance(token, str) and token.upper() in words


def _after(tokens: Sequence[Token], word: str) -> Sequence[Token]:
    following = [number for number, token in enumerate(tokens, 1) if _is(token, word)]
    rest = tokens[following[0] :] if following else []
    return rest[1:] if rest and _is(rest[0], "DISTINCT") else rest


def _split(tokens: Sequence[Token], words: Iterable[str]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if _is(token, *words):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _read_tables(tokens: Sequence[Token], scope: _Scope) -> None:
    is_list = False
    for number, token in enumerate(tokens):
        if _is(token, "FROM", "JOIN", "UPDATE", "USING") or (is_list and token == ","):
            following = tokens[number + 1 : number + 4]
            if _is(token, "UPDATE") and number and _is(tokens[number - 1], "FOR", "KEY"):
                continue
            is_list = not _is(token, "UPDATE")
            if following and isinstance(following[0], str):
                name = following[0]
                rest = [word for word in following[1:] if not _is(word, "AS")]
                alias = rest[0] if rest and isinstance(rest[0], str) else name
                is_name = re.fullmatch(r"\w+", alias) and alias.upper() not in _AFTER
                scope.tables[alias if is_name else name] = name
        elif _is(token, "WHERE", *_ENDS):
            is_list = False


_AFTER: Final = {"WHERE", "ON", "SET", "USING", "VALUES", "AS", *_ENDS, *_JOINS}


def _find_conditions(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the conditions after WHERE and ON."""
    found: list[Token] | None = None
    for token in tokens:
        if _is(token, "WHERE", "ON"):
            if found is not None:
                yield found
            found = []
        elif found is not None and _is(token, *_ENDS, *_JOINS):
            yield found
            found = None
        elif found is not None:
            found.append(token)
    if found is not None:
        yield found


def _read_conditions(tokens: Sequence[Token], scope: _Scope) -> None:
    """Add the conditions that each row meets: those that AND combines.

    Of those that OR combines, only the keys that each of them compares with a value.
    """
    alternatives = _split(tokens, {"OR"})
    if len(alternatives) > 1:
        scope.bound |= _bound_in_each(alternatives, scope)
        return
    for part in _split(tokens, {"AND"}):
        if len(part) == 1 and isinstance(part[0], list):
            _read_conditions(part[0], scope)
            continue
        column, rest = _take_column(part, scope)
        if column is None or not rest:
            continue
        operator, values = rest[0], rest[1:]
        if operator == "=" and values:
            other, _ = _take_column(_unwrap(values), scope)
            if other is not None:
                scope.joined.add((column, other))
            elif _is_value(values):
                scope.bound.add(column)
        elif _is(operator, "IN") and values and isinstance(values[0], list):
            if any(_is(token, "SELECT") for token in values[0]):
                scope.inner.append((column, next(_find_scopes(values[0], scope))))
            else:
                scope.bound.add(column)


def _bound_in_each(alternatives: Iterable[Sequence[Token]], scope: _Scope) -> set[Column]:
    bound = []
    for alternative in alternatives:
        part = _Scope(scope.verb, tables=scope.tables)
        _read_conditions(alternative, part)
        bound.append(part.bound)
    return {column for column in set.intersection(*bound) if _is_key(column[1])}


def _is_key(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _unwrap(tokens: Sequence[Token]) -> Sequence[Token]:
    while len(tokens) == 1 and isinstance(tokens[0], list):
        tokens = tokens[0]
    return tokens


def _is_value(tokens: Sequence[Token]) -> bool:
    first = _unwrap(tokens)[0] if _unwrap(tokens) else ""
    return isinstance(first, str) and (first.startswith(("%s", "'")) or _is(first, "ANY"))


def _take_column(tokens: Sequence[Token], scope: _Scope) -> tuple[Column | None, Sequence[Token]]:
    """Return the column at the beginning, and the rest."""
    tokens = _unwrap(tokens)
    if tokens and isinstance(tokens[0], list):  # (column) IN …, as of a prefetch
        return _take_column(tokens[0], scope)[0], tokens[1:]
    if len(tokens) >= 3 and tokens[1] == "." and isinstance(tokens[0], str):
        return (tokens[0], str(tokens[2])), tokens[3:]
    if len(tokens) < 2 or not isinstance(tokens[0], str) or len(scope.tables) != 1:
        return None, tokens
    if re.fullmatch(r"[a-z_]+", tokens[0]):
        return (next(iter(scope.tables)), tokens[0]), tokens[1:]
    return None, tokens


# --- Results ---


#: Precedes how a table is found to which another one is joined.
_JOINED: Final = "joined: "


def _find_by(scope: _Scope, alias: str, tables: Mapping[str, str], seen: set[str]) -> str:
    """Return how the rows of an alias are found, through equal columns if needed."""
    bound, joined = _all_conditions(scope)
    organization = tables.get(_all_tables(scope).get(alias, ""), "organization_id")
    columns = {name for other, name in bound if other == alias}
    if organization in columns:
        return ORGANIZATION
    seen.add(alias)
    through = []
    for left, right in joined:
        for (own, _), (other, _) in ((left, right), (right, left)):
            if own == alias and other not in seen:
                through.append(_find_by(scope, other, tables, seen))
    for (own, _), inner in scope.inner:
        if own == alias and inner.selected is not None:
            through.append(_find_by(inner, inner.selected[0], tables, set()))
    if ORGANIZATION in through:
        return ORGANIZATION
    through = [by for by in through if by not in ("", _JOINED)]
    keys = {"id"} & columns or {name for name in columns if name.endswith("_id")}
    if through and not keys:
        return _JOINED + through[0].removeprefix(_JOINED)
    return ", ".join(sorted(keys or columns))


def _all_conditions(scope: _Scope) -> tuple[set[Column], set[tuple[Column, Column]]]:
    bound, joined = set(scope.bound), set(scope.joined)
    if scope.outer is not None:
        own = set(scope.tables)
        outer_bound, outer_joined = _all_conditions(scope.outer)
        bound |= {column for column in outer_bound if column[0] not in own}
        joined |= {pair for pair in outer_joined if not own & {pair[0][0], pair[1][0]}}
    return bound, joined


def _all_tables(scope: _Scope) -> dict[str, str]:
    return {**(_all_tables(scope.outer) if scope.outer else {}), **scope.tables}


def _find_inserts(tokens: Sequence[Token], tables: Mapping[str, str]) -> Iterator[Use]:
    for number, token in enumerate(tokens):
        if _is(token, "INTO", "COPY") and number + 2 < len(tokens):
            table, columns = tokens[number + 1 : number + 3]
            if isinstance(table, str) and table in tables and isinstance(columns, list):
                names = {name for name in columns if isinstance(name, str)}
                keys = sorted(name for name in names if name.endswith("_id"))
                is_named = tables[table] in names
                yield Use("INSERT", table, ORGANIZATION if is_named else ", ".join(keys))
        elif isinstance(token, list):
            yield from _find_inserts(token, tables)
