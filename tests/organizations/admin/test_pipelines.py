"""The admin pages of pipelines and their stages."""

from typing import Any

import pytest

from organizations.models import Pipeline, Stage, User
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db


def stage_data(*rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    """Return the data of a pipeline's form with these stages, of which ``stored`` exist."""
    body = {"stages-TOTAL_FORMS": len(rows), "stages-INITIAL_FORMS": stored}
    for index, row in enumerate(rows):
        row = {"color": "#123456", "is_active": "on", **row}
        body |= {f"stages-{index}-{name}": value for name, value in row.items()}
    return {"name": "Sales", **body}


def test_stages_are_sorted_by_position(admin: User) -> None:
    second, first = {"name": "B", "new_position": 2}, {"name": "A", "new_position": 1}
    body = stage_data(second, {"name": "C"}, first)
    response = log_in(admin).post(f"{list_url(Pipeline)}add/", body)
    assert response.status_code == 302, response.context["inline_admin_formsets"][0].formset.errors
    stages = Stage.objects.order_by("position").values_list("name", "position", "slug")
    assert list(stages) == [("A", 0, "a"), ("B", 1, "b"), ("C", 2, "c")]


def test_new_pipeline_is_offered_usual_stages_and_an_emptied_row_is_none(admin: User) -> None:
    client, url = log_in(admin), f"{list_url(Pipeline)}add/"
    forms = client.get(url).context["inline_admin_formsets"][0].formset.forms
    rows = [{name: form[name].value() for name in form.fields if name != "id"} for form in forms]
    assert [row["name"] for row in rows] == ["New", "Qualified", "Won", "Lost"]
    rows = [{name: row[name] for name in ("name", "color", "new_position")} for row in rows]
    assert client.post(url, stage_data(*rows[:3], {**rows[3], "name": ""})).status_code == 302
    stages = Stage.objects.order_by("position").values_list("name", flat=True)
    assert list(stages) == ["New", "Qualified", "Won"]


def test_list_of_pipelines_shows_their_first_stages(admin: User) -> None:
    for pipeline in factories.PipelineFactory.create_batch(2, organization=admin.organization):
        Stage.objects.bulk_create(
            Stage(pipeline=pipeline, name=f"S{n}", slug=f"s{n}", position=n) for n in range(100)
        )
    Stage.objects.filter(pipeline=pipeline, position__gte=8).delete()
    page = log_in(admin).get(list_url(Pipeline)).content.decode()
    eight = "S0 → S1 → S2 → S3 → S4 → S5 → S6 → S7"
    assert f"{eight} → …<" in page
    assert f"{eight}<" in page


def test_positions_of_stages_can_be_changed(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    first, second = (
        factories.StageFactory.create(pipeline=pipeline, position=place) for place in range(2)
    )
    rows = [
        {
            "id": row.pk,
            "pipeline": pipeline.pk,
            "name": row.name,
            "slug": row.slug,
            "new_position": position,
        }
        for row, position in ((first, 2), (second, 1))
    ]
    url = f"{list_url(Pipeline)}{pipeline.pk}/change/"
    response = log_in(admin).post(url, stage_data(*rows, stored=2))
    assert response.status_code == 302
    assert [row.pk for row in pipeline.stages.all()] == [second.pk, first.pk]


def test_it_rejects_two_stages_with_one_name(admin: User) -> None:
    body = stage_data({"name": "New"}, {"name": "NEW"})
    response = log_in(admin).post(f"{list_url(Pipeline)}add/", body)
    errors = response.context["inline_admin_formsets"][0].formset.errors
    assert errors[1] == {"name": ["Another stage of this pipeline has this name."]}
    assert not Stage.objects.exists()


def test_stage_of_another_organization_cannot_be_moved_into_a_pipeline(
    admin: User, other_admin: User
) -> None:
    other = factories.StageFactory.create(
        pipeline=factories.PipelineFactory.create(organization=other_admin.organization),
        name="Foreign",
    )
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    row = {"id": other.pk, "pipeline": pipeline.pk, "name": "Changed", "slug": "x"}
    url = f"{list_url(Pipeline)}{pipeline.pk}/change/"
    log_in(admin).post(url, stage_data(row, stored=1))
    other.refresh_from_db()
    assert (other.name, other.pipeline_id) != ("Changed", pipeline.pk)
    assert other.name == "Foreign"


def test_stages_of_a_selected_pipeline_are_returned_to_forms(rep: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=rep.organization)
    first, second = (
        factories.StageFactory.create(pipeline=pipeline, position=place, is_active=not place)
        for place in range(2)
    )
    foreign = factories.StageFactory.create().pipeline_id
    client = log_in(rep)

    def get(pipeline_id: str, **query: str) -> Any:
        url = f"{list_url(Pipeline)}stages/"
        return client.get(url, {"pipeline": pipeline_id, **query}).json()["stages"]

    assert get(pipeline.pk) == [[first.pk, first.name], [second.pk, second.name]]
    assert get(pipeline.pk, active="1") == [[first.pk, first.name]]
    assert get(foreign) == get("x") == get("") == []
