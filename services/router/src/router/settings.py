"""Settings of the router alone."""

from common.domain.names import UnitCode
from common.settings import ServiceSettings

MIB = 1024 * 1024


class RouterSettings(ServiceSettings):
    """``TRUNK_*`` settings of the router."""

    trunk_unit_code: UnitCode = "000.00.00.W29"
    """The code under which the trunk itself answers: the city's hub, which is no unit of the directory."""
    trunk_unit_name: str = "Trục liên thông văn bản Thành phố Hồ Chí Minh"
    inline_limit_bytes: int = 8 * MIB
    """Largest package inside an inbox message; a larger one is fetched by its address."""
    reference_days: int = 7
    """How long the address of a larger package is valid; seven days is the most an object store signs. A day before it
    expires the router issues another one, if the unit has not reported on the document."""
    reference_sweep_seconds: float = 60.0
    """Pause between two searches for addresses that expire within a day and that nobody has used."""
    actions_at_once: int = 20
    """How many actions of one decision are carried out at the same time."""
    inbox_watch_seconds: float = 60.0
    """Pause between two checks which inboxes are empty."""
    sweep_seconds: float = 2.0
    """Pause between two searches for placings whose next attempt is due."""
