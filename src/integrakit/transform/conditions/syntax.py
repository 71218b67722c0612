"""The text of a condition: its words, and the predicates they spell.

    condition = and { "or" and }        and = not { "and" not }        not = "not" not | "(" condition ")" | test
    test      = term sign term | term [ "not" ] "in" ( "[" literal { "," literal } "]" | path )
              | term ( "starts with" | "ends with" | "contains" ) term
              | path "is" [ "not" ] ( "null" | "missing" | "present" ) | path
    term      = path | literal | function "(" term [ "," literal ] ")"
    sign      = "==" | "!=" | "<" | "<=" | ">" | ">="
    literal   = '…' | "…" | number | "true" | "false" | "null"
    path      = as elsewhere in a mapping, without blanks; in backquotes if its first key has other characters, or is a word of this grammar

Every mistake is a `Mistaken` with the character it is at. What a predicate means is in `predicates`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from attrs import define, frozen

from integrakit.transform.conditions.comparing import ORDERS, Compare, contains, ends_with, equal, starts_with, unequal
from integrakit.transform.conditions.predicates import Among, At, Compared, Holds, Is, Joined, Literal, Made, Not, Predicate, Term
from integrakit.transform.exact import EXACT_DIGITS
from integrakit.transform.misfit import Misfit
from integrakit.transform.paths import Path, parse_path
from integrakit.transform.wording import spelled

__all__ = ["MakeFunction", "Mistaken", "read_condition"]

#: Gives the function behind a name, with its second input or None, and a value of the kind that it gives. Raises ValueError with what is wrong.
MakeFunction = Callable[[str, Any], tuple[Callable[[Any], Any], Any]]

_DEEPEST = 20
_LONGEST = 4000
_KEY = r"[^\s.\[\]\"'`=!<>&|(),;]+"
_TOKEN = re.compile(
    rf"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<quoted>`[^`]*`)
    |(?P<sign>==|!=|<=|>=|<>|&&|\|\||[=<>!])
    |(?P<mark>[()\[\],])
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![^\s=!<>&|(),\]]))
    |(?P<path>{_KEY}(?:\.{_KEY}|\."(?:[^"\\]|\\.)*"|\.'(?:[^'\\]|\\.)*'|\[\s*-?[0-9]{{1,9}}\s*\])*|\.(?![^\s=!<>&|(),\]]))""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORDS = ("and", "or", "not", "in", "is", "true", "false", "null", "missing", "present", "starts", "ends", "contains")
_CONSTANTS = {"true": True, "false": False, "null": None}
_OTHERS = {"none": "null", "nil": "null", "undefined": "missing"}
_MEANT = {
    "=": "==",
    "&&": "and",
    "||": "or",
    "!": "not",
    "<>": "!=",
    "exists": "is present",
    "like": "contains, or starts with",
    "empty": "== '', or length(…) == 0",
    **_OTHERS,
}
_TEXTS: dict[str, Compare] = {"starts": starts_with, "ends": ends_with, "contains": contains}


class Mistaken(ValueError):
    """What is wrong with a condition, and the character it is at, counted from 1."""

    def __init__(self, why: str, position: int) -> None:
        super().__init__(f"at character {position + 1}: {why}")


@frozen
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The text, where it is not in quotes."""
        return self.text if self.kind in ("path", "mark", "sign") else ""


def read_condition(text: str, make: MakeFunction) -> Predicate:
    """The predicate that the text spells. Raises `Mistaken`."""
    if len(text) > _LONGEST:
        raise Mistaken(f"a condition has at most {_LONGEST} characters", _LONGEST)
    reader = _Reader(_tokens(text), make)
    if reader.token.kind == "end":
        raise Mistaken("a condition is empty, and says nothing", 0)
    found = reader.condition()
    if reader.token.kind != "end":
        reader.unexpected("and, or, or the end")
    return found


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position == len(text):
            return [*tokens, _Token("end", "", position)]
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            what = text[position]
            quotes = {"'": "a text without its second quote", '"': "a text without its second quote", "`": "a path without its second backquote"}
            raise Mistaken(quotes.get(what, f"{what!r} has no meaning here"), position)
        tokens.append(_Token(found.lastgroup, found[0], position))
        position = found.end()


