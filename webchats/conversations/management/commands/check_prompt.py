"""``manage.py check_prompt FILE --organization NAME --prompt NAME``."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q
from tqdm import tqdm

from organizations.models import Organization, Prompt
from webchats.conversations.prompt_checks import (
    CheckResult,
    Expectation,
    InvalidChecks,
    check_prompt,
    load_expectations,
)
from webchats.management import cli
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Asks a prompt questions. The exit status is 1 if an answer is not as expected."""

    example = 'manage.py check_prompt checks.json --organization "Example Company" --prompt Sales'
    help = "Ask a prompt the questions of a JSON file, and compare the answers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="JSON file of questions.")
        parser.add_argument("--organization", required=True, help="Id or name.")
        parser.add_argument("--prompt", required=True, help="Id or name of the prompt.")

    def handle(self, *, file: Path, organization: str, prompt: str, **_: object) -> None:
        owner = cli.find_organization(organization)
        found = _find_prompt(owner, prompt)
        with cli.open_seekable(file) as content:
            try:
                expectations = load_expectations(content.read())
            except InvalidChecks as error:
                raise CommandError(f"{file}: {error}") from None
        failed = asyncio.run(self._check(found, owner, expectations))
        summary = f"{len(expectations) - failed} of {len(expectations)} answers are as expected."
        if failed:
            raise CommandError(summary, returncode=1)
        self.stdout.write(summary, self.style.SUCCESS)

    async def _check(
        self, prompt: Prompt, organization: Organization, expectations: Sequence[Expectation]
    ) -> int:
        """Print a line for each answer. Return how many are not as expected."""
        failed = 0
        # ``disable=None``: no progress bar unless standard error is a terminal.
        with tqdm(total=len(expectations), unit=" questions", disable=None, leave=False) as bar:
            async for result in check_prompt(prompt, organization, expectations):
                bar.clear()
                self._print(result)
                failed += bool(result.failures)
                bar.update()
        return failed

    def _print(self, result: CheckResult) -> None:
        state = self.style.ERROR("failed") if result.failures else self.style.SUCCESS("ok    ")
        seconds = "      " if result.total_ms is None else f"{result.total_ms / 1000:5.1f}s"
        self.stdout.write(f"{state}  {seconds}  {result.question}")
        for failure in result.failures:
            self.stdout.write(f"{' ' * 16}{failure}")
        if result.failures and result.text:
            self.stdout.write(f"{' ' * 16}Answer: {' '.join(result.text.split())}")


def _find_prompt(organization: Organization, id_or_name: str) -> Prompt:
    """Return the prompt with this id or name. Raise ``CommandError`` unless one has it."""
    prompts = Prompt.objects.for_organization(organization.pk)
    found = list(prompts.filter(Q(pk=id_or_name) | Q(name=id_or_name))[:2])
    if not found:
        raise CommandError(f"{organization} has no prompt with the id or name {id_or_name!r}.")
    if len(found) > 1:
        raise CommandError(f"Several prompts have the name {id_or_name!r}. Use the id.")
    return found[0]
