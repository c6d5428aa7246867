"""What PostgreSQL can do: everything that the suite asks for but what is named here."""
import inspect

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

NOT_THERE = """autocommit computed_columns_virtual datetime_literals dbapi_lastrowid denormalized_names fetch_percent
    implements_get_lastrowid implicit_default_schema order_by_collation temp_table_names two_phase_transactions""".split()


class Requirements(SuiteRequirements):
    def get_isolation_levels(self, config):
        del config
        return {"default": "READ COMMITTED",
                "supported": ["SERIALIZABLE", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "AUTOCOMMIT"]}


def is_there(name):
    about_python = name.startswith(("no_", "py", "skip_")) or name in ("cpython", "is64bit", "patch_library")
    return not about_python and name not in NOT_THERE


for feature, value in inspect.getmembers(SuiteRequirements):
    if isinstance(value, property):
        there = exclusions.open if is_there(feature) else exclusions.closed
        if not feature.startswith(("no_", "py", "skip_")):
            setattr(Requirements, feature, property(lambda self, rule=there: rule()))
