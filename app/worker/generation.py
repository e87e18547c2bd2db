"""One answer: prefill, the token loop, and the single mechanism by which a thought is cut.

Stop, thinking budget and answer-now all end the loop between two tokens; where the answer shall go on,
the closing ids are fed on the live cache and the loop starts again. Tested: the continuation equals a
fresh prefill of the same ids.
"""

import time
from collections.abc import Callable
from contextlib import closing

import mlx.core as mx
import msgspec

from app.core.messages import Generation, ThoughtEnd
from app.core.protocol import Event, Finished, ModelCard, Prefilled, Started
from app.core.reasoning import Mark
from app.core.releases import Thinking
from app.worker.answer import AnswerStream
from app.worker.layout import Layout
from app.worker.prefix import Live
from app.worker.run import Cut, Processor, Run
from app.worker.ticket import Ticket


class Generator:
    """Answers requests with one loaded model, one after the other, on one thread."""

    def __init__(
        self,
        live: Live,
        layout: Layout,
        card: ModelCard,
        send: Callable[[Event], None],
        script: list[Processor] | None = None,
    ) -> None:
        self._live, self._layout, self._card, self._send = live, layout, card, send
        self._script = script or []

    def answer(self, ticket: Ticket) -> None:
        """Run one request to its end; raises ContextFull before anything is computed."""
        run = Run(ticket, self._layout, self._card)
        if ticket.cancelled:  # while it waited: the cache of another chat is left as it is
            self._finish(run, Cut.CANCEL, None)
            return
        run.start()
        try:
            self._answer(run)
        except BaseException:
            self._live.clear()  # its layers may disagree about how far they are
            raise
        finally:
            mx.clear_cache()

    def _answer(self, run: Run) -> None:
        run.cached_tokens = self._prepare(run)
        self._send(Started(run.request, run.prompt_tokens, run.cached_tokens))
        stream = AnswerStream(run.request, self._layout, self._send)
        if run.budget != 0 and self._layout.marks.opening:
            run.ids += stream.inject(self._layout.marks.opening, Mark.OPEN)
        cut = self._decode(run, stream)
        while end := self._why_to_close(cut, stream):
            run.thought_end = end
            run.ids += stream.inject(self._layout.marks.closing, Mark.CLOSE)
            cut = self._decode(run, stream)
        stream.finish()
        self._finish(run, cut, stream)

    def _prepare(self, run: Run) -> int:
        """Cut the live cache to what this prompt shares with it; how many rows that are.

        A seeded request starts from nothing, because rows read in other chunks differ in their last bits.
        """
        mx.random.seed(run.seed)
        if run.seeded:
            self._live.clear()
            return 0
        return self._live.reuse(run.ids)

    def _why_to_close(self, cut: Cut, stream: AnswerStream) -> ThoughtEnd | None:
        """How the thought ends if the app is to close it now and let the model go on."""
        if not stream.thinking:
            return None
        if cut is Cut.TURN and self._layout.release.thinking is Thinking.OPENED:
            return ThoughtEnd.ITSELF
        return {Cut.BUDGET: ThoughtEnd.BUDGET, Cut.USER: ThoughtEnd.USER}.get(cut)

    def _decode(self, run: Run, stream: AnswerStream) -> Cut:
        """One stretch: read what is not in the cache, then token by token to the next cut."""
        total, first = len(run.ids), stream.first_at is None

        def step(rows: int) -> bool:
            if first:
                self._send(Prefilled(run.request, rows, total))
            return not run.ticket.cancelled

        self._live.reuse(run.ids)
        if not self._live.prefill(run.ids, fixed=run.seeded, step=step):
            return Cut.CANCEL
        if run.left <= 0:
            return Cut.LIMIT
        processors = [*run.processors, *self._script] or None
        with closing(
            self._live.decode(list(run.ids), run.left, sampler=run.sampler, logits_processors=processors)
        ) as tokens:
            for token in tokens:
                if first:
                    step(total)
                    first = False
                if token in self._layout.stops:
                    return Cut.TURN
                run.ids.append(token)
                stream.feed(token)
                if cut := run.cut(stream):
                    return cut
        return Cut.LIMIT

    def _finish(self, run: Run, cut: Cut, stream: AnswerStream | None) -> None:
        generation = Generation(
            model=self._card.name,
            fingerprint=self._card.fingerprint,
            sampling=run.sampling,
            seed=run.seed,
            thinking_budget=run.budget,
            prompt_tokens=run.prompt_tokens,
            cached_tokens=run.cached_tokens,
            queue_seconds=run.began - run.ticket.queued_at,
            end=cut.end,
        )
        if stream:
            generation = msgspec.structs.replace(
                generation,
                reasoning_tokens=stream.reasoning_tokens,
                answer_tokens=stream.answer_tokens,
                prefill_seconds=(stream.first_at or time.monotonic()) - run.began,
                reasoning_seconds=stream.reasoning_seconds,
                answer_seconds=stream.answer_seconds,
                thought_end=run.how_thought_ended(cut, stream),
            )
        self._send(Finished(run.request, generation))
