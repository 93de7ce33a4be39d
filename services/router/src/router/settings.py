"""What the router alone needs to know."""

from common.domain.names import UnitCode
from common.settings import ServiceSettings

MIB = 1024 * 1024


class RouterSettings(ServiceSettings):
    """``TRUNK_*`` settings of the router."""

    trunk_unit_code: UnitCode = "000.00.00.W29"
    """The code under which the trunk itself answers: the city axis hub, no unit of the directory."""
    trunk_unit_name: str = "Trục liên thông văn bản Thành phố Hồ Chí Minh"
    inline_limit_bytes: int = 8 * MIB
    """Largest package that travels inside an inbox message; a larger one is fetched by its address."""
    reference_days: int = 7
    """How long the address of a larger package holds; seven days is the most an object store signs. A day before it
    expires the router issues another one, if the unit has not reported on the document."""
    reference_sweep_seconds: float = 60.0
    """How often addresses are looked for that expire within a day and that nobody has used."""
    actions_at_once: int = 20
    """Actions of one decision that are carried out at the same time."""
    inbox_watch_seconds: float = 60.0
    """How often inboxes are asked whether they are empty."""
    sweep_seconds: float = 2.0
    """How often messages are looked for whose next attempt at an inbox is due."""
