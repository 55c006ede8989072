from __future__ import annotations

import pytest
from pydantic import ValidationError

from hooks.canonical import Canonical, Customer, Job

MODELS = Canonical.__subclasses__()


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_optional_and_described(model: type[Canonical]) -> None:
    assert model().dump() == {name: [] for name, field in model.model_fields.items() if field.default_factory}
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize("model", MODELS)
def test_nothing_else_is_allowed(model: type[Canonical]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"unheard_of": 1})


def test_a_dump_leaves_nulls_out_and_keeps_lists() -> None:
    job = Job(id="job_1", customer=Customer(first_name="Maya"))
    expected = {"id": "job_1", "customer": {"first_name": "Maya", "emails": [], "addresses": [], "tags": []}}
    assert expected == {name: value for name, value in job.dump().items() if value != []}
