"""Wiring of the router."""

from common.database import Database
from common.directory import DirectoryReader
from common.domain.names import Lane
from common.objects import Objects
from common.service.service import Service
from common.topology import INBOX_PREFIX, place_queue
from router.gauges import Gauges
from router.handlers import Router
from router.settings import RouterSettings
from router.store import mongo_store


def build() -> Service:
    """The service, ready to run."""
    settings = RouterSettings()
    database, objects = Database(settings, "router"), Objects(settings)
    service = Service("router", settings, database, objects)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    store = mongo_store(database)
    router = Router(service, settings, objects, store, directory)
    service.uses(directory)
    service.counts("deliveries pending", Gauges(store, directory).refresh)
    service.on_facts(router.handlers)
    for lane in service.lanes:
        service.on_queue(place_queue(lane), router.placer.take)
    service.handles(INBOX_PREFIX, router.returns.place_again)
    if Lane.NORMAL in service.lanes:
        service.does("sweep of placings", router.placer.sweep, lambda: settings.sweep_seconds)
        service.does("sweep of references", router.references.sweep, lambda: settings.reference_sweep_seconds)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
