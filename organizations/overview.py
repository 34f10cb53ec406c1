"""The overview, the first page of the admin site: its figures, panels and checklist.

An app registers functions in ``AppConfig.ready()``, as dotted paths: its models are not loaded yet.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.models import User


@dataclass(frozen=True)
class Figure:
    """A number at the top of the overview, with a link to the list of the counted rows."""

    #: A text for a value that is not a count, such as ``3 min 20 s``.
    count: int | str
    #: The text after the number, in the plural form that the number needs.
    label: str
    url: str
    #: The count is a lower bound and is shown as “300+”.
    is_lower_bound: bool = False
    is_warning: bool = False


@dataclass(frozen=True)
class Panel:
    """A section of the overview, rendered by a template with the variable ``panel``.

    A panel of figures only has no template.
    """

    template_name: str
    figures: tuple[Figure, ...]
    #: What the template shows.
    content: object
    #: The name of the list of figures, for screen readers.
    figures_label: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the checklist for a new organization."""

    title: str
    #: What the step is for.
    help_text: str
    is_done: bool
    #: The page on which the step is done; empty if there is none yet.
    url: str
    is_optional: bool = False


@dataclass(frozen=True)
class Checklist:
    """The steps from a new organization to a widget on a website."""

    steps: tuple[Step, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done, except optional ones."""
        return all(step.is_done or step.is_optional for step in self.steps)

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done, optional ones only after the others."""
        remaining = [step for step in self.steps if not step.is_done]
        return min(remaining, key=lambda step: step.is_optional, default=None)


GetPanel: TypeAlias = "Callable[[User], Panel]"
GetSteps: TypeAlias = "Callable[[User], Iterable[Step]]"

_panels: dict[str, int] = {}
_steps: dict[str, int] = {}


def register_panel(get_panel: str, order: int = 0) -> None:
    """Add a panel to the overview. ``get_panel`` is the dotted path of a ``GetPanel``.

    Panels with a lower ``order`` come first, and those of the same one as they were registered.
    """
    _panels[get_panel] = order


def register_steps(get_steps: str, order: int) -> None:
    """Add steps to the checklist. ``get_steps`` is the dotted path of a ``GetSteps``.

    Steps with a lower ``order`` come first.
    """
    _steps[get_steps] = order


def get_panels(user: "User") -> list[Panel]:
    """Return the panels of the overview for a user."""
    paths = sorted(_panels, key=lambda path: _panels[path])
    return [cast("GetPanel", import_string(path))(user) for path in paths]


def get_checklist(user: "User") -> Checklist:
    """Return the checklist for a user; without steps if the user may not do them."""
    steps: list[Step] = []
    for path in sorted(_steps, key=lambda path: _steps[path]):
        steps.extend(cast("GetSteps", import_string(path))(user))
    return Checklist(tuple(steps))
