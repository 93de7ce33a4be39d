"""Wiring of the notifier."""

from common.database import Database
from common.directory import DirectoryReader
from common.objects import Objects
from common.service import Service
from notifier.channels import senders
from notifier.handlers import Notifier
from notifier.settings import NotifierSettings
from notifier.store import Notifications


def build() -> Service:
    """The service, ready to run."""
    settings = NotifierSettings()
    service = Service("notifier", settings)
    database, objects = Database(settings, service.name), Objects(settings)
    reader = DirectoryReader(objects, settings.directory_refresh_seconds)
    service.background(reader.start, reader.stop)
    for dependency, check in (("mongodb", database.ping), ("object_store", objects.ping), ("directory", reader.check)):
        service.needs(dependency, check)
    notifications = Notifications(database, settings.lease_seconds)
    notifier = Notifier(notifications, lambda: reader.current, senders(settings), service)
    service.on_facts(notifier.tell)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
