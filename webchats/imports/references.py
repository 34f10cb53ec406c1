"""What the rows of a file may point to: the organization's prompts, pipelines and stages, read
once and found by id or by name."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from organizations.models import Organization, Pipeline, Prompt, Stage
from organizations.tenancy.models import DOES_NOT_EXIST
from webchat_project.api.object_ids import validate_object_id


def _refuse(message: str, code: str) -> ValidationError:
    return ValidationError(message, code=code)


class References:
    """The rows, with their stages: asking them sends no query."""

    def __init__(self, organization: Organization) -> None:
        prompts = Prompt.objects.for_organization(organization.pk).defer("instructions")
        pipelines = Pipeline.objects.for_organization(organization.pk).prefetch_related("stages")
        self.by_id: dict[str, dict[str, Any]] = {
            "prompt": {row.pk: row for row in prompts},
            "pipeline": {row.pk: row for row in pipelines},
        }
        self._stages: dict[str, list[Stage]] = {row.pk: list(row.stages.all()) for row in pipelines}
        self.by_id["stage"] = {s.pk: s for stages in self._stages.values() for s in stages}
        self._by_name = {
            kind: _by_name(self.by_id[kind].values()) for kind in ("prompt", "pipeline")
        }

    def with_id(self, kind: str, cell: Any) -> Any:
        """The row of this id; raises ``ValidationError``."""
        if not isinstance(cell, str):
            raise _refuse(str(validate_object_id.message), "incorrect_type")
        row = self.by_id[kind].get(cell.strip())
        if row is None:
            raise _refuse(DOES_NOT_EXIST.format(kind=kind), "does_not_exist")
        return row

    def named(self, kind: str, cell: Any) -> Any:
        """The only row of this name; raises ``ValidationError``."""
        if not isinstance(cell, str):
            raise _refuse("Must be a name.", "incorrect_type")
        rows = self._by_name[kind].get(cell.strip(), ())
        if not rows:
            raise _refuse(f"There is no {kind} of this name.", "does_not_exist")
        if len(rows) > 1:
            message = f"{len(rows)} {kind}s have this name. Give the id in {kind}Id."
            raise _refuse(message, "ambiguous")
        return rows[0]

    def stage_called(self, cell: Any, pipeline: Pipeline | None) -> Stage:
        """The stage of ``pipeline`` with this name or slug; raises ``ValidationError``."""
        if not isinstance(cell, str):
            raise _refuse("Must be a name.", "incorrect_type")
        if pipeline is None:
            raise _refuse("A stage's name needs the pipeline that it belongs to.", "invalid")
        for stage in self._stages.get(pipeline.pk, ()):
            if stage.has_name_or_slug(cell.strip()):
                return stage
        raise _refuse("The pipeline has no stage of this name.", "does_not_exist")


def _by_name(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.name].append(row)
    return dict(found)
