"""The top of the command line: a command's module is imported when the command is named, not before."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from trunkctl.command_table import COMMANDS

Command = TyperCommand | TyperGroup


class Loaded(Mapping[str, Command]):
    """The commands by name. Looking one up imports its module; iterating over the names imports nothing."""

    def __getitem__(self, name: str) -> Command:
        return of_module(COMMANDS[name].module)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def of_module(module: str) -> Mapping[str, Command]:
    """The commands that a module of ``trunkctl.commands`` defines, by name."""
    part = typer.Typer()
    import_module(f"trunkctl.commands.{module}").register(part)
    commands: Mapping[str, Command] = get_group(part).commands  # type: ignore[assignment]
    return commands


class OnDemand(TyperGroup):
    """The group of all commands. Its help and its completion show the sentences of ``COMMANDS``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Loaded()  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names, in the order of ``COMMANDS``."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command as it is listed: name and help. ``resolve_command`` returns the one that can be run."""
        listed = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=listed.help) if listed else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the arguments name, with its module imported, and the arguments that are left."""
        name, _, left = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else None, left
