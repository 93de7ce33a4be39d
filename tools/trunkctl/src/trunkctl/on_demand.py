"""Groups of commands: a command's module is imported when the command is named, not before."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from trunkctl.command_table import Table

Command = TyperCommand | TyperGroup


class Loaded(Mapping[str, Command]):
    """The commands by name. Looking one up imports its module; iterating over the names imports nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Command:
        return of_module(self._table[name].module)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


@cache
def of_module(module: str) -> Mapping[str, Command]:
    """The commands that a module of ``trunkctl.commands`` defines, by name."""
    part = typer.Typer()
    import_module(f"trunkctl.commands.{module}").register(part)
    commands: Mapping[str, Command] = get_group(part).commands  # type: ignore[assignment]
    return commands


class OnDemand(TyperGroup):
    """A group whose commands stand in a table. Its help and its completion show the table's sentences."""

    table: ClassVar[Table]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Loaded(self.table)  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command as it is listed: name and help. ``resolve_command`` returns the one that can be run."""
        listed = self.table.get(cmd_name)
        return TyperCommand(cmd_name, help=listed.help) if listed else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the arguments name, with its module imported, and the arguments that are left."""
        name, _, left = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else None, left
