"""The slots of a worker, each for one job at a time, and how organizations share them."""

from collections import Counter
from collections.abc import Mapping

from django.db.models import QuerySet

from organizations.models.job import Job


class Slots:
    """The free slots of a worker, and how many slots each organization holds.

    An organization that holds as many slots as are free gets no further one. So a lone one holds up
    to half of the slots, and the next one finds a free slot, however many jobs the others have.
    """

    def __init__(self, free: int, held: Mapping[str, int]) -> None:
        self.free = free
        self._held = Counter(held)

    @property
    def crowded(self) -> list[str]:
        """Return the ids of the organizations that get no further slot."""
        return [organization for organization, held in self._held.items() if held >= self.free]

    def take(self, organization_id: str) -> bool:
        """Take a slot for a job of the organization. Return whether it gets one."""
        if self._held[organization_id] >= self.free:
            return False
        self._held[organization_id] += 1
        self.free -= 1
        return True


def share_slots(due: "QuerySet[Job]", free: int, held: Mapping[str, int]) -> list[Job]:
    """Return the first of the ordered jobs for which their organizations get slots."""
    slots, chosen = Slots(free, held), list[Job]()
    while slots.free:
        others = due.exclude(organization_id__in=slots.crowded)
        rows = list(others.exclude(pk__in=[job.pk for job in chosen])[: slots.free])
        taken = [job for job in rows if slots.take(job.organization_id)]
        chosen += taken
        if len(taken) == len(rows):
            break
        # The rest is of organizations that are crowded now, and hid the jobs of others.
    return chosen
