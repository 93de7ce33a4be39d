"""Wiring of the archive."""

import secrets

from archive.batches import Batches
from archive.carrying import Carrying
from archive.gauges import Gauges
from archive.handlers import Archive
from archive.lease import Lease
from archive.ledger import Ledger
from archive.log_store import LogStore
from archive.retention import read_table
from archive.sealer import LEASE, Sealer
from archive.settings import ArchiveSettings
from archive.store import Backups, Progress, Records
from archive.watch import BrokerWatch
from common.database import Database
from common.domain.names import Lane
from common.facts import FACT_TYPES
from common.metrics import begin_counting_archive_writes, begin_counting_security
from common.objects import Objects
from common.service.service import Service
from common.tlog.note import SignerKey, VerifierKey
from common.topology import BROKER_EVENTS


def build() -> Service:
    """The service, ready to run."""
    settings = ArchiveSettings()
    database, objects = Database(settings, "archive"), Objects(settings)
    service = Service("archive", settings, database, objects)
    table = read_table(settings.retention_table)
    progress = Progress(database)
    archive = Archive(Ledger(database), Records(database), progress, objects, service, table)
    service.refreshes("oldest unfinished", Gauges(progress, Backups(database), Batches(database)).refresh)
    begin_counting_archive_writes()
    service.on_facts(dict.fromkeys(FACT_TYPES, archive.take))
    if Lane.NORMAL in service.lanes:
        watch = BrokerWatch(service)
        begin_counting_security()
        service.on_queue(BROKER_EVENTS, watch.take)
        service.refreshes("counted security events", watch.announce_counts)
        service.does("sealer", _sealer(settings, database, objects).round, lambda: settings.seal_seconds)
        service.does("entries of earlier releases", Carrying(database).round, lambda: settings.seal_seconds)
    return service


def _sealer(settings: ArchiveSettings, database: Database, objects: Objects) -> Sealer:
    seed = settings.log_key.get_secret_value()
    return Sealer(
        Batches(database),
        Lease(database, secrets.token_hex(8), LEASE),
        LogStore(objects),
        SignerKey.of_seed(settings.log_origin, seed) if seed else None,
        former_keys=tuple(map(VerifierKey.parse, settings.log_former_keys)),
        adopted_size=settings.log_adopt_size,
    )


def main() -> None:
    """Console entry point."""
    build().run()
