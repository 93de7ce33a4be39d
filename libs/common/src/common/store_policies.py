"""Derives the policies of the object store and the roles of the database from ``store_access.py``."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from common.indexes import database_name
from common.store_access import DATABASE_GRANTS, Action, DatabaseGrant, Right, Role, grants

ON_OBJECTS: dict[Right, tuple[str, ...]] = {
    Right.READ: ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"),
    Right.WRITE: ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    Right.LOCK: ("s3:PutObjectRetention",),
    Right.DELETE: ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    Right.PRUNE: ("s3:DeleteObjectVersion",),
}
"""Actions on every object of a bucket. None contains ``BypassGovernanceRetention`` or a legal hold."""

ON_BUCKET: dict[Right, tuple[str, ...]] = {
    Right.LIST: ("s3:ListBucket", "s3:ListBucketVersions"),
    Right.INSPECT: ("s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"),
    Right.MAKE: ("s3:CreateBucket", "s3:PutBucketVersioning", "s3:PutBucketObjectLockConfiguration"),
}
"""Actions on the bucket itself. None can delete it, open it to others, or let objects expire."""

WRITING = [Action.INSERT.value, Action.UPDATE.value]
"""Actions on a collection that a role writes to."""


class KeyPair(NamedTuple):
    """A role's keys at the object store."""

    access: str
    secret: str


def policy(role: Role) -> dict[str, Any]:
    """The policy of a role in the format of AWS, which SeaweedFS, MinIO and Ceph also read."""
    # For the readiness check. SeaweedFS names only the buckets that the role may list.
    allowed = _statements(["s3:ListAllMyBuckets"], "*")
    for grant in grants(role):
        arn = f"arn:aws:s3:::{grant.bucket}"
        allowed += _statements(_actions(ON_OBJECTS, grant.rights), f"{arn}/*")
        allowed += _statements(_actions(ON_BUCKET, grant.rights), arn)
    return {"Version": "2012-10-17", "Statement": allowed}


def seaweedfs_config(keys: Mapping[Role, KeyPair], *more: dict[str, Any]) -> dict[str, Any]:
    """SeaweedFS's ``-s3.config``: one identity a role, with its policy attached. ``more``: further identities."""
    identities = [
        {
            "name": role.value,
            "credentials": [{"accessKey": keys[role].access, "secretKey": keys[role].secret}],
            "policyNames": [role.value],
        }
        for role in Role
    ]
    policies = [{"name": role.value, "content": json.dumps(policy(role))} for role in Role]
    return {"identities": [*identities, *more], "policies": policies}


def database_role(role: Role) -> dict[str, Any] | None:
    """The arguments of MongoDB's ``createRole`` and ``updateRole``; none = the role has no database user."""
    for grant in DATABASE_GRANTS:
        if grant.role is role:
            return {"privileges": _privileges(grant), "roles": []}
    return None


def database_role_name(role: Role) -> str:
    """Name of the role in MongoDB's database ``admin``; the user is named like the role of the table."""
    return f"trunk_{role.value}"


def _privileges(grant: DatabaseGrant) -> list[dict[str, Any]]:
    actions = [action.value for action in grant.actions]
    privileges: list[dict[str, Any]] = []
    for service in grant.services:
        database = database_name(service)
        privileges.append({"resource": {"db": database, "collection": ""}, "actions": actions})
        for collection in grant.removes_from:
            removing = {"resource": {"db": database, "collection": collection}, "actions": [Action.REMOVE.value]}
            privileges.append(removing)
    for service, collection in grant.writes_to:
        writing = {"resource": {"db": database_name(service), "collection": collection}, "actions": WRITING}
        privileges.append(writing)
    return privileges


def _actions(table: Mapping[Right, tuple[str, ...]], granted: frozenset[Right]) -> list[str]:
    return [action for right, actions in table.items() if right in granted for action in actions]


def _statements(actions: list[str], resource: str) -> list[dict[str, Any]]:
    """One statement, or none where there is nothing to allow."""
    return [{"Effect": "Allow", "Action": actions, "Resource": [resource]}] if actions else []
