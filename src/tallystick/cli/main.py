"""The entry point: how errors become sentences and exit codes."""

import sys
from typing import NoReturn

import click

from tallystick.cli import demo, new, people, serving, training, watching
from tallystick.cli.options import tally
from tallystick.errors import TallystickError

INTERRUPTED = 130
VERBS = (
    demo.demo,
    new.new,
    training.check,
    training.features,
    training.train,
    training.show,
    people.release,
    people.enrol,
    people.approve,
    people.refuse,
    serving.token,
    serving.serve,
    serving.replay,
    watching.monitor,
    watching.retrain,
    people.ledger,
)
for verb in VERBS:
    tally.add_command(verb)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line: 0 success, 1 a check or limit failed, 2 wrong use, 130 interrupted.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    try:
        code = tally.main(args=arguments, prog_name="tally", standalone_mode=False)
    except TallystickError as error:
        _stop(str(error), 2)
    except click.UsageError as error:
        hint = f"\n{error.ctx.get_usage()}" if error.ctx else ""
        _stop(error.format_message() + hint, 2)
    except click.ClickException as error:
        _stop(error.format_message(), 2)
    except (KeyboardInterrupt, click.Abort):
        _stop("Stopped. What was finished is kept; the same command starts again where that is possible.", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _stop(sentence: str, code: int) -> NoReturn:
    click.echo(f"tally: {sentence}", err=True)
    raise SystemExit(code) from None
