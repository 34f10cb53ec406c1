"""The job that makes one reply. No transaction or connection is held while a model answers."""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import Final

from django.db import InterfaceError, OperationalError

from organizations.ai.errors import ErrorKind, ProviderError
from organizations.jobs.database import run_in_turn
from organizations.jobs.queue import ClaimedJob, LeaseLost, RetryLater
from webchats.conversations.events import ReplyPart
from webchats.conversations.knowledge.calls import Visible
from webchats.conversations.knowledge.run_events import Finished, HandOver
from webchats.conversations.knowledge.runs import run_prompt
from webchats.conversations.replies import outcomes
from webchats.conversations.replies.progress import Step, clean_text, steps
from webchats.conversations.replies.start import Start, start_reply

logger = logging.getLogger(__name__)

#: Seconds between two publications of new text. All replies publish at the same times, together.
PUBLISH_SECONDS: Final = 0.1
#: Seconds between two reads of the row while nothing is published, after which a take-over ends the
#: reply.
CHECK_SECONDS: Final = 0.3
#: Seconds between two saves of the text.
SAVE_SECONDS: Final = 1.0
#: Seconds after a deadline of the run in which it raises an error by itself.
GRACE_SECONDS: Final = 0.2

_TIMEOUT_MESSAGE: Final = "The provider did not answer in time. Choose a faster model or provider."
_FAULT_MESSAGE: Final = "An internal error, see the log of the worker."


async def make_reply(job: ClaimedJob) -> None:
    """Answer the visitor of the conversation ``job.key``, if anything is unanswered.

    A message that arrives meanwhile asks the queue for one more run, so nothing is repeated here.
    """
    start = await run_in_turn(start_reply, job)
    if start is not None:
        await ReplyRun(job, start).run()


class _Stopped(Exception):
    """The reply must not continue."""


class ReplyRun:
    """One reply from its first event to its final write."""

    def __init__(self, job: ClaimedJob, start: Start) -> None:
        self._job = job
        self._start = start
        self._reply_id = start.reply.pk
        self._is_draft = start.reply.is_draft
        #: What the visitor may read so far, and how much of it was published and saved.
        self._text = ""
        self._published = 0
        self._saved = 0
        #: Held during a step.
        self._advancing = asyncio.Lock()

    async def run(self) -> None:
        """Generate the reply and store its outcome."""
        try:
            await self._finish(await self._race())
        except _Stopped:
            await run_in_turn(outcomes.discard_reply, self._job, self._reply_id)
        except ProviderError as error:
            await self._fail(error.kind, error.message)
        except TimeoutError:
            await self._fail(ErrorKind.TIMEOUT, _TIMEOUT_MESSAGE)
        except (OperationalError, InterfaceError, LeaseLost, RetryLater):
            # The database is unavailable, another worker has the job, or the provider has all its
            # parallel calls: the queue starts over.
            raise
        except Exception:
            # The visitor must not wait for another attempt with the same result.
            logger.exception("Reply %s has failed.", self._reply_id)
            await self._fail("internal_error", _FAULT_MESSAGE)

    async def _race(self) -> Finished | HandOver:
        """Return the end of the run. Raise ``_Stopped`` as soon as it must not continue."""
        consumer = asyncio.ensure_future(self._consume())
        watcher = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait({consumer, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if consumer.done():
                return consumer.result()
            # Raises the error of a query.
            watcher.result()
            raise _Stopped
        finally:
            consumer.cancel()
            watcher.cancel()
            await asyncio.gather(consumer, watcher, return_exceptions=True)

    async def _consume(self) -> Finished | HandOver:
        started, loop = monotonic(), asyncio.get_running_loop()
        run = replace(
            self._start.run,
            first_deadline=started + self._start.first_seconds,
            deadline=started + self._start.total_seconds,
            busy_deadline=started + self._start.busy_seconds,
        )
        timeout = asyncio.timeout(self._start.first_seconds + GRACE_SECONDS)
        async with timeout, aclosing(run_prompt(run)) as stream:
            async for event in stream:
                if not isinstance(event, Visible):
                    return event
                is_first = not self._text
                self._text = clean_text(self._text + event.text)
                if is_first:
                    # The first words come at once, if they may be shown.
                    await self._advance(saves=True)
                    left = started + self._start.total_seconds - monotonic()
                    timeout.reschedule(loop.time() + left + GRACE_SECONDS)
        raise ProviderError(ErrorKind.INCOMPLETE, "The stream ended without an answer.")

    async def _watch(self) -> None:
        """Publish and save new text, until the reply must not continue."""
        checked_at = saved_at = monotonic()
        while True:
            await _sleep_until_next(PUBLISH_SECONDS)
            now = monotonic()
            if not self._has_news and now - checked_at < CHECK_SECONDS:
                continue
            checked_at = now
            saves = now - saved_at >= SAVE_SECONDS
            saved_at = now if saves else saved_at
            await self._advance(saves=saves)

    async def _advance(self, *, saves: bool) -> None:
        """Publish new text, and save all if ``saves``. Raise ``_Stopped`` if it must end."""
        async with self._advancing:
            text = "" if self._is_draft else self._text
            part = ReplyPart(
                self._start.conversation, self._reply_id, self._published, text[self._published :]
            )
            saved_text = text if saves and len(text) > self._saved else ""
            status = await steps.get(Step(part, saved_text, is_visible=self._is_visible))
            self._is_draft = self._is_draft or status.is_draft
            if status.stops(is_visible=self._is_visible):
                raise _Stopped
            if text and not self._is_draft:
                self._published = len(text)
                self._saved = len(saved_text) or self._saved

    @property
    def _is_visible(self) -> bool:
        """Return whether the visitor has been shown text."""
        return self._published > 0 and not self._is_draft

    @property
    def _has_news(self) -> bool:
        """Return whether there is text to publish."""
        return len(self._text) > self._published and not self._is_draft

    async def _finish(self, result: Finished | HandOver) -> None:
        if isinstance(result, HandOver):
            await run_in_turn(outcomes.hand_over_reply, self._job, self._reply_id, result)
        elif not clean_text(result.answer.text).strip():
            await self._fail(ErrorKind.INCOMPLETE, "The model answered without text.")
        else:
            is_shown = self._is_visible
            await run_in_turn(
                outcomes.finish_reply, self._job, self._reply_id, result, is_shown=is_shown
            )

    async def _fail(self, end_reason: str, message: str) -> None:
        await run_in_turn(outcomes.fail_reply, self._job, self._reply_id, end_reason, message)


async def _sleep_until_next(seconds: float) -> None:
    """Sleep until the next multiple of ``seconds`` on the clock, at which others wake, too."""
    await asyncio.sleep(seconds - monotonic() % seconds)
