"""Wiring of the router."""

from common.database import Database
from common.directory import DirectoryReader
from common.objects import Objects
from common.service import Service
from router.gauges import Gauges
from router.handlers import Router
from router.settings import RouterSettings
from router.store import MongoStore


def build() -> Service:
    """The service, ready to run."""
    settings = RouterSettings()
    service = Service("router", settings)
    database, objects = Database(settings, service.name), Objects(settings)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    service.needs("mongodb", database.ping)
    service.needs("object_store", objects.ping)
    service.needs("directory", directory.check)
    service.background(directory.start, directory.stop)
    store = MongoStore(database)
    service.refreshes("deliveries pending", Gauges(store, directory).refresh)
    service.on_facts(Router(service, settings, objects, store, directory).take)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
