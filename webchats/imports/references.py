"""The prompts, pipelines and stages that import rows refer to, by id or by name."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.text import Truncator

from organizations.models import Organization, Pipeline, Prompt, Stage
from organizations.tenancy.models import DOES_NOT_EXIST
from webchat_project.api.object_ids import validate_object_id
from webchats.imports.columns import find_nearest

_Reference = Prompt | Pipeline | Stage

#: The maximum number of characters that an error message shows of the stages, and of the cell.
_MAX_LISTED_LENGTH: Final = 200
_MAX_SHOWN_LENGTH: Final = 100
#: The number of different wrong names for which an import looks for a similar one, which takes
#: milliseconds for each. A file can have 100,000.
_MAX_COMPARED: Final = 20


class References:
    """The organization's prompts, pipelines and stages: loaded once, found without a query."""

    def __init__(self, organization: Organization) -> None:
        prompts = Prompt.objects.for_organization(organization.pk).defer("instructions")
        pipelines = Pipeline.objects.for_organization(organization.pk).prefetch_related("stages")
        self.prompts = {prompt.pk: prompt for prompt in prompts}
        self.pipelines = {pipeline.pk: pipeline for pipeline in pipelines}
        self.stages = {stage.pk: stage for row in pipelines for stage in row.stages.all()}
        self._by_id: dict[str, Mapping[str, _Reference]] = {
            "prompt": self.prompts,
            "pipeline": self.pipelines,
            "stage": self.stages,
        }
        self._by_name: dict[tuple[str, str], list[_Reference]] = defaultdict(list)
        for prompt in self.prompts.values():
            self._by_name["prompt", prompt.name].append(prompt)
        for pipeline in self.pipelines.values():
            self._by_name["pipeline", pipeline.name].append(pipeline)
        #: The stages that are suggested, by pipeline and wrong name.
        self._suggestions: dict[tuple[str, str], str] = {}

    def with_id(self, kind: str, cell: object) -> _Reference:
        """Return the row with this id. Raise ``ValidationError`` if there is none.

        ``kind`` is ``prompt``, ``pipeline`` or ``stage``.
        """
        if not isinstance(cell, str):
            raise ValidationError(str(validate_object_id.message), code="incorrect_type")
        row = self._by_id[kind].get(cell.strip())
        if row is None:
            raise ValidationError(DOES_NOT_EXIST.format(kind=kind), code="does_not_exist")
        return row

    def with_name(self, kind: str, cell: object, pipeline: Pipeline | None) -> _Reference:
        """Return the row with this name. Raise ``ValidationError`` unless exactly one has it.

        A stage is found by its name or slug, among those of ``pipeline``.
        """
        if not isinstance(cell, str):
            raise ValidationError("Must be a name.", code="incorrect_type")
        if kind == "stage":
            return self._find_stage(pipeline, cell.strip())
        rows = self._by_name.get((kind, cell.strip()), ())
        if not rows:
            raise ValidationError(f"No {kind} has this name.", code="does_not_exist")
        if len(rows) > 1:
            message = f"{len(rows)} {kind}s have this name. Use {kind}Id."
            raise ValidationError(message, code="ambiguous")
        return rows[0]

    def _find_stage(self, pipeline: Pipeline | None, name: str) -> Stage:
        if pipeline is None:
            raise ValidationError("The name of a stage requires a pipeline.", code="invalid")
        stages = pipeline.stages.all()
        for stage in stages:
            if stage.has_name_or_slug(name):
                return stage
        nearest = self._suggest(pipeline, name)
        names = ", ".join(stage.name for stage in stages) or "none"
        listed = Truncator(names).chars(_MAX_LISTED_LENGTH)
        hint = f"Did you mean {nearest}?" if nearest else f"Its stages: {listed}."
        message = f"No stage of the pipeline has the name “{name[:_MAX_SHOWN_LENGTH]}”. {hint}"
        raise ValidationError(message, code="does_not_exist")

    def _suggest(self, pipeline: Pipeline, name: str) -> str:
        """Return the stage with the nearest name, or an empty text."""
        key = (pipeline.pk, name)
        if key not in self._suggestions and len(self._suggestions) < _MAX_COMPARED:
            names = frozenset(stage.name for stage in pipeline.stages.all())
            self._suggestions[key] = find_nearest(name, names)
        return self._suggestions.get(key, "")
