"""A ``kubectl`` that knows a cluster out of a file, and writes down what it was asked."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .manifests import Object

PROGRAM = """#!{python} -IS
import json, sys, pathlib
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(arguments) + "\\n")
cluster = json.loads((here / "cluster.json").read_text())
if arguments == ["config", "current-context"]:
    print("lab")
    sys.exit()
assert arguments[0] == "get", arguments
flags = dict(each[2:].partition("=")[::2] for each in arguments if each.startswith("--"))
if flags.get("raw") == "/version":
    print(json.dumps({{"gitVersion": "v1.35.1"}}))
    sys.exit()
kinds, *names = [each for each in arguments[1:] if not each.startswith("--")]
if kinds in cluster["forbidden"]:
    sys.exit(f'Error from server (Forbidden): {{kinds}} is forbidden: User "clerk" cannot list resource')
found = [each for kind in kinds.split(",") for each in cluster["objects"].get(kind.partition(".")[0], [])]
namespace, labels = flags.get("namespace"), flags.get("selector")
if namespace:
    found = [each for each in found if each["metadata"].get("namespace") == namespace]
if names:
    found = [each for each in found if each["metadata"]["name"] in names]
if labels:
    key, _, value = labels.partition("=")
    found = [each for each in found if each["metadata"].get("labels", {{}}).get(key) == value]
if flags.get("field-selector"):
    found = [each for each in found if "type=" + each.get("type", "") == flags["field-selector"]]
if names and not found:
    sys.exit()
print(json.dumps(found[0] if len(names) == 1 else {{"kind": "List", "items": found}}))
"""


class FakeKubectl:
    """The program in a folder of its own, to be put first on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "kubectl"
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)

    def know(self, objects: Mapping[str, Sequence[Object]], forbidden: Sequence[str] = ()) -> None:
        """The cluster: objects by resource name, and what the person may not list."""
        whole = {"objects": objects, "forbidden": list(forbidden)}
        (self.folder / "cluster.json").write_text(json.dumps(whole))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call."""
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]
