"""Wiring of the archive."""

from archive.gauges import Gauges
from archive.handlers import Archive
from archive.retention import read_table
from archive.settings import ArchiveSettings
from archive.store import Ledger, Progress, Records
from common.database import Database
from common.objects import Objects
from common.service import Service


def build() -> Service:
    """The service, ready to run."""
    settings = ArchiveSettings()
    service = Service("archive", settings)
    database, objects = Database(settings, service.name), Objects(settings)
    service.needs("mongodb", database.ping)
    service.needs("object_store", objects.ping)
    table = read_table(settings.retention_table)
    progress = Progress(database)
    archive = Archive(Ledger(database), Records(database), progress, objects, service, table)
    service.refreshes("oldest unfinished", Gauges(progress).refresh)
    service.on_facts(archive.take)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
