"""The settings of the checkout's RabbitMQ: environment, rabbitmq.conf, plugins and certificates."""

from pathlib import Path

from devstack import certificates, processes
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.ports import LOOPBACK

VHOST = "trunk"
ADMIN = "admin"
TLS = "tls"
"""Folder of the certificate authority, below the checkout's state folder."""
PLUGINS = "[rabbitmq_management,rabbitmq_prometheus,rabbitmq_event_exchange,rabbitmq_auth_mechanism_ssl].\n"
# Loopback only; no spinning while idle, since the machine is shared with what is being tested; and a
# dead letter whose target was missing is tried again after 5 s instead of 3 minutes.
ERLANG_ARGUMENTS = (
    "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
    " -rabbit dead_letter_worker_publisher_confirm_timeout 5000"
)


def environment(choices: Choices, home: str, mark: str) -> dict[str, str]:
    """home: the data folder as the broker sees it."""
    return {
        "HOME": home,
        "LANG": "C.UTF-8",
        processes.MARK: mark,
        "RABBITMQ_NODENAME": choices.node_name,
        "RABBITMQ_DIST_PORT": str(choices.ports["erlang"]),
        "ERL_EPMD_PORT": str(choices.ports["epmd"]),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": f"{home}/data",
        "RABBITMQ_LOG_BASE": f"{home}/log",
        "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/generated",
        "RABBITMQ_PID_FILE": f"{home}/pid",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
    }


def settings(choices: Choices, home: str) -> str:
    """The text of rabbitmq.conf. The first start makes the administrator; a user guest never exists.

    home: the data folder as the broker sees it. A client certificate is asked for and checked if there is one; its
    common name is the user. Who shows none logs in with a password.
    """
    ports = choices.ports
    return f"""\
listeners.tcp.1 = {LOOPBACK}:{ports["amqp"]}
listeners.ssl.1 = {LOOPBACK}:{ports["amqps"]}
ssl_options.cacertfile = {home}/ca.crt
ssl_options.certfile = {home}/broker.crt
ssl_options.keyfile = {home}/broker.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
ssl_cert_login_from = common_name
management.tcp.ip = {LOOPBACK}
management.tcp.port = {ports["management"]}
prometheus.tcp.ip = {LOOPBACK}
prometheus.tcp.port = {ports["prometheus"]}
default_vhost = {VHOST}
default_user = {ADMIN}
default_pass = {choices.rabbitmq_password}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
vm_memory_high_watermark.relative = 0.6
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 33554432
log.console = true
log.console.level = info
log.file = false
log.exchange = true
log.exchange.level = warning
event_exchange.vhost = {VHOST}
{_cluster(choices)}"""


def _cluster(choices: Choices) -> str:
    if not choices.joins:
        return ""
    nodes = enumerate((choices.joins, choices.node_name), start=1)
    return "cluster_formation.peer_discovery_backend = classic_config\n" + "".join(
        f"cluster_formation.classic_config.nodes.{number} = {node}\n" for number, node in nodes
    )


def write_settings(checkout: Checkout, data: Path, home: str) -> None:
    """Write all files that the broker reads into ``data``, its certificate included. home: as for ``settings``."""
    certificates.write_secret(data / "rabbitmq.conf", settings(checkout.choices, home).encode())
    (data / "enabled_plugins").write_text(PLUGINS)
    authority = certificates.authority(checkout.state_dir / TLS)
    own = authority.server()
    (data / "ca.crt").write_bytes(authority.pem)
    (data / "broker.crt").write_bytes(own.certificate)
    certificates.write_secret(data / "broker.key", own.key)
