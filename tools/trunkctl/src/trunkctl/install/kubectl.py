"""Queries a cluster with ``kubectl get`` only, and each object only once."""

import json
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from trunkctl.command_error import CommandError
from trunkctl.install.manifests import Object

REQUEST_SECONDS = 10
"""Of one request to the API server."""
PROCESS_SECONDS = 60.0
"""Of one ``kubectl``, whatever it waits for: a login's helper program among them."""
NO_SUCH_KIND = ("the server doesn't have a resource type", "could not find the requested resource")
FORBIDDEN = "Forbidden"
MOST_WORDS = 300


class NotAnswered(Exception):
    """The cluster did not answer; the text is kubectl's."""


class NotAllowed(NotAnswered):
    """The user lacks the right to see the object."""


Run = Callable[[list[str]], str]


class Kubectl:
    """``run`` gets the arguments, returns what stands on standard output and raises ``NotAnswered``."""

    def __init__(self, run: Run, context: str = "") -> None:
        self._run = run
        self._chosen = [f"--context={context}"] if context else []
        self._context = context
        self._answers: dict[tuple[str, ...], str | NotAnswered] = {}

    @property
    def context(self) -> str:
        """The name of the context that is asked."""
        return self._context or self._run(["config", "current-context"]).strip()

    def version(self) -> str:
        """The API server's, as it writes it: ``v1.35.2``."""
        return str(json.loads(self._ask("--raw=/version"))["gitVersion"])

    def items(self, kinds: str, *names: str, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        """Objects of these kinds (separated by commas), of one namespace or of all; [] for a kind that is unknown.

        With names, those of them that exist: nothing else is read.
        """
        where = f"--namespace={namespace}" if namespace else "--all-namespaces"
        arguments = [kinds, *names, where, "--output=json"]
        arguments += ["--ignore-not-found"] if names else []
        arguments += [f"--selector={labels}"] if labels else []
        arguments += [f"--field-selector={fields}"] if fields else []
        try:
            text = self._ask(*arguments)
        except NotAnswered as error:
            if any(words in str(error) for words in NO_SUCH_KIND):
                return []
            raise
        whole: Any = json.loads(text) if text.strip() else {"items": []}
        return list(whole["items"]) if "items" in whole else [whole]

    def _ask(self, *arguments: str) -> str:
        if arguments not in self._answers:
            arguments_of_get = ["get", *arguments, *self._chosen, f"--request-timeout={REQUEST_SECONDS}s"]
            try:
                self._answers[arguments] = self._run(arguments_of_get)
            except NotAnswered as error:
                self._answers[arguments] = error
        answer = self._answers[arguments]
        if isinstance(answer, NotAnswered):
            raise answer
        return answer


def run_kubectl(arguments: list[str]) -> str:
    """Standard output of the ``kubectl`` on the path. Raises ``NotAnswered``, and ``CommandError`` if there is none."""
    program = shutil.which("kubectl")
    if program is None:
        raise CommandError("There is no kubectl on the path.")
    try:
        done = subprocess.run(  # noqa: S603 -- a list of arguments, no shell
            [program, *arguments], capture_output=True, text=True, timeout=PROCESS_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAnswered(f"kubectl {arguments[0]} took longer than {PROCESS_SECONDS:.0f} s") from error
    if done.returncode:
        message = " ".join(done.stderr.split())[-MOST_WORDS:] or f"kubectl ended with {done.returncode}"
        raise NotAllowed(message) if FORBIDDEN in done.stderr else NotAnswered(message)
    return done.stdout
