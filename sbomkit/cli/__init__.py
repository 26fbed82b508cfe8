"""The command line: one module per command, each with a `command`; the only room that prints or exits."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from sbomkit import __version__
from sbomkit.errors import SbomkitError


class Commands(click.Group):
    """Finds a command by its module's name, and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # not pkgutil: it costs a tenth of what `--help` may take
        return sorted(name[:-3] for name in os.listdir(__path__[0]) if name.endswith(".py") and name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, without importing what it lists: half of the time that `--help` may take."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(name)) for name in self.list_commands(ctx)])

    def _summary(self, name: str) -> str:
        """What the first line of the command's module says of it: \"\"\"`sbomkit NAME`: this.\"\"\""""
        with open(os.path.join(__path__[0], f"{name}.py"), encoding="utf-8") as source:
            return source.readline().partition("`: ")[2].strip().rstrip('."')


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sbomkit")
def cli() -> None:
    """Inventories, SBOM documents and supply-chain proofs for container images.

    \b
    Examples:
      sbomkit generate oci-dir:./image:1.0                 what is inside, as a table
      sbomkit generate app.tar -o cyclonedx-json=sbom.json as a document
      sbomkit COMMAND --help                               all options of a command

    Exit codes: 0 fine, 1 checked and refused, 2 wrong call, 3 could not check.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run, and turn every failure into a message and an exit code."""
    try:
        code = cli.main(args=args, prog_name="sbomkit", standalone_mode=False)
    except SbomkitError as error:
        code = _report(error.message, error.hint, error.exit_code)
    except click.exceptions.Abort:
        code = _report("interrupted", "", 130)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BrokenPipeError:
        # whoever read our output has seen enough; leave without a complaint of the interpreter's own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = _report(f"{error.filename or 'input or output'}: {error.strerror or error}", "", 3)
    except Exception as error:
        # the last seam: people get a sentence, never a traceback, unless they ask for one
        if os.environ.get("SBOMKIT_DEBUG"):
            raise
        hint = "This is a fault in sbomkit. SBOMKIT_DEBUG=1 shows where; please report it."
        code = _report(f"internal error: {type(error).__name__}: {error}", hint, 3)
    sys.exit(code if isinstance(code, int) else 0)


def _report(message: str, hint: str, code: int) -> int:
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True)
    if hint:
        click.echo(click.style("hint: ", fg="cyan") + hint, err=True)
    return code
