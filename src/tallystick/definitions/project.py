"""Reading a project file: the one place where a user's own Python runs, and where its mistakes become sentences."""

import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tallystick.definitions.aggregates import Entity, Family, Measure
from tallystick.definitions.diagnostics import shown
from tallystick.definitions.expressions import Corrected, Expr, Flagged, subexpressions
from tallystick.definitions.features import FeatureDefinition, FeatureSet
from tallystick.definitions.fields import Flag, Key
from tallystick.definitions.models import Model, ModelDefinition
from tallystick.definitions.streams import Source, Stream, Table
from tallystick.errors import DefinitionError, did_you_mean

_CALLED = {Entity: "an entity", Measure: "a measure without a window", Family: "a family of windows"}


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything a project file declares, in the order it is written.

    Parameters
    ----------
    path : the project file
    sources : streams and tables by name; their order is part of the numbering of records
    feature_sets : by the name of their class
    models : by name
    """

    path: Path
    sources: dict[str, Source]
    feature_sets: dict[str, FeatureDefinition]
    models: dict[str, ModelDefinition]

    def model(self, name: str | None = None) -> ModelDefinition:
        """Return the model of that name, or the only one.

        Raises
        ------
        DefinitionError
            If there is no such model, or several and none is named.
        """
        if name is None and len(self.models) == 1:
            return next(iter(self.models.values()))
        if name in self.models:
            return self.models[name]
        if not self.models:
            raise DefinitionError("It declares no model. Add model = ts.Model(...).", where=self.path.name)
        known = ", ".join(self.models)
        problem = f"There is no model {name!r}." if name else "There are several models, and none was named."
        raise DefinitionError(
            f"{problem} Declared: {known}. {did_you_mean(name or '', self.models)}", where=self.path.name
        )


def load(path: Path) -> Definitions:
    """Read a project file.

    Raises
    ------
    DefinitionError
        If the file is not there, does not run, declares two sources or models of one name, or uses a source that
        it does not declare.
    """
    if not path.is_file():
        sentence = f"There is no project file {str(path)!r}. 'tally new card-fraud' writes one to start from."
        raise DefinitionError(sentence)
    # Found by what they are, not by registering themselves: importing a project has no side effect, and two can be
    # loaded in one process.
    values = list(vars(_run(path)).values())
    sources: dict[str, Source] = {}
    for value in values:
        if isinstance(value, Stream | Table):
            known = sources.setdefault(value.definition.name, value.definition)
            if known is not value.definition:
                sentence = f"Two sources are called {known.name!r}. Rename one."
                raise DefinitionError(sentence, where=path.name)
    sets = [v.definition for v in values if isinstance(v, type) and issubclass(v, FeatureSet) and v is not FeatureSet]
    models: dict[str, ModelDefinition] = {}
    for value in values:
        if (
            isinstance(value, Model)
            and models.setdefault(value.definition.name, value.definition) is not value.definition
        ):
            raise DefinitionError(f"Two models are called {value.definition.name!r}. Rename one.", where=path.name)
    for features in [*sets, *(model.features for model in models.values())]:
        _check_features(path, sources, features)
    for model in models.values():
        _check_flag(path, sources, model.label.flagged)
    return Definitions(path, sources, {s.name: s for s in sets}, models)


def _check_features(path: Path, sources: dict[str, Source], features: FeatureDefinition) -> None:
    for needed in features.sources:
        _check_source(path, sources, features.name, needed)
    for later in [part for expr in features.features.values() for part in subexpressions(expr)]:
        if isinstance(later, Flagged):
            _check_flag(path, sources, later)
        elif isinstance(later, Corrected):
            _check_correction(path, sources, later)


def _check_source(path: Path, sources: dict[str, Source], user: str, needed: str) -> Source:
    if needed not in sources:
        sentence = (
            f"{user} needs {needed!r}, and nothing in this file bears that stream or table. Its place among the others "
            f"is part of the order of records: declare it on a line of its own, such as reports = ts.Stream(...)."
        )
        raise DefinitionError(sentence, where=path.name)
    return sources[needed]


def _check_flag(path: Path, sources: dict[str, Source], flag: Flagged) -> None:
    fields = _check_source(path, sources, f"A flag of {flag.stream!r}", flag.by).fields
    _check_source(path, sources, f"A flag by {flag.by!r}", flag.stream)
    if not isinstance(fields.get(flag.on), Key):
        sentence = f"on={flag.on!r} must name the key field of {flag.by!r} with the id of the reported record."
        raise DefinitionError(sentence, where=path.name)
    if flag.flag is not None and not isinstance(fields.get(flag.flag), Flag):
        sentence = f"{flag.stream}.flagged_by needs a flag, and {flag.by}.{flag.flag} is none. Declare it as ts.flag."
        raise DefinitionError(sentence, where=path.name)


def _check_correction(path: Path, sources: dict[str, Source], corrected: Corrected) -> None:
    fields = _check_source(path, sources, f"A correction of {corrected.stream!r}", corrected.by).fields
    own = _check_source(path, sources, f"A correction by {corrected.by!r}", corrected.stream).fields[corrected.field]
    if not isinstance(fields.get(corrected.on), Key):
        sentence = f"on={corrected.on!r} must name the key field of {corrected.by!r} with the id of what it corrects."
        raise DefinitionError(sentence, where=path.name)
    if (corrected.by, corrected.on) == (corrected.stream, getattr(sources[corrected.by], "id", None)):
        sentence = f"on={corrected.on!r} is the record's own id, so each would correct itself. Name the other's field."
        raise DefinitionError(sentence, where=path.name)
    delta, units = fields[corrected.delta], ("currency", "decimals")
    if [getattr(own, unit, None) for unit in units] != [getattr(delta, unit, None) for unit in units]:
        sentence = (
            f"{corrected.by}.{corrected.delta} corrects {corrected.stream}.{corrected.field}, and they are not in one "
            "unit. Declare both with one currency, or as many decimals."
        )
        raise DefinitionError(sentence, where=path.name)


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tallystick_project_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{str(path)!r} is no Python file. A project file ends in .py.")
    module = importlib.util.module_from_spec(spec)
    folder, keep = str(path.resolve().parent), sys.dont_write_bytecode
    # So that a project may be several files, as any Python program.
    sys.path.insert(0, folder)
    # Reading a project leaves nothing in its folder, which may be read-only.
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except DefinitionError:
        raise
    except SyntaxError as error:
        where = f"{Path(error.filename or path).name}:{error.lineno}"
        raise DefinitionError(f"This is not Python: {error.msg}.", where=where) from None
    # Whatever a user's own file raises is told with its line, as a sentence.
    except (Exception, SystemExit) as error:
        raise DefinitionError(_sentence_of(error), where=_line(error, path)) from error
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = keep
    return module


def _sentence_of(error: BaseException) -> str:
    """Say what Python says; and where something of ours is asked for what it does not have, what it has."""
    owner = getattr(error, "obj", None)
    if not isinstance(error, AttributeError) or not isinstance(owner, Expr | Entity | Measure | Family):
        return f"{type(error).__name__}: {error}."
    # "customer.average" is answered with what an entity has, as a misspelt column is.
    names = [name for name in dir(owner) if not name.startswith("_") and callable(getattr(owner, name))]
    hint = did_you_mean(str(error.name), names) or f"There is {', '.join(names)}."
    what = shown(owner) if isinstance(owner, Expr) else _CALLED[type(owner)]
    return f"{error.name!r} is nothing that {what} has. {hint}"


def _line(error: BaseException, path: Path) -> str:
    # The innermost line of the user's own file, not the one in a library that it called.
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    return f"{path.name}:{own[-1].lineno}" if own else path.name
