"""Wiring of the notifier."""

from datetime import timedelta
from functools import partial

from common.database import Database
from common.directory import DirectoryReader
from common.facts import OperatorRequested
from common.metrics import begin_counting_notifications
from common.objects import Objects
from common.service.service import Service
from notifier.announcements import Announcements
from notifier.channels import senders
from notifier.circuits import Circuits
from notifier.compose import NOTIFIED, Channel
from notifier.directories import SparingDirectories
from notifier.dispatch import Dispatch, Limits
from notifier.gauges import Gauges
from notifier.handlers import Notifier, Resending
from notifier.retention import SWEEP_SECONDS, Retention
from notifier.settings import NotifierSettings
from notifier.store import Notifications

ANNOUNCE_SECONDS = 0.5
"""Pause between two searches for notifications that were sent and not announced yet."""


def build() -> Service:
    """The service, ready to run."""
    settings = NotifierSettings()
    database, objects = Database(settings, "notifier"), Objects(settings)
    service = Service("notifier", settings, database, objects)
    reader = DirectoryReader(objects, settings.directory_refresh_seconds)
    service.uses(reader)
    directories = SparingDirectories(reader)
    notifications = Notifications(database, settings.lease_seconds)
    channels = senders(settings)
    dispatches = {}
    for lane in service.lanes:
        circuits = Circuits(database, timedelta(seconds=settings.lease_seconds))
        dispatch = Dispatch(lane, notifications, circuits, directories, channels, limits(settings))
        dispatches[lane] = dispatch
        service.does(f"dispatch {lane}", dispatch.round, lambda: 0.0)
        service.does(
            f"announcements {lane}", Announcements(lane, notifications, service).make, lambda: ANNOUNCE_SECONDS
        )
        service.at_end(partial(dispatch.stop, settings.smtp_timeout_seconds))
    notifier = Notifier(notifications, directories, channels.keys(), dispatches)
    retention = Retention(notifications, Circuits(database, timedelta()), settings.notification_keep_days)
    service.does("expired notifications", retention.sweep, lambda: SWEEP_SECONDS)
    gauges = Gauges(notifications, Circuits(database, timedelta()), lambda: reader.current)
    service.counts("notifications waiting", gauges.refresh)
    begin_counting_notifications(Channel)
    service.on_facts(
        {**dict.fromkeys(NOTIFIED, notifier.notify), OperatorRequested: Resending(notifications, service).act}
    )
    return service


def limits(settings: NotifierSettings) -> Limits:
    """The limits of one lane in this process."""
    return Limits(
        at_once={Channel.WEBHOOK: settings.webhooks_at_once, Channel.EMAIL: settings.mails_at_once},
        per_destination=settings.destination_at_once,
        patience=timedelta(hours=settings.notification_patience_hours),
        pause_seconds=settings.dispatch_seconds,
    )


def main() -> None:
    """Console entry point."""
    build().run()
