"""Keep the promises of the tree by counting, not by reviewing: ``python tools/promises.py`` exits 1 on a broken one.

Every module starts with a sentence, no function hides an import of our own and no file imports for types alone, public
functions document what they raise, tests say their claim, no name is one whose meaning only its author knows, and
nothing in the package can run code from data.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
FOR_TYPES_ALONE = ("src/tallystick/lifecycle/project.py", "src/tallystick/lifecycle/parts.py")
"""The face names the values of every room, and loads a room only when it is asked for."""
NEVER = re.compile(r"^\s*(import|from) (pickle|joblib|cloudpickle|dill|shelve|marshal)\b|\b(eval|exec)\(|torch\.load\(")
Function = ast.FunctionDef | ast.AsyncFunctionDef
VAGUE = frozenset(
    {"again", "desk", "gathering", "ground", "keeper", "material", "meeting", "pile", "sight", "together"},
)
"""Words that say nothing to a stranger where they are the whole name; docs/glossary.md has better ones."""
VAGUE_ANYWHERE = frozenset({"asked", "because", "learnt", "promised", "reached", "said", "spelled", "told"})
"""Words that say nothing even as a part of a name: ``reached_position``, ``told_``."""


def broken(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the sentence of each promise that a file of the package breaks."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    if ast.get_docstring(tree) is None:
        yield 1, "the file does not say what a reader finds here"
    if (lines := len(source.splitlines())) > MAX_FILE_LINES:
        yield 1, f"the file has {lines} lines; split it at {MAX_FILE_LINES}"
    for number, line in enumerate(source.splitlines(), start=1):
        if NEVER.search(line):
            yield number, "this can run code from data, and the design says never"
    if path.relative_to(ROOT).as_posix() not in FOR_TYPES_ALONE:
        yield from _typed_only(tree)
    for line, name in sorted({(1, path.stem), *_names(tree)}):
        if _is_vague(name):
            yield line, f"{name} is no name that a stranger guesses; docs/glossary.md has the field's words"
    for function in _functions(tree):
        yield from _broken_by(function)


def unclaimed(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each test that does not say its claim."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function) and node.name.startswith("test_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} does not say its claim"


def _typed_only(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each import that only the type checker sees: what a file names, it imports."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield node.lineno, "an import for types alone hides what the file depends on"


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every name that a file gives: of functions, classes, parameters, variables, attributes and aliases."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case _:
                pass


def _is_vague(name: str) -> bool:
    # MostTogether and most_together are the same words.
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    return "_".join(words) in VAGUE or not VAGUE_ANYWHERE.isdisjoint(words)


def _functions(scope: ast.Module | ast.ClassDef) -> Iterator[Function]:
    """Yield functions and methods, not those within functions: their raises are their owner's business."""
    for node in scope.body:
        if isinstance(node, Function):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node)


def _broken_by(function: Function) -> Iterator[tuple[int, str]]:
    name, doc = function.name, ast.get_docstring(function) or ""
    length = len(ast.unparse(function).splitlines()) - len(doc.splitlines())
    if length > MAX_FUNCTION_LINES:
        yield function.lineno, f"{name} has {length} lines; split it at {MAX_FUNCTION_LINES}"
    for node in ast.walk(function):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tallystick"):
            yield node.lineno, f"{name} hides an import of {node.module}"
        is_public = not name.startswith(("_", "test_"))
        if is_public and isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name | ast.Call):
            error = ast.unparse(node.exc).partition("(")[0]
            # A method or function that returns the error names it in its own place.
            if error[0].isupper() and not re.search(rf"\b{re.escape(error.split('.')[-1])}\b", doc):
                yield node.lineno, f"{name} raises {error}, and its docstring is silent"


def main() -> int:
    """Print every broken promise; return 1 if there is one."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {sentence}"
        for folder, question in (("src", broken), ("tests", unclaimed))
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, sentence in question(path)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
