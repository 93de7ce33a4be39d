"""Compares broker, buckets and rights with the trunk's tables, like other commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minio.error import S3Error

from common import buckets
from common.objects import BUCKETS, store_errors_as_outages
from common.store_access import Right, Role, rights
from trunkctl import store_access
from trunkctl.doctor.finding import Finding, Level, ok, skipped
from trunkctl.doctor.sources import Sources
from trunkctl.store_access import DatabaseRights
from trunkctl.takeover.remains import leftovers

APPLY = "Run `trunkctl topology apply`; it takes nothing away."
PROBED = (Right.LIST, Right.INSPECT)
"""Rights at the object store that can be tried without changing or reading anything."""


def judge_topology(differences: Sequence[str]) -> list[Finding]:
    """A missing object keeps messages from their queue; a different or superfluous one may."""
    return [_difference(line, APPLY) for line in differences] or ok("exchanges, queues and bindings are as described")


def judge_policies(differences: Sequence[str]) -> list[Finding]:
    """Reports differing policies, and each queue to which another policy applies."""
    act = f"{APPLY} Remove a policy of others that matches the trunk's queues."
    return [Finding(Level.FAILED, line, act) for line in differences] or ok("the described policies hold")


def judge_broker_rights(differences: Sequence[str]) -> list[Finding]:
    """Users, permissions and limits."""
    return [_difference(line, APPLY) for line in differences] or ok("users and permissions are as described")


def judge_buckets(problems: Sequence[str]) -> list[Finding]:
    """Missing, not versioned, not under object lock."""
    act = "Missing: `trunkctl migrate`. Without versions or lock: stop the archive, and escalate."
    return [Finding(Level.FAILED, line, act) for line in problems] or ok("buckets are there, versioned and locked")


@dataclass(frozen=True, slots=True)
class KeysSeen:
    """The rights that the session's keys have, of those that were tried."""

    role: Role
    """The role to which the keys should belong."""
    held: Mapping[str, frozenset[Right]]
    """By bucket."""


def judge_keys(keys: KeysSeen) -> list[Finding]:
    """Reports rights that the table does not give, and missing ones."""
    findings = []
    for bucket, held in keys.held.items():
        wanted = rights(keys.role, bucket).intersection(PROBED)
        for right in sorted(held - wanted):
            says = f"the keys of this session may {right} bucket {bucket}, and must not"
            findings.append(Finding(Level.WARNING, says, "Give the store the policy of `trunkctl stores policy`."))
        for right in sorted(wanted - held):
            says = f"the keys of this session may not {right} bucket {bucket}"
            findings.append(Finding(Level.WARNING, says, "Give the store the policy of `trunkctl stores policy`."))
    return findings or ok(f"the keys of this session may see what {keys.role} may, and no more")


def judge_database_rights(rights_seen: DatabaseRights) -> list[Finding]:
    """Judges only the session's own user, which cannot see the rights of others."""
    if rights_seen.skipped:
        return skipped(rights_seen.skipped)
    act = "Run `trunkctl stores users` with the database's administrator."
    findings = [Finding(Level.WARNING, line, act) for line in rights_seen.differences]
    return findings or ok("the database user of this session has its rights and no more")


def see_topology(sources: Sources) -> list[str]:
    """Exchanges, queues and bindings, as `topology check` compares them."""
    described, left = sources.described()
    return [*sources.broker.object_differences(described), *leftovers(left)]


def see_policies(sources: Sources) -> list[str]:
    """Policies, and which one holds for each queue."""
    return sources.broker.policy_differences(sources.described()[0])


def see_broker_rights(sources: Sources) -> list[str]:
    """Users and permissions; only the broker's administrator may see them."""
    return sources.broker.user_differences(sources.described()[0])


def see_buckets(sources: Sources) -> list[str]:
    """As `stores check` compares them."""
    return buckets.problems(sources.objects.client)


def see_database_rights(sources: Sources) -> DatabaseRights:
    """As `stores check` compares them."""
    return store_access.check_database(sources.settings)


def see_keys(sources: Sources) -> KeysSeen:
    """Tries to list and to inspect each bucket."""
    client = sources.objects.client
    tries = {
        Right.LIST: lambda bucket: next(iter(client.list_objects(bucket)), None),
        Right.INSPECT: client.get_bucket_versioning,
    }
    with store_errors_as_outages():
        held = {bucket: frozenset(right for right in PROBED if _is_allowed(tries[right], bucket)) for bucket in BUCKETS}
    return KeysSeen(sources.settings.role, held)


def _is_allowed(ask: Any, bucket: str) -> bool:
    try:
        ask(bucket)
    except S3Error as error:
        if error.code != "AccessDenied":
            raise
        return False
    return True


def _difference(line: str, act: str) -> Finding:
    is_missing = line.endswith(": missing")
    return Finding(Level.FAILED if is_missing else Level.WARNING, line, act)