@define
class _Reader:
    """Goes over the tokens once."""

    tokens: list[_Token]
    make: MakeFunction
    index: int = 0
    depth: int = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.token
        self.index += token.kind != "end"
        return token

    def taken(self, *words: str) -> bool:
        """Takes the words if they stand here."""
        if [token.word for token in self.tokens[self.index : self.index + len(words)]] != list(words):
            return False
        self.index += len(words)
        return True

    def unexpected(self, wanted: str) -> NoReturn:
        token = self.token
        if token.kind == "end":
            raise Mistaken(f"it ends where {wanted} should stand", token.at)
        meant = _MEANT.get(token.word.lower()) or (token.text.lower() if token.text.lower() in _WORDS and token.kind == "path" else "")
        hint = f": did you mean {meant}?" if meant and meant != token.text else ""
        raise Mistaken(f"{spelled(token.text)} stands where {wanted} should stand{hint}", token.at)

    # ---------------------------------------------------------------- predicates

    def condition(self) -> Predicate:
        return self._joined(lambda: self._joined(self._negated, "and"), "or")

    def _joined(self, read: Callable[[], Predicate], word: str) -> Predicate:
        of = [read()]
        while self.taken(word):
            of.append(read())
        return of[0] if len(of) == 1 else Joined(tuple(of), word == "and")

    def _negated(self) -> Predicate:
        token = self.token
        if token.word not in ("not", "("):
            return self._test()
        self.deeper(token)
        self.take()
        if token.word == "not":
            found: Predicate = Not(self._negated())
        else:
            found = self.condition()
            if not self.taken(")"):
                self.unexpected(f"and, or, or the ) of the ( at character {token.at + 1}")
            if self.token.word in ("==", "!=", "in", "is", *ORDERS):
                raise Mistaken("parentheses hold a whole condition, not a value", token.at)
        self.depth -= 1
        return found

    def deeper(self, token: _Token) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Mistaken(f"nested more than {_DEEPEST} levels deep", token.at)

    def _test(self) -> Predicate:
        first = self.token
        left = self.term()
        token = self.token
        if token.word in ("==", "!=", *ORDERS):
            self.take()
            return self._unchained(self._compared(left, self.term(), token))
        if token.word == "is":
            return self._is(left, first)
        if self.taken("in"):
            return self._among(left, token)
        if self.taken("not", "in"):
            return Not(self._among(left, token))
        if token.word in _TEXTS and token.kind == "path":
            self.take()
            if token.word != "contains" and not self.taken("with"):
                self.unexpected(f"with, as in {token.word} with,")
            return self._unchained(self._compared(left, self.term(), token))
        if self.taken("not"):
            self.unexpected("in (not in; other tests are negated in front: not a contains b)")
        if token.kind == "end" or token.word in ("and", "or", ")"):
            if not isinstance(left, At):
                raise Mistaken(f"{spelled(first.text)} alone is no condition: it is compared with something", first.at)
            return Holds(left.path)
        return self.unexpected("a comparison, such as ==,")

    def _unchained(self, found: Predicate) -> Predicate:
        if self.token.word in ("==", "!=", *ORDERS):
            raise Mistaken("comparisons do not chain: write a < b and b < c", self.token.at)
        return found

    def _compared(self, left: Term, right: Term, token: _Token) -> Predicate:
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise Mistaken(
                "two values of the condition's own are compared, and nothing of the record (text stands in quotes, a path does not)", token.at
            )
        sign = token.word if token.word not in _TEXTS else ""
        function = _TEXTS.get(token.word) or ORDERS.get(token.word) or (equal if token.word == "==" else unequal)
        for one, other in ((left, right), (right, left)):
            if not isinstance(one, Literal):
                continue
            if one.value is None and function not in (equal, unequal):
                raise Mistaken("null has no order and no text: only == and != compare with it", token.at)
            # What is wrong with a literal on its own shows when it is compared with its like.
            try:
                function(other.sample if isinstance(other, Made) else one.value, one.value)
            except Misfit as problem:
                raise Mistaken(_unlike(other, one.value) if isinstance(other, Made) else str(problem), token.at) from None
        return Compared(left, right, function, sign)

    def _is(self, left: Term, first: _Token) -> Predicate:
        self.take()
        if not isinstance(left, At):
            raise Mistaken(f"is asks about a path, not about {spelled(first.text)}", first.at)
        negated = self.taken("not")
        for what in ("null", "missing", "present"):
            if self.taken(what):
                return Not(Is(left.path, what)) if negated else Is(left.path, what)
        return self.unexpected("null, missing or present (neither of them)")

    def _among(self, left: Term, token: _Token) -> Predicate:
        if not self.taken("["):
            if self.token.word == "(":
                raise Mistaken("in takes a list in brackets: in ['a', 'b']", self.token.at)
            items = self.term()
            if not isinstance(items, At):
                raise Mistaken("in takes a list in brackets, in ['a', 'b'], or the path of a list", token.at)
            return Among(left, items)
        values: list[Any] = []
        while True:
            here = self.token
            term = self.term()
            if not isinstance(term, Literal):
                raise Mistaken(f"a list holds texts, numbers, true, false or null, not {spelled(here.text)} (text stands in quotes)", here.at)
            values.append(term.value)
            if self.taken("]"):
                break
            if not self.taken(","):
                self.unexpected("a , or the ] of the list")
        if isinstance(left, Literal):
            raise Mistaken(
                "two values of the condition's own are compared, and nothing of the record (text stands in quotes, a path does not)", token.at
            )
        kinds = [value for value in values if value is not None]
        for value in kinds:
            try:
                equal(left.sample if isinstance(left, Made) else kinds[0], value)
            except Misfit as problem:
                what = _unlike(left, value) if isinstance(left, Made) else f"the list holds values of several kinds: {problem}"
                raise Mistaken(what, token.at) from None
        return Among(left, Literal(tuple(values)))

    # ---------------------------------------------------------------- terms

    def term(self) -> Term:
        token = self.token
        if token.kind not in ("text", "number", "quoted", "path"):
            self.unexpected("a path or a value")
        if token.kind == "path" and token.text in _WORDS and token.text not in _CONSTANTS:
            raise Mistaken(
                f"{token.text} is a word of conditions, and stands where a path or a value should: a key of this name is `{token.text}`", token.at
            )
        self.take()
        if token.kind == "text":
            return Literal(_unquoted(token))
        if token.kind == "number":
            return Literal(_number(token))
        if token.kind == "path" and self.token.word == "(":
            return self._made(token)
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        return At(_path(token))

    def _made(self, token: _Token) -> Term:
        self.deeper(token)
        self.take()
        of, option = self.term(), None
        if self.taken(","):
            second = self.term()
            if not isinstance(second, Literal) or not isinstance(second.value, str):
                raise Mistaken(f"the second input of {token.text}(…) is a text in quotes", token.at)
            option = second.value
        if not self.taken(")"):
            self.unexpected(f"the ) of {token.text}(")
        if isinstance(of, Literal):
            raise Mistaken(f"{token.text}(…) takes a path: write the value as it should be", token.at)
        try:
            function, sample = self.make(token.text, option)
        except ValueError as problem:
            raise Mistaken(str(problem), token.at) from problem
        self.depth -= 1
        return Made(token.text, of, function, sample)


