"""Every right at a real object store: what the table gives works, and all else is refused by the store itself."""

import pytest
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from common.objects import BUCKETS, CONTENT, DIRECTORY, LOG, UPLOADS
from common.store_access import Right, Role, grants
from devstack.servers import Addresses

from .asking import asked_of, done_without_keys, target_of, wrong_answers
from .conftest import client
from .operations import OPERATIONS, Target, refused

HERE = [bucket for bucket in BUCKETS if bucket != LOG]
"""What is put into the log's bucket for these questions is no part of the log: they are asked in ``test_log``, last."""


@pytest.mark.parametrize("bucket", HERE)
@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says_and_nothing_else(addresses: Addresses, role: Role, bucket: str) -> None:
    assert wrong_answers(addresses, role, bucket) == []


def test_the_operations_would_see_a_right_too_many(administrator: Minio) -> None:
    """The administrator is refused nothing in such a bucket: no operation is refused for a reason of its own."""
    administrator.make_bucket("of-nobody", object_lock=True)
    target = Target(administrator, administrator, "of-nobody", has_lock=True)
    answers = (
        *(code for each in OPERATIONS for code in each.besides),
        "BucketNotEmpty",
        "NoSuchLifecycleConfiguration",
    )
    for operation in OPERATIONS:
        assert not refused(operation.ask, target, (*answers, "NoSuchBucketPolicy")), operation.name


def test_every_pair_was_asked() -> None:
    assert sum(len(asked_of(bucket)) for bucket in BUCKETS) * len(Role) > 1_500
    assert {right for operation in OPERATIONS for right in operation.takes} == set(Right)


@pytest.mark.parametrize("role", Role)
def test_every_role_can_ask_whether_the_store_knows_it(addresses: Addresses, role: Role) -> None:
    """It is told the names of those buckets alone that it may list."""
    listed = {bucket.name for bucket in client(addresses, role).list_buckets()}
    assert listed <= {grant.bucket for grant in grants(role)}


def test_wrong_keys_are_no_role(addresses: Addresses) -> None:
    keys = addresses.s3_keys[Role.INTAKE]
    for access, secret, code in (
        (keys["access"], "wrong", "SignatureDoesNotMatch"),
        ("wrong", keys["secret"], "InvalidAccessKeyId"),
    ):
        with pytest.raises(S3Error) as caught:
            Minio(addresses.s3_endpoint, access, secret, secure=False, region="us-east-1").list_buckets()
        assert caught.value.code == code


@pytest.mark.parametrize("bucket", HERE)
def test_without_keys_nothing_can_be_done(addresses: Addresses, bucket: str) -> None:
    assert done_without_keys(addresses, bucket) == []


def test_a_header_does_not_open_an_object(addresses: Addresses) -> None:
    """Whoever may write can send an access list with the object; the store gives it no effect."""
    target = target_of(addresses, Role.VALIDATOR, CONTENT)
    key = target.key()
    target.raw("PUT", key, body=b"x", headers={"x-amz-acl": "public-read-write"})
    assert urllib3.request("GET", f"http://{addresses.s3_endpoint}/{CONTENT}/{key}").status == 403


def test_the_interface_for_users_and_keys_is_shut(addresses: Addresses) -> None:
    """No role can make itself another key."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for role in Role:
        with pytest.raises(MinioException):
            client(addresses, role)._execute(
                "POST", "", body=b"Action=CreateAccessKey&Version=2010-05-08", headers=form
            )


def test_a_unit_gets_the_one_object_that_an_address_names(addresses: Addresses) -> None:
    """An address is good for its method and its key."""
    target = target_of(addresses, Role.ROUTER, CONTENT)
    (key, _), (other, _) = target.seed(), target.seed()
    address = target.client.presigned_get_object(CONTENT, key)
    assert urllib3.request("GET", address).status == 200
    for method, changed in (("PUT", address), ("DELETE", address), ("GET", address.replace(key, other))):
        assert urllib3.request(method, changed).status == 403
    assert urllib3.request("GET", address.replace(CONTENT, DIRECTORY)).status == 403


def test_a_unit_puts_the_one_object_that_an_address_names(addresses: Addresses) -> None:
    """Neither another key nor a header that the operator did not sign, such as one that copies what others sent."""
    target = target_of(addresses, Role.OPERATOR, UPLOADS)
    (other, _), key = target.seed(), target.key()
    address = target.client.presigned_put_object(UPLOADS, key)
    unsigned = (
        {"x-amz-copy-source": f"/{UPLOADS}/{other}"},
        {"x-amz-acl": "public-read"},
        {"x-amz-tagging": "a=b"},
        {"x-amz-object-lock-legal-hold": "ON"},
    )
    for headers in unsigned:
        assert urllib3.request("PUT", address, headers=headers).status == 403, headers
    for method, changed in (("GET", address), ("DELETE", address), ("PUT", address.replace(key, other))):
        assert urllib3.request(method, changed).status == 403, method
    assert urllib3.request("PUT", address, body=b"package").status == 200
