import pytest

from tests.zoo import tiny_table_entry
from zoo import registry


@pytest.fixture
def tiny_table(monkeypatch):
    """The name of a small model of tables, in the zoo for one test."""
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(
        tiny_table_entry.NAME, tiny_table_entry, tiny_table_entry.card()
    )
    return tiny_table_entry.NAME
