"""A small model of a table, for tests of what such models share."""

import math

from zoo.tables import statistics
from zoo.tables.entry import TableEntry

NAME = "tiny_table_net"


class TinyTable(TableEntry):
    """Whether somebody is old, a price and a kind."""

    data = {"tiny_table": "tests.zoo.tiny_table:Builder"}
    kinds = {
        "old": "presence",
        "price": "regression",
        "kind": "classification",
    }
    classes = {"tiny_table": {"kind": ("other", "nurse")}}
    num_quantiles = 4

    def assets(self, data):
        table = {
            "age": [0.0, 20.0, 40.0, 60.0, 80.0],
            "size": [-1.0, 0.0, math.nan, 1.0, 2.0],
            "job": ["baker", "nurse", "", "baker", "nurse"],
        }
        options = self.fitting_options()
        return {"columns": statistics.measure(table, **options)}


def card():
    return {
        "tasks": {n: {"kind": k} for n, k in TinyTable.kinds.items()},
        "data": {name: {} for name in TinyTable.data},
    }