def _unlike(made: Made, literal: Any) -> str:
    gives = {
        "date": "a day, as in '2024-01-31'",
        "datetime": "a time with its zone, as in '2024-01-31T12:00:00Z'",
        "number": "a number",
        "length": "a number",
    }
    return f"{made.name}(…) gives {gives.get(made.name, 'text')}, and is not compared with {spelled(literal)}"


def _path(token: _Token) -> Path:
    text = token.text[1:-1] if token.kind == "quoted" else token.text
    if token.kind == "path":
        lowered = text.lower()
        meant = _OTHERS.get(lowered) or (lowered if lowered in _WORDS else "")
        if meant:
            raise Mistaken(f"{text} is not known: did you mean {meant}? A key of this name is `{text}`", token.at)
        if text[0].isdigit() or text[0] in "+-":
            raise Mistaken(f"{spelled(text)} is no number: text and dates stand in quotes, a key that begins like this in `backquotes`", token.at)
    try:
        return parse_path(text)
    except ValueError as problem:
        raise Mistaken(f"{spelled(text)} is not a path: {problem}", token.at) from problem


def _unquoted(token: _Token) -> str:
    def escaped(found: re.Match[str]) -> str:
        if found[1] not in "\\'\"":
            raise Mistaken(f"{found[0]} is not known: a backslash stands before a quote or another backslash", token.at + 1 + found.start())
        return found[1]

    return _ESCAPE.sub(escaped, token.text[1:-1])


def _number(token: _Token) -> int | Decimal:
    if len(token.text) > EXACT_DIGITS:
        raise Mistaken(f"a number has at most {EXACT_DIGITS} digits", token.at)
    return int(token.text) if token.text.lstrip("-").isdigit() else Decimal(token.text)
