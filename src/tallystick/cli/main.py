"""The command itself: what stands before every verb, and how errors become sentences and exit codes."""

import os
import shutil
import sys
import tempfile
import textwrap
import traceback
from collections import namedtuple
from pathlib import Path
from typing import NoReturn

import click

import tallystick
from tallystick.cli import output
from tallystick.cli.options import Options
from tallystick.cli.verbs import LazyJourney
from tallystick.errors import TallystickError

WRONG_USE, OURS, INTERRUPTED = 2, 3, 130
EXIT_CODES = """
\b
Exit codes:
  0    done, and the answer is yes
  1    done, and the answer is no: a check failed, a replay differs,
       the alarm stands, the ledger does not hold
  2    wrong use: the sentence on stderr says what to do
  3    a fault of Tallystick; the sentence says where its trace lies
       (TALLY_TRACE=1 shows it)
  130  interrupted by Ctrl-C

Every verb takes --json: one JSON document on stdout, and nothing else there.
"""


@click.group(
    cls=LazyJourney,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(tallystick.__version__, prog_name="tally")
@click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--as", "actor", default=None, envvar="TALLY_ACTOR", help="Who acts: an enrolled actor's name.")
@click.pass_context
def tally(ctx: click.Context, folder: Path, actor: str | None) -> None:
    """Models of risk in production: every decision can be replayed, bit for bit."""
    ctx.obj = Options(folder, actor)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; the help of ``tally`` lists the exit codes.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    output.prepare()
    try:
        code = tally.main(args=arguments, prog_name="tally", standalone_mode=False)
    except TallystickError as error:
        _stop(str(error), WRONG_USE)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        raise SystemExit(WRONG_USE) from None
    except click.ClickException as error:
        _stop(error.format_message(), WRONG_USE, _usage(error))
    except (KeyboardInterrupt, click.Abort):
        _end_by_exit_code()
        _stop("Stopped. What was finished is kept, nothing is half-written; run the same again.", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us, such as head, has seen enough. Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        _stop(_refused(error), WRONG_USE)
    except Exception as error:  # noqa: BLE001 - the last place where a fault of ours can become a sentence
        _stop(_fault(error), OURS)
    raise SystemExit(code if isinstance(code, int) else 0)


def _end_by_exit_code() -> None:
    """Let the process end by our exit code, and not by the signal.

    Where Ctrl-C struck within code that was made from text, such as a dataclass that some library declares just then,
    Python remembers it as unhandled and ends by the signal, whatever became of it. It forgets that when such code is
    made once more.
    """
    namedtuple("Forgotten", ())  # noqa: PYI024 - nobody sees it


def _stop(sentence: str, code: int, usage: str = "") -> NoReturn:
    sys.stderr.write(_wrapped(f"tally: {' '.join(sentence.split())}") + "\n")
    if usage:
        sys.stderr.write(f"{usage}\n")
    raise SystemExit(code) from None


def _wrapped(text: str) -> str:
    """Break lines between words where a person looks; a file gets the sentence in one piece."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _usage(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.option_name in {"--as", "--project"}:
        return f"{error.option_name} stands before the verb: tally {error.option_name} VALUE VERB."
    context = getattr(error, "ctx", None)
    return f"{context.get_usage()}\nTry '{context.command_path} --help'." if context else ""


def _refused(error: OSError) -> str:
    """Say what the machine refused, and about which file."""
    reason = error.strerror or str(error) or type(error).__name__
    files = [str(name) for name in (error.filename, error.filename2) if name]
    about = f" ({' and '.join(files)})" if files else ""
    return f"This machine refused: {reason}{about}. See to the file's rights and the disk's space, and run it again."


def _fault(error: Exception) -> str:
    """Keep the trace of a fault of ours, and say where."""
    trace = "".join(traceback.format_exception(error))
    file = "" if os.environ.get("TALLY_TRACE") else _kept(trace)
    if not file:
        sys.stderr.write(f"{trace}\n")
    kept = f"is in {file} (TALLY_TRACE=1 shows it here)" if file else "is above"
    sentence = " ".join(str(error).split())[:200]
    what = f"{type(error).__name__}: {sentence}" if sentence else type(error).__name__
    return f"This is a fault of Tallystick, not yours ({what}). Please report it with its trace, which {kept}."


def _kept(trace: str) -> str:
    """Write a trace to a file, and return its name; nothing where no folder takes one."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="tally-", suffix=".trace", delete=False, encoding="utf-8") as file:
            file.write(trace)
    except OSError:
        return ""
    return file.name
