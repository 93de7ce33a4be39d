"""Errors of libraries and of the system that end a command, as sentences for the person who typed it."""

import httpx
from pymongo.errors import PyMongoError

from common.failure import TrunkFailure
from trunkctl.broker_admin import Refused
from trunkctl.operator_files import about

HINT = "`trunkctl up` starts a trunk on this machine; TRUNK_* variables name another one."


def sentence(error: Exception) -> str | None:
    """What went wrong, and where known what to do. None = an error that no command expects."""
    match error:
        case Refused():
            return f"The broker refused: {error}"
        case TrunkFailure() | httpx.HTTPError() | PyMongoError():
            return f"A server did not answer as it should: {str(error) or type(error).__name__}. {HINT}"
        case OSError():
            return about(error.filename, error, "used") if error.filename else f"The system refused: {error}."
        case RecursionError():
            return "A file is nested too deeply to be read."
    return None
