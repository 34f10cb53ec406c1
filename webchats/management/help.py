"""The help of the commands."""

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class _HelpFormatter(DjangoHelpFormatter):
    """Formats the usage and the help of a command below an example."""

    example: str

    def format_help(self) -> str:
        return f"Example:\n  {self.example}\n\n{super().format_help()}"


class CommandWithExample(BaseCommand):
    """A command whose help starts with ``example`` and does not list Django's own options."""

    example: str
    suppressed_base_arguments = {
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
    }

    # The arguments of ``BaseCommand.create_parser`` and ``ArgumentParser``.
    def create_parser(self, prog_name: str, subcommand: str, **kwargs: object) -> CommandParser:
        """Return the parser of the command's arguments."""
        # ``argparse`` takes a class.
        attributes = {"example": self.example}
        kwargs["formatter_class"] = type("HelpFormatter", (_HelpFormatter,), attributes)
        return super().create_parser(prog_name, subcommand, **kwargs)
