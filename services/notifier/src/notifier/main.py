"""Wiring of the notifier."""

from common.database import Database
from common.directory import DirectoryReader
from common.objects import Objects
from common.service.service import Service
from notifier.channels import senders
from notifier.compose import NOTIFIED
from notifier.handlers import Notifier
from notifier.settings import NotifierSettings
from notifier.store import Notifications


def build() -> Service:
    """The service, ready to run."""
    settings = NotifierSettings()
    database, objects = Database(settings, "notifier"), Objects(settings)
    service = Service("notifier", settings, database, objects)
    reader = DirectoryReader(objects, settings.directory_refresh_seconds)
    service.uses(reader)
    notifications = Notifications(database, settings.lease_seconds)
    notifier = Notifier(notifications, lambda: reader.current, senders(settings), service)
    service.on_facts(dict.fromkeys(NOTIFIED, notifier.notify))
    return service


def main() -> None:
    """Console entry point."""
    build().run()
