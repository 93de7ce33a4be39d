"""What goes to a worker process and what one may use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from validator.context import VerificationRequest
from validator.policy import MIB, Policy
from validator.secrecy.search import SearchRequest

Hook = Callable[[bytes], None]
"""Runs in the worker before each document; for tests that need a worker to misbehave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one worker may use; the service takes them from its settings."""

    cpu_seconds: int = 5
    """Of CPU time, for one document."""
    wall_seconds: float = 30.0
    memory_bytes: int = 1024 * MIB
    """Of address space (RLIMIT_AS)."""
    kept_bytes: int = 128 * MIB
    """Of address space. A worker that holds so much more than when it was fresh is replaced: what one document leaves
    behind, in caches for example, must not take the room of the next, which would be refused for a lack of memory."""
    documents: int = 500
    """After so many a worker is replaced, so that leaks stay small."""
    tries: int = 2
    """Workers that one document may end before it is refused."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file, and what is asked about it."""

    document: bytes
    request: VerificationRequest | SearchRequest
    now: datetime
    policy: Policy
