"""How a dialect runs SQLAlchemy's suite: its plugin of pytest does everything."""
import pytest

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402,F401,F403
