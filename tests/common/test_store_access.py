"""The tables of rights: complete, one service that deletes and never in the archive, no right that nobody may have."""

import json
from itertools import product

import pytest

from common import database_users
from common.indexes import MESSAGE_RECORDS, OPERATOR_REQUESTS, WAITING
from common.objects import ARCHIVE, BUCKETS, CONTENT, LOG, PACKAGES, UPLOADS
from common.store_access import DATABASE_GRANTS, GRANTS, REMOVES, Action, Right, Role, grants, rights
from common.store_policies import KeyPair, database_role, policy, seaweedfs_config
from common.topology import SERVICES

NOBODYS = ("Bypass", "LegalHold", "Lifecycle", "BucketPolicy", "Acl", "DeleteBucket", "Replication", "*")
"""Parts of the names of actions that no role has."""


def test_every_service_is_a_role_and_every_role_has_rights() -> None:
    assert set(SERVICES) <= set(Role)
    assert all(list(grants(role)) for role in Role)


def test_a_bucket_and_a_role_have_one_row_at_most() -> None:
    rows = [(grant.bucket, grant.role) for grant in GRANTS]
    assert len(rows) == len(set(rows))
    assert {bucket for bucket, _ in rows} == set(BUCKETS)


def test_every_row_says_what_and_why() -> None:
    for grant in GRANTS:
        assert grant.rights
        assert grant.reason.endswith(".")
    assert all(grant.reason.endswith(".") for grant in DATABASE_GRANTS)


def test_one_role_deletes_and_never_in_the_archive() -> None:
    deleting = {(grant.role, grant.bucket) for grant in GRANTS if Right.DELETE in grant.rights}
    assert deleting == {(Role.INTAKE, bucket) for bucket in (UPLOADS, CONTENT, PACKAGES)}


def test_who_removes_versions_of_the_log_can_neither_hide_a_file_nor_write_one() -> None:
    pruning = {(grant.role, grant.bucket) for grant in GRANTS if Right.PRUNE in grant.rights}
    assert pruning == {(Role.TIDY, LOG), *((Role.INTAKE, bucket) for bucket in (UPLOADS, CONTENT, PACKAGES))}
    assert rights(Role.TIDY, LOG) == {Right.READ, Right.LIST, Right.PRUNE}
    assert [grant.bucket for grant in grants(Role.TIDY)] == [LOG]


def test_one_role_locks_and_can_neither_list_nor_read_the_archive() -> None:
    assert {grant.role for grant in GRANTS if Right.LOCK in grant.rights} == {Role.ARCHIVE}
    assert rights(Role.ARCHIVE, ARCHIVE) == {Right.WRITE, Right.LOCK}


def test_who_locks_packages_puts_and_removes_none() -> None:
    assert rights(Role.ARCHIVE, PACKAGES) == {Right.READ, Right.LOCK}
    assert {grant.role for grant in GRANTS if grant.bucket == PACKAGES and Right.WRITE in grant.rights} == {Role.INTAKE}


def test_nobody_who_makes_buckets_sees_an_object() -> None:
    for bucket in BUCKETS:
        assert rights(Role.MIGRATE, bucket) == {Right.MAKE, Right.INSPECT}


@pytest.mark.parametrize("role", Role)
def test_a_policy_allows_nothing_but_its_rows(role: Role) -> None:
    statements = policy(role)["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    for statement in statements:
        assert not [action for action in statement["Action"] if any(part in action for part in NOBODYS)]
    named = {resource for statement in statements for resource in statement["Resource"]}
    buckets = {resource.removeprefix("arn:aws:s3:::").partition("/")[0] for resource in named - {"*"}}
    assert buckets == {grant.bucket for grant in grants(role)}
    everywhere = [statement["Action"] for statement in statements if statement["Resource"] == ["*"]]
    assert everywhere == [["s3:ListAllMyBuckets"]]


def test_the_store_is_told_of_every_role_and_of_no_other() -> None:
    config = seaweedfs_config({role: KeyPair(f"{role}-a", f"{role}-s") for role in Role})
    assert [each["name"] for each in config["identities"]] == list(Role)
    assert not [each for each in config["identities"] if "actions" in each]
    assert {each["name"]: json.loads(each["content"]) for each in config["policies"]} == {r: policy(r) for r in Role}


def test_every_service_has_its_own_database_and_no_other() -> None:
    for service in SERVICES:
        described = database_role(Role(service))
        assert described is not None
        assert {each["resource"]["db"] for each in described["privileges"]} == {f"trunk_{service}"}


def test_nobody_removes_more_than_notes_about_failed_messages() -> None:
    for role in database_users.USERS:
        described = database_role(role)
        assert described is not None
        removing = [each for each in described["privileges"] if Action.REMOVE in each["actions"]]
        more = REMOVES.get(role.value, {})
        expected = {MESSAGE_RECORDS, *more} if role.value in SERVICES else set()
        assert {each["resource"]["collection"] for each in removing} == expected
        assert set(more) <= {OPERATOR_REQUESTS, WAITING}
        assert bool(removing) is (role.value in SERVICES)
    assert not [action for action in Action if "drop" in action]
    assert set(database_users.USERS) == {*map(Role, SERVICES), Role.MIGRATE, Role.OPERATOR, Role.BACKUP, Role.TIDY}


def test_rights_that_differ_are_named() -> None:
    described = database_role(Role.ROUTER)
    assert described is not None
    whole_server = {"resource": {"cluster": True}, "actions": ["connPoolStats"]}
    assert database_users.differences(Role.ROUTER, [*described["privileges"], whole_server]) == []
    more = {"resource": {"db": "trunk_archive", "collection": ""}, "actions": ["remove"]}
    everywhere = {"resource": {"db": "", "collection": ""}, "actions": ["find"]}
    assert database_users.differences(Role.ROUTER, [more, everywhere]) == [
        "database user router: in every database find, not nothing",
        "database user router: in trunk_archive remove, not nothing",
        "database user router: in trunk_router nothing, not find, insert, update",
        "database user router: in trunk_router.message_records nothing, not remove",
        "database user router: in trunk_router.operator_requests nothing, not remove",
    ]


def test_rights_are_those_of_the_table() -> None:
    for role, bucket in product(Role, BUCKETS):
        rows = [grant.rights for grant in GRANTS if (grant.role, grant.bucket) == (role, bucket)]
        assert rights(role, bucket) == (rows[0] if rows else frozenset())
