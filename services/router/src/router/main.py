"""Wiring of the router."""

from common.database import Database
from common.directory import DirectoryReader
from common.domain.names import Lane
from common.facts import OperatorRequested
from common.metrics import begin_counting_answer_times
from common.objects import Objects
from common.service.requests import FORGET_SECONDS, MongoRequestAnswers, Requests
from common.service.service import Service
from common.topology import INBOX_PREFIX, place_queue
from router.gauges import Gauges
from router.handlers import Router
from router.inboxes import InboxWatch
from router.settings import RouterSettings
from router.store import mongo_store


def build() -> Service:
    """The service, ready to run."""
    settings = RouterSettings()
    database, objects = Database(settings, "router"), Objects(settings)
    service = Service("router", settings, database, objects)
    directory = DirectoryReader(objects, settings.directory_refresh_seconds)
    store = mongo_store(database)
    begin_counting_answer_times(service.lanes)
    router = Router(service, settings, objects, store, directory)
    service.uses(directory)
    service.counts("deliveries pending", Gauges(store, directory).refresh)
    watch = InboxWatch(store, service, directory)
    requests = Requests("router", "rebuild", watch.rebuild, MongoRequestAnswers(database), service)
    service.does("old requests", requests.forget, lambda: FORGET_SECONDS)

    async def act(request: OperatorRequested) -> None:
        await router.references.act(request)
        await requests.act(request)

    service.on_facts({**router.handlers, OperatorRequested: act})
    for lane in service.lanes:
        service.on_queue(place_queue(lane), router.placer.take)
    service.handles(INBOX_PREFIX, router.returns.place_again)
    if Lane.NORMAL in service.lanes:
        service.does("sweep of placings", router.placer.sweep, lambda: settings.sweep_seconds)
        service.does("sweep of references", router.references.sweep, lambda: settings.reference_sweep_seconds)
        service.does("watch of inboxes", watch.watch, lambda: settings.inbox_watch_seconds)
    return service


def main() -> None:
    """Console entry point."""
    build().run()
