"""Reading a project file: the one place where a user's own Python runs, and where its mistakes become sentences."""

import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tallystick.definitions.features import FeatureDefinition, FeatureSet
from tallystick.definitions.models import Model, ModelDefinition
from tallystick.definitions.streams import Source, Stream, Table
from tallystick.errors import DefinitionError, did_you_mean


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
        asked = f"There is no model {name!r}." if name else "There are several models, and none was named."
        raise DefinitionError(
            f"{asked} Declared: {known}. {did_you_mean(name or '', self.models)}", where=self.path.name
        )


def load(path: Path) -> Definitions:
    """Read a project file.

    Raises
    ------
    DefinitionError
        If the file is not there, does not run, or declares two sources of one name.
    """
    if not path.is_file():
        sentence = f"There is no project file {str(path)!r}. 'tally new card-fraud' writes one to start from."
        raise DefinitionError(sentence)
    values = list(vars(_run(path)).values())
    sources: dict[str, Source] = {}
    for value in values:
        if isinstance(value, Stream | Table):
            known = sources.setdefault(value.definition.name, value.definition)
            if known is not value.definition:
                sentence = f"Two sources are called {known.name!r}. Rename one."
                raise DefinitionError(sentence, where=path.name)
    sets = [v.definition for v in values if isinstance(v, type) and issubclass(v, FeatureSet) and v is not FeatureSet]
    models = [v.definition for v in values if isinstance(v, Model)]
    return Definitions(path, sources, {s.name: s for s in sets}, {m.name: m for m in models})


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tallystick_project_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{str(path)!r} is no Python file. A project file ends in .py.")
    module = importlib.util.module_from_spec(spec)
    folder, keep = str(path.resolve().parent), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except DefinitionError:
        raise
    except SyntaxError as error:
        where = f"{Path(error.filename or path).name}:{error.lineno}"
        raise DefinitionError(f"This is not Python: {error.msg}.", where=where) from None
    except (Exception, SystemExit) as error:
        raise DefinitionError(f"{type(error).__name__}: {error}.", where=_line(error, path)) from error
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = keep
    return module


def _line(error: BaseException, path: Path) -> str:
    own = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    return f"{path.name}:{own[-1].lineno}" if own else path.name
