"""`sbomkit completion`: the shell's own words for completing ours."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the shell code that completes sbomkit's commands and options.

    \b
    Examples:
      sbomkit completion bash > ~/.local/share/bash-completion/completions/sbomkit
      sbomkit completion zsh > ~/.zfunc/_sbomkit
      sbomkit completion fish > ~/.config/fish/completions/sbomkit.fish
    """
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is not None:
        click.echo(maker(ctx.find_root().command, {}, "sbomkit", "_SBOMKIT_COMPLETE").source())
