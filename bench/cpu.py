"""CPU time of the services and servers, read from the operating system."""

import psutil

from trunkctl.trunk_file import TrunkFile


def service_cpu_seconds(trunk: TrunkFile) -> dict[str, float]:
    """User and system seconds of each service with its workers, so far."""
    return {name: _tree(service.pid) for name, service in trunk.services.items()}


def process_cpu_seconds(pid: int) -> float:
    """The same for one process and its children."""
    return _tree(pid)


def _tree(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(_own(one) for one in (process, *process.children(recursive=True)))


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
