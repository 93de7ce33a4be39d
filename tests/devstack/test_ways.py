"""The ways to a server: an address in the environment comes first; what cannot be had is one sentence."""

import pytest

from common.store_access import Role
from devstack import addresses, choices, ferretdb, mongo, rabbitmq, rabbitmq_settings, seaweedfs
from devstack.addresses import Addresses
from devstack.errors import NoWay


def test_nothing_in_the_environment_means_ours():
    assert [way.from_environment({}) for way in (rabbitmq, mongo, seaweedfs)] == [None, None, None]


def test_broker_in_the_environment():
    settings = rabbitmq.from_environment(
        {
            "TRUNK_DEV_AMQP_URL": "amqp://ad%2Fmin:p%40ss@broker:5673/trunk",
            "TRUNK_DEV_RABBITMQ_MANAGEMENT_URL": "http://broker:15673/",
        }
    )
    assert settings == {
        "amqp_host": "broker",
        "amqp_port": 5673,
        "amqps_port": 0,
        "rabbitmq_management_url": "http://broker:15673",
        "rabbitmq_prometheus_url": "http://broker:15692/metrics",
        "rabbitmq_admin_user": "ad/min",
        "rabbitmq_admin_password": "p@ss",
    }


def test_management_may_have_a_user_of_its_own():
    settings = rabbitmq.from_environment(
        {
            "TRUNK_DEV_AMQP_URL": "amqp://a:b@broker",
            "TRUNK_DEV_RABBITMQ_MANAGEMENT_URL": "https://c:d@broker:443",
        }
    )
    assert (settings["rabbitmq_admin_user"], settings["rabbitmq_admin_password"]) == ("c", "d")
    assert settings["rabbitmq_management_url"] == "https://broker:443"


def test_store_in_the_environment_needs_its_keys():
    environment = {"TRUNK_DEV_S3_ENDPOINT": "http://store:9000/"}
    with pytest.raises(NoWay, match="TRUNK_DEV_S3_SECRET_KEY"):
        seaweedfs.from_environment(environment)
    environment |= {"TRUNK_DEV_S3_ACCESS_KEY": "k", "TRUNK_DEV_S3_SECRET_KEY": "s"}
    settings = seaweedfs.from_environment(environment)
    assert settings
    assert settings.pop("s3_keys") == {role: {"access": "k", "secret": "s"} for role in Role}
    assert settings == {"s3_endpoint": "store:9000", "s3_access_key": "k", "s3_secret_key": "s"}


@pytest.mark.parametrize(
    ("text", "enough"), [("4.3.0", True), ("4.10.1", True), ("4.2.9", False), ("3.13.7", False), ("?", False)]
)
def test_broker_version(text, enough):
    assert rabbitmq.recent_enough(text) is enough


@pytest.mark.parametrize(("text", "enough"), [("go1.26.8", True), ("go1.25", True), ("go1.19.8", False)])
def test_go_version(text, enough):
    assert ferretdb.recent_enough(text) is enough


def test_broker_listens_on_loopback_alone(tmp_path):
    settled = choices.settle(tmp_path)
    text = rabbitmq_settings.settings(settled, "/srv")
    for port in ("amqp", "amqps", "management", "prometheus"):
        assert str(settled.ports[port]) in text
    assert text.count("127.0.0.1") == 4
    assert "guest" not in text


def test_addresses_are_kept_private_and_read_back(tmp_path):
    stack = Addresses(
        "h", 1, "http://h:2", "http://h:3/metrics", "u", "p", "mongodb://h/", "h:4", "k", "s", {"s3": "x"}
    )
    addresses.save(tmp_path, stack)
    assert addresses.load(tmp_path) == stack
    assert stack.amqp_url == "amqp://u:p@h:1/trunk"
    assert addresses.path(tmp_path).stat().st_mode & 0o077 == 0
    addresses.forget(tmp_path)
    assert addresses.load(tmp_path) is None
