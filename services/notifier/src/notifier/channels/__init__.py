"""The channels. Each sends one notification, and maps the other side's reply to an ``Answer``."""

from notifier.answer import Sender
from notifier.channels.email import Email
from notifier.channels.webhook import Webhook
from notifier.compose import Channel
from notifier.settings import NotifierSettings


def senders(settings: NotifierSettings) -> dict[Channel, Sender]:
    """The channels that are set up: webhooks always, e-mail if the settings name a mail server."""
    chosen: dict[Channel, Sender] = {Channel.WEBHOOK: Webhook(settings)}
    if settings.smtp_host:
        chosen[Channel.EMAIL] = Email(settings)
    return chosen
