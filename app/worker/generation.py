"""One answer: prefill, the token loop, and the single mechanism by which a thought is cut.

Stop, thinking budget, answer-now, steering and the loop guard all end the loop between two tokens; where the
answer shall go on, ids are fed on the live cache and the loop starts again. A stopped answer is continued the
same way, on the cache that is still there or comes from the disk. Tested: the continuation equals a fresh
prefill of the same ids.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

import mlx.core as mx
import msgspec

from app.core.budget import LEAST_ROOM
from app.core.errors import MemoryShort
from app.core.messages import Generation, Kind, Part, Role, ThoughtEnd
from app.core.protocol import Event, Finished, ModelCard, Prefilled, Started, Turn
from app.core.reasoning import Mark
from app.core.releases import Thinking
from app.worker.answer import AnswerStream
from app.worker.draft import Draft
from app.worker.layout import Layout, Prompt
from app.worker.live import SETTLE_EVERY, Live
from app.worker.pace import Pace
from app.worker.prefix import SAVE_ROWS, Prefixes
from app.worker.run import Cut, Run
from app.worker.sampling import Processor, make_sampling
from app.worker.speculation import Costs, Lookup, Speculator
from app.worker.ticket import Ticket
from app.worker.watch import Watch


class Generator:
    """Answers requests with one loaded model, one after the other, on one thread."""

    def __init__(
        self,
        prefixes: Prefixes,
        layout: Layout,
        card: ModelCard,
        send: Callable[[Event], None],
        *,
        pace: Pace,
        watch: Watch,
        draft: Draft | None = None,
        script: Sequence[Processor] = (),
    ) -> None:
        self._prefixes, self._layout, self._card, self._send = prefixes, layout, card, send
        self._pace, self._watch, self._draft, self._script = pace, watch, draft, list(script)
        self._costs = Costs()

    def answer(self, ticket: Ticket) -> Prompt | None:
        """Run one request to its end; returns how every prompt begins that goes on from this answer.

        Raises ContextFull and MemoryShort before anything is computed.
        """
        run = Run(ticket, self._layout, self._card)
        if ticket.cancelled:  # while it waited: nothing is looked for
            self._finish(run, Cut.CANCEL, None)
            return None
        stream = AnswerStream(run.request, self._layout, self._send, run.sampling.stop)
        run.start(stream)
        taken = self._prefixes.take(Prompt(run.ids, run.prompt.shared), ticket.command.session, fixed=run.seeded)
        run.cached_tokens, run.restored_tokens, run.restore_seconds = taken.cached, taken.restored, taken.seconds
        passes = taken.live.passes
        try:
            self._watch.check(taken.live)
            cut = self._answer(run, stream, taken.live)
        except MemoryShort:
            raise  # between two chunks, so that what was read is whole
        except BaseException:
            self._prefixes.discard(taken.live)  # its layers may disagree about how far they are
            if self._draft:
                self._draft.forget()
            raise
        finally:
            mx.clear_cache()
        run.passes = taken.live.passes - passes
        self._pace.save()
        self._finish(run, cut, stream)
        return self._foresee(run, stream)

    def _answer(self, run: Run, stream: AnswerStream, live: Live) -> Cut:
        self._send(Started(run.request, run.prompt_tokens, run.cached_tokens, run.seed, run.queue_seconds))
        if not run.ticket.command.answer and run.budget != 0 and self._layout.marks.opening:
            run.ids += stream.inject(self._layout.marks.opening, Mark.OPEN)
        cut = Cut.USER if run.ticket.answer_now and stream.thinking else self._decode(run, stream, live)
        while self._go_on(run, stream, cut):
            run.forget_repeats()
            cut = self._decode(run, stream, live)
        if cut is Cut.LOOP and run.loop:
            stream.retract(run.loop.tokens)
            run.take_back(run.loop.tokens)
            live.keep([*run.ids, 0])
        elif cut is Cut.STOP:
            run.take_back(self._drop_stop_string(run, stream))
        stream.finish(complete=cut is Cut.TURN)
        return cut

    def _go_on(self, run: Run, stream: AnswerStream, cut: Cut) -> bool:
        """Feed what a cut asks for; False where the answer is over."""
        if cut is Cut.STEER:
            text = run.ticket.corrections.popleft()
            ids = self._layout.steer(text)
            if len(ids) > run.left - LEAST_ROOM:
                run.unused.append(text)
            else:
                run.ids += stream.steer(ids)
            return True
        if end := self._why_to_close(cut, stream):
            run.thought_end = end
            run.ids += stream.inject(self._layout.marks.closing, Mark.CLOSE, end)
            return True
        return False

    def _why_to_close(self, cut: Cut, stream: AnswerStream) -> ThoughtEnd | None:
        """How the thought ends if the app is to close it now and let the model go on."""
        if not stream.thinking:
            return None
        if cut is Cut.TURN and self._layout.release.thinking is Thinking.OPENED:
            return ThoughtEnd.ITSELF
        return {Cut.BUDGET: ThoughtEnd.BUDGET, Cut.USER: ThoughtEnd.USER}.get(cut)

    def _drop_stop_string(self, run: Run, stream: AnswerStream) -> int:
        """Take the stop string's ids back, as its text was never sent; how many they were."""
        count, tail = 0, ""
        while stream.stop_string not in tail and count < len(stream.text_ids):
            count += 1
            tail = self._layout.tokens.decode(run.ids[len(run.ids) - count :])
        stream.drop_ids(count)
        return count

    def _decode(self, run: Run, stream: AnswerStream, live: Live) -> Cut:
        """One stretch: read what is not in the cache, then token by token to the next cut."""
        if not self._prefill(run, stream, live):
            return Cut.CANCEL
        if run.left <= 0:
            return Cut.LIMIT
        sampler, processors = make_sampling(run.sampling, run.seed)
        began, count, cut = time.monotonic(), 0, Cut.LIMIT
        with closing(
            live.decode(
                list(run.ids),
                run.left,
                sampler=sampler,
                processors=[*processors, *self._script],
                speculator=self._choose_speculator(run),
            )
        ) as tokens:
            for token in tokens:
                if not count and stream.first_at is None:
                    self._send(Prefilled(run.request, len(run.ids), len(run.ids)))
                count += 1
                if token in self._layout.stops:
                    cut = Cut.TURN
                    break
                run.ids.append(token)
                text = stream.feed(token)
                if found := run.cut(stream, token, text):
                    cut = found
                    break
                if count % SETTLE_EVERY == 0:
                    self._settle(live)
        self._pace.note_decode(count, time.monotonic() - began)
        return cut

    def _prefill(self, run: Run, stream: AnswerStream, live: Live) -> bool:
        total, first = len(run.ids), stream.first_at is None

        def step(read: int, seconds: float) -> bool:
            self._pace.note_prefill(read, seconds)
            if first:
                self._send(Prefilled(run.request, len(live.ids), total))
            if read:
                self._watch.check(live)
                self._prefixes.grow(live)
                self._prefixes.save(live, SAVE_ROWS)
            return not run.ticket.cancelled

        live.keep(run.ids)
        return live.prefill(run.ids, fixed=run.seeded, size=partial(self._watch.chunk, live), step=step)

    def _settle(self, live: Live) -> None:
        """Every now and then in a running answer: keep what a crash must not take, and mind the memory."""
        self._prefixes.save(live, SAVE_ROWS // 2)
        self._prefixes.grow(live)
        self._watch.ease(live)

    def _choose_speculator(self, run: Run) -> Speculator | None:
        if run.seeded or self._script or not run.ticket.command.speculate:
            return None
        return self._draft or Lookup(self._costs)

    def _foresee(self, run: Run, stream: AnswerStream) -> Prompt | None:
        """How the next prompt of this chat begins, whatever is asked in it."""
        if not stream.text_ids:
            return None  # an answer without a word stays out of the next prompt
        command = run.ticket.command
        ids = run.ids[run.prompt_tokens :] if run.keep_thoughts else stream.text_ids
        answer = Turn(Role.ASSISTANT, [Part(Kind.TEXT, "", tuple(ids))])
        return self._layout.lead(
            [*command.turns, answer],
            command.instructions,
            thinking=run.budget != 0,
            keep_thoughts=run.keep_thoughts,
        )

    def _finish(self, run: Run, cut: Cut, stream: AnswerStream | None) -> None:
        generation = Generation(
            model=self._card.name,
            fingerprint=self._card.fingerprint,
            sampling=run.sampling,
            seed=run.seed,
            thinking_budget=run.budget,
            prompt_tokens=run.prompt_tokens,
            cached_tokens=run.cached_tokens,
            restored_tokens=run.restored_tokens,
            restore_seconds=run.restore_seconds,
            fixed_chunk=run.fixed_chunk,
            passes=run.passes,
            queue_seconds=run.queue_seconds,
            end=cut.end,
        )
        if stream:
            first_at = stream.first_at or time.monotonic()
            generation = msgspec.structs.replace(
                generation,
                reasoning_tokens=stream.reasoning_tokens,
                answer_tokens=stream.answer_tokens,
                prefill_seconds=first_at - run.began - run.restore_seconds,
                reasoning_seconds=stream.reasoning_seconds,
                answer_seconds=stream.answer_seconds,
                thought_end=run.how_thought_ended(cut, stream),
            )
        self._send(Finished(run.request, generation, [*run.unused, *run.ticket.corrections]))
