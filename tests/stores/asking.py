"""Asks a bucket of a real object store for everything, as one role or without keys."""

import urllib3

from common.objects import LOCKED
from common.store_access import Role, rights
from devstack.servers import Addresses

from .conftest import client
from .operations import OPERATIONS, Operation, Target, refused


def target_of(addresses: Addresses, role: Role | None, bucket: str) -> Target:
    """The bucket, as a role; None = as the administrator."""
    return Target(client(addresses, role), client(addresses, None), bucket, has_lock=bucket in LOCKED)


def asked_of(bucket: str) -> list[Operation]:
    """What can be asked of such a bucket."""
    return [operation for operation in OPERATIONS if bucket in operation.buckets]


def wrong_answers(addresses: Addresses, role: Role, bucket: str) -> list[str]:
    """What the store refuses a role or allows it, other than the table of rights says."""
    target, held, wrong = target_of(addresses, role, bucket), rights(role, bucket), []
    for operation in asked_of(bucket):
        may = bool(operation.takes) and operation.takes <= held
        if refused(operation.ask, target, operation.besides) is may:
            wrong.append(f"{operation.name}: {'refused' if may else 'allowed'}")
    return wrong


def done_without_keys(addresses: Addresses, bucket: str) -> list[str]:
    """What the store does for somebody without any keys."""
    key, _ = target_of(addresses, None, bucket).seed()
    calls = (("GET", key), ("PUT", key), ("DELETE", key), ("GET", ""), ("DELETE", ""))
    address = f"http://{addresses.s3_endpoint}/{bucket}"
    return [f"{method} {path}" for method, path in calls if urllib3.request(method, f"{address}/{path}").status != 403]
