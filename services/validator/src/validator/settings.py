"""Settings of the validator besides those that every service has."""

from pathlib import Path

from common.settings import ServiceSettings


class ValidatorSettings(ServiceSettings):
    """Trust material and the worker pool."""

    trust_dir: Path = Path("trust")
    """Folder with ``roots/``, ``intermediates/``, ``tsa/`` and ``crls/``; read again when a file changes."""
    trust_refresh_seconds: float = 10.0
    crl_refresh_seconds: float = 900.0
    """Between two rounds over the addresses in ``trust.json`` and the drop folder; 0 = lists come by other means."""
    crl_drop_dir: Path | None = None
    """Folder into which lists are dropped as files where the network is closed."""
    workers: int = 2
    """Processes that verify; one a core."""
    document_cpu_seconds: int = 10
    """CPU time one document may take; then its worker is ended and the document refused."""
    document_wall_seconds: float = 60.0
    """Time after which an overloaded machine puts a document back for a later try."""
    package_cpu_seconds: float = 120.0
    """CPU time that all files of one package may take together; then the package is refused."""
    package_wall_seconds: float = 480.0
    """Time after which an overloaded machine puts a package back for a later try; less than ``handler_seconds``."""
    worker_memory_mib: int = 1024
    documents_per_worker: int = 500
    """After so many documents a worker is replaced by a fresh one."""
