"""The chassis of a service: two broker connections, guarded publishing, failures, health, metrics, shutdown."""

from common.service.announcer import Announcer
from common.service.service import Service

__all__ = ["Announcer", "Service"]
