"""Puts back files that a secret package took along.

Files are stored once for all packages that carry them, so purging one package may delete a file of another.
"""

import io

from common.containment import in_thread
from common.edxml import Limits, parse
from common.objects import Objects

WIDE = Limits(max_package_bytes=1 << 40)
"""No limit of size: intake has accepted the package under its own limits."""


async def restore(package: bytes, objects: Objects) -> None:
    """Put the files of a package into the content store again."""
    parsed = await in_thread(parse, io.BytesIO(package), limits=WIDE)
    for file in parsed.files:
        with file:
            await objects.put_content(file)
