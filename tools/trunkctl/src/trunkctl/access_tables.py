"""The rights at the stores as Markdown tables: for the terminal and for ``docs/operations/store-access.md``."""

from collections.abc import Iterable, Iterator

from common.indexes import database_name
from common.objects import BUCKETS
from common.store_access import DATABASE_GRANTS, GRANTS, DatabaseGrant, Right


def object_store() -> list[str]:
    """One row per bucket and role; a role without a row has no rights."""
    ordered = sorted(GRANTS, key=lambda grant: BUCKETS.index(grant.bucket))
    rows = (
        (f"`{grant.bucket}`", grant.role, ", ".join(right for right in Right if right in grant.rights), grant.reason)
        for grant in ordered
    )
    return _table(("bucket", "who", "may", "why"), rows)


def database() -> list[str]:
    """One row per database user."""
    rows = (
        (
            grant.role,
            ", ".join(f"`{database_name(service)}`" for service in _services(grant)),
            ", ".join(_allowed(grant)),
            grant.reason,
        )
        for grant in DATABASE_GRANTS
    )
    return _table(("who", "database", "may", "why"), rows)


def _services(grant: DatabaseGrant) -> Iterable[str]:
    return dict.fromkeys((*grant.services, *(service for service, _ in grant.writes_to)))


def _allowed(grant: DatabaseGrant) -> Iterator[str]:
    yield from grant.actions
    yield from (f"remove from `{name}`" for name in grant.removes_from)
    yield from (f"write to `{database_name(service)}.{name}`" for service, name in grant.writes_to)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
