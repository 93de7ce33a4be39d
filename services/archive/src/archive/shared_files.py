"""Files that were removed with a secret package although another package carries them, too.

The content store has each file once for all packages. When intake removes the files of a secret package, another
package may lack one, but still has it inside.
"""

import hashlib
import io

from common.containment import in_thread
from common.edxml import Limits, Unreadable, parse
from common.facts import ObjectRef
from common.objects import ObjectMissing, Objects

WIDE = Limits(max_package_bytes=1 << 40)
"""Practically no limit of size: intake has accepted the package under its own limits."""


async def file_inside(package: ObjectRef, wanted: ObjectRef, objects: Objects) -> bytes:
    """The bytes of a file out of the package that carries it. ``wanted``: names the file by its digest.

    Raises ``ObjectMissing`` if the package does not have the file, and ``Outage``.
    """
    async with objects.memory.hold(2 * package.size_bytes):
        try:
            parsed = await in_thread(parse, io.BytesIO(await objects.get(package)), io.BytesIO, limits=WIDE)
        except Unreadable as error:
            raise ObjectMissing(f"{wanted.bucket}/{wanted.key}, and its package is {error.reason}") from error
        for file in parsed.files:
            file.seek(0)
            if hashlib.sha256(data := file.read()).hexdigest() == wanted.sha256:
                return data
    raise ObjectMissing(f"{wanted.bucket}/{wanted.key}, also in its package")
