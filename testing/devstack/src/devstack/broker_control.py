"""RabbitMQ's own command line against the broker of a checkout: alarms, blocked listeners, anything tests need."""

from pathlib import Path

from devstack import choices, commands, debian_tree, processes, rabbitmq, rabbitmq_settings
from devstack.errors import DevstackError
from devstack.progress import Silent

CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


def run(state_dir: Path, arguments: list[str]) -> str:
    """What ``rabbitmqctl`` prints. Raises ``DevstackError`` when it fails, or when the broker is not ours."""
    state_dir = state_dir.resolve()
    settled = choices.load(state_dir)
    if settled is None or not processes.running(state_dir, rabbitmq.SERVER):
        raise DevstackError("the broker was not started in this checkout")
    data = state_dir / rabbitmq.SERVER
    if rabbitmq.runs_in_tree(data):
        environment = rabbitmq_settings.environment(settled, "/srv", "control") | {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"
        }
        tree = debian_tree.both(Silent())
        return tree.run(data, "rabbitmq", [CONTROL, "-n", settled.node_name, *arguments], environment)
    environment = rabbitmq_settings.environment(settled, str(data), "control")
    return commands.run([CONTROL, "-n", settled.node_name, *arguments], environment)
