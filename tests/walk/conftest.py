"""A service as it runs needs the virtual host of the chassis' tests and the stores of its own."""

from ..common.conftest import vhost  # noqa: F401 - a fixture
from ..router.conftest import database_name, server_settings, world  # noqa: F401 - fixtures
