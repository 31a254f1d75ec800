"""The house rules that a machine can check: text goes in, complaints with a line come out.

Nothing here reads a file; `test_tidy.py` brings the tree, and plants each fault once. What
ruff, mypy and import-linter already see is left to them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400

Complaint = tuple[int, str]

_CLOCKS_AND_CHANCE = {"time", "datetime", "random", "secrets", "uuid"}
_LOOPS = {"trio", "libp2p", "multiaddr", "asyncio", "threading", "subprocess", "socket"}
_TOP = {"commonweal.client", "commonweal.commands", "commonweal.web", "commonweal.cli"}
_UP = {
    "protocol": {"commonweal.storage", "commonweal.node"} | _TOP,
    "storage": {"commonweal.node"} | _TOP,
    "node": _TOP,
    "client": {"commonweal.commands", "commonweal.web", "commonweal.cli"},
    "web": {"commonweal.commands", "commonweal.cli"},
}
_DISK = {"os", "pathlib", "shutil", "tempfile", "io"}

# What a file may not import anywhere, by the longest name that fits it.
FORBIDDEN = {
    "protocol": _CLOCKS_AND_CHANCE | _LOOPS | _DISK | {"sqlite3", "logging"} | _UP["protocol"],
    "storage": _CLOCKS_AND_CHANCE - {"secrets"} | _LOOPS | _UP["storage"],
    "node/service": _CLOCKS_AND_CHANCE | _LOOPS | _DISK | {"sqlite3"} | _UP["node"],
    "node/network": {"sqlite3", "asyncio"} | _UP["node"],
    "node": {"libp2p", "sqlite3", "asyncio"} | _UP["node"],
    "client": {"click", "rich", "segno", "libp2p", "asyncio"} | _UP["client"],
    "web": {"click", "rich", "trio", "libp2p", "sqlite3"} | _UP["web"],
    "commands": {"libp2p", "asyncio"},
    "cli.py": {"libp2p", "asyncio"},
}
# What a file may not import while it is loaded, so that `weal --help` is quick.
FORBIDDEN_ON_LOAD = {
    "client": {"trio", "commonweal.node", "multiaddr", "h11", "prometheus_client"},
    "commands": {
        "trio",
        "commonweal.node",
        "rich",
        "segno",
        "multiaddr",
        "h11",
        "prometheus_client",
        "commonweal.web",
        "fastapi",
        "uvicorn",
        "jinja2",
    },
    "cli.py": {"trio", "commonweal.node", "rich", "segno", "multiaddr", "h11", "prometheus_client"},
}

PRODUCT = ("protocol", "storage", "node", "client", "commands", "web", "commonweal")
SPEAKERS = ("cli.py", "commands/terminal/output.py")
WORLD_WALL = "node/network"  # the one place where a library raises anything
OWN_PROGRAM = "node/control/program.py"  # the one place that knows how to start `weal` again
SAME_ORDER = ("protocol", "storage", "node")  # what every node must do alike

_VAGUE = re.compile(r"(Manager|Helper|Handler|Data|Info|Utils?|Common)$")
_VAGUE_FILE = re.compile(r"(^|/)(utils?|helpers?|common|misc|manager)(/|\.py$)")


def _in(place: str, *prefixes: str) -> bool:
    return any(
        place == prefix or place.startswith((f"{prefix}/", f"{prefix}.", f"{prefix}_"))
        for prefix in prefixes
    )


def python(place: str, text: str) -> Iterator[Complaint]:
    """What the house dislikes in the Python file `place`, as (line, complaint)."""
    tree = ast.parse(text)
    product = _in(place, *PRODUCT) or place == "cli.py"
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"the file has {lines} lines, more than {FILE_LINES_MAX}"
    if ast.get_docstring(tree) is None and text.strip():
        yield 1, "the module does not say what it is for"
    yield from _functions(tree)
    if place.startswith("tests/"):
        yield from _skips(tree)
    if not product:
        return
    if _VAGUE_FILE.search(place):
        yield 1, "the file's name says nothing"
    yield from _imports(place, tree)
    yield from _docstrings(tree)
    yield from _speech(place, tree)
    yield from _wide_nets(place, tree)
    yield from _queues(tree)
    if _in(place, "protocol"):
        yield from _inexact(tree)
    if _in(place, *SAME_ORDER) and not _in(place, WORLD_WALL):
        yield from _unordered(tree)


def _forbidden(table: dict[str, set[str]], place: str) -> set[str]:
    fitting = [prefix for prefix in table if _in(place, prefix)]
    return table[max(fitting, key=len)] if fitting else set()


def imported(found: ast.Import | ast.ImportFrom) -> list[str]:
    """The dotted names that an import statement asks for."""
    if isinstance(found, ast.Import):
        return [alias.name for alias in found.names]
    module = found.module or ""
    return [module, *(f"{module}.{alias.name}" for alias in found.names)]


def distant(text: str) -> list[str]:
    """The top-level modules that a file asks for, each once."""
    found = [
        one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    return list(dict.fromkeys(imported(one)[0].split(".")[0] for one in found))


def behind_the_wall(place: str) -> bool:
    """Whether a file may know libp2p."""
    return _in(place, WORLD_WALL)


def _on_load(tree: ast.Module) -> Iterator[ast.stmt]:
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, ast.If) and "TYPE_CHECKING" in ast.unparse(found.test):
            waiting += found.orelse
        elif isinstance(found, ast.If | ast.Try | ast.With | ast.ClassDef | ast.For):
            parts = [*ast.iter_child_nodes(found)]
            parts += [
                part for one in parts if isinstance(one, ast.ExceptHandler) for part in one.body
            ]
            waiting += [part for part in parts if isinstance(part, ast.stmt)]


def _imports(place: str, tree: ast.Module) -> Iterator[Complaint]:
    def complain(found: ast.AST, forbidden: set[str], when: str) -> Iterator[Complaint]:
        if isinstance(found, ast.Import | ast.ImportFrom):
            for name in imported(found):
                if any(name == bad or name.startswith(bad + ".") for bad in forbidden):
                    yield found.lineno, f"{name} may not be imported here{when}"

    named = {id(inner) for one in _for_types(tree) for inner in ast.walk(one)}
    for found in ast.walk(tree):
        types = _CLOCKS_AND_CHANCE if id(found) in named else set()  # chance given, as a value
        yield from complain(found, _forbidden(FORBIDDEN, place) - types, "")
        if isinstance(found, ast.ImportFrom) and found.level:
            yield found.lineno, "imports name commonweal in full"
    for statement in _on_load(tree):
        yield from complain(
            statement, _forbidden(FORBIDDEN_ON_LOAD, place), " while the file is loaded"
        )


def _for_types(tree: ast.Module) -> Iterator[ast.stmt]:
    for one in tree.body:
        if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING":
            yield from one.body


def _functions(tree: ast.Module) -> Iterator[Complaint]:
    for found in ast.walk(tree):
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (found.end_lineno or 0) - found.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield found.lineno, f"{found.name} has {lines} lines"


# Methods of a class with other bases mostly answer to a name that the base has explained.
_NEW_WORDS = {"Protocol", "Generic", "NamedTuple", "ABC", "Enum", "StrEnum", "IntEnum", "Exception"}


def _docstrings(tree: ast.Module | ast.ClassDef) -> Iterator[Complaint]:
    for found in tree.body:
        if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if found.name.startswith("_"):
            continue
        told = any(
            (isinstance(mark, ast.Call) and any(word.arg == "help" for word in mark.keywords))
            or (isinstance(mark, ast.Name) and mark.id in {"override", "overload"})
            or (isinstance(mark, ast.Attribute) and mark.attr == "setter")
            for mark in found.decorator_list
        )
        if ast.get_docstring(found) is None and not told:
            yield found.lineno, f"{found.name} has no docstring"
        if isinstance(found, ast.ClassDef):
            if _VAGUE.search(found.name):
                yield found.lineno, f"{found.name}: the name does not say what it is"
            if all(ast.unparse(base).split("[")[0] in _NEW_WORDS for base in found.bases):
                yield from _docstrings(found)


def _speech(place: str, tree: ast.Module) -> Iterator[Complaint]:
    for found in ast.walk(tree):
        match found:
            case ast.Name(id="print") if place not in SPEAKERS:
                yield found.lineno, "print belongs to " + " and ".join(SPEAKERS)
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr") if not _in(
                place, "cli", "commands"
            ):
                yield found.lineno, "what people read goes out through commands/"
            case ast.Attribute(value=ast.Name(id="sys"), attr="executable") if place != OWN_PROGRAM:
                yield found.lineno, f"the bundle has no Python: ask {OWN_PROGRAM}"


def _wide_nets(place: str, tree: ast.Module) -> Iterator[Complaint]:
    """`except Exception` is for the wall, or for who raises again."""
    if _in(place, WORLD_WALL):
        return
    for found in ast.walk(tree):
        if not isinstance(found, ast.ExceptHandler):
            continue
        kinds = found.type.elts if isinstance(found.type, ast.Tuple) else [found.type]
        wide = any(
            kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds
        )
        last = found.body[-1]
        if wide and not (isinstance(last, ast.Raise) and last.exc is None):
            yield found.lineno, "catch the narrowest error where you can act on it"


def _queues(tree: ast.Module) -> Iterator[Complaint]:
    for found in ast.walk(tree):
        if not isinstance(found, ast.Call):
            continue
        match ast.unparse(found.func).split(".")[-1].split("[")[0], found.args:
            case "open_memory_channel", [ast.Name() | ast.Constant(value=0 | 1)]:
                pass
            case "open_memory_channel", [ast.Attribute(attr=name)] if name != "inf":
                pass
            case "open_memory_channel", _:
                yield found.lineno, "a queue has a named limit"
            case (("Queue" | "LifoQueue" | "SimpleQueue" | "PriorityQueue"), []):
                yield found.lineno, "a queue has a named limit"


def _inexact(tree: ast.Module) -> Iterator[Complaint]:
    for found in ast.walk(tree):
        match found:
            case ast.Constant(value=float()):
                yield found.lineno, "a float would make two nodes disagree"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield found.lineno, "a division with / makes a float; // or largest remainder"
            case ast.Call(func=ast.Name(id="float")):
                yield found.lineno, "a float would make two nodes disagree"
            case ast.Call(func=ast.Name(id="hash")):
                yield found.lineno, "hash() differs from process to process"


# Whoever takes these in does not see their order.
_BLIND = {"sorted", "set", "frozenset", "len", "min", "max", "sum", "any", "all"}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}


def _unordered(tree: ast.Module) -> Iterator[Complaint]:
    """Complain where a set, as far as can be seen, is gone through in an order that shows."""
    sets = _named_sets(tree)
    blind = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _BLIND
        for argument in call.args
    }
    for found in ast.walk(tree):
        walked: list[ast.expr] = []
        match found:
            case ast.For(iter=source):
                walked = [source]
            case ast.ListComp(generators=parts) | ast.DictComp(generators=parts):
                walked = [part.iter for part in parts]
            case ast.GeneratorExp(generators=parts) if id(found) not in blind:
                walked = [part.iter for part in parts]
            case ast.Call(
                func=ast.Name(id="list" | "tuple" | "iter" | "enumerate" | "zip" | "map")
            ):
                walked = [] if id(found) in blind else found.args
            case ast.Call(func=ast.Attribute(attr="join" | "extend" | "fromkeys")):
                walked = found.args
            case ast.Starred(value=source) if id(found) not in blind:
                walked = [source]
        if any(_is_set(source, sets) for source in walked):
            yield found.lineno, "a set has no order: sorted() or dict.fromkeys()"  # type: ignore[attr-defined]


def _named_sets(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for found in ast.walk(tree):
        match found:
            case ast.AnnAssign(target=target, annotation=kind) if re.match(
                r"(frozen)?set\b|(Abstract|Mutable)?Set\b", ast.unparse(kind)
            ):
                names.add(ast.unparse(target).removeprefix("self."))
            case ast.arg(arg=name, annotation=ast.expr() as kind) if re.match(
                r"(frozen)?set\b|(Abstract|Mutable)?Set\b", ast.unparse(kind)
            ):
                names.add(name)
            case ast.Assign(targets=[target], value=value) if _is_set(value, names):
                names.add(ast.unparse(target).removeprefix("self."))
    return names


def _is_set(value: ast.expr, names: set[str]) -> bool:
    match value:
        case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(attr=method)) if method in _SET_METHODS:
            return True
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(value.left, names) or _is_set(value.right, names)
        case ast.Name() | ast.Attribute():
            return ast.unparse(value).removeprefix("self.") in names
    return False


_SKIPS = {
    *("pytest.skip", "pytest.xfail", "pytest.importorskip"),
    *("pytest.mark.skip", "pytest.mark.xfail"),
}


def _skips(tree: ast.Module) -> Iterator[Complaint]:
    for found in ast.walk(tree):
        if isinstance(found, ast.Attribute) and ast.unparse(found) in _SKIPS:
            yield found.lineno, "a test that does not run claims nothing"


# Written with brackets, so that this file does not complain about itself.
_WORDS = [
    (re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b"), "do it, or write an issue"),
    (re.compile(r"#\s*type:\s*ignore(?!\[)"), "say which error is ignored: type: ignore[code]"),
    (re.compile(r"#\s*no[q]a(?!:)", re.IGNORECASE), "say which rule is set aside"),
    (re.compile(r"(?<![\w.~$}*-])/(home|Users|root|work)/\w"), "a path of one machine"),
    (re.compile(r"\.\./share[d]\b"), "nothing outside the repository is read"),
    (re.compile(r"pyp[i]\.org|pythonhoste[d]|npmj[s]\.(org|com)"), "names a registry host"),
    (re.compile(r"^(<{7}|>{7}) "), "a conflict is left"),
    (re.compile(r"[ \t]+$"), "space at the end of the line"),
]


def words(text: str) -> Iterator[Complaint]:
    """What the house dislikes in any text file, as (line, complaint)."""
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, complaint in _WORDS:
            if pattern.search(line):
                yield number, complaint
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line does not end"
