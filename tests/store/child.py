"""A process of its own that writes: `python -m tests.store.child ROLE FOLDER`."""

import json
import os
import queue
import resource
import sys
import threading
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from app.core.messages import Kind, Part, Session
from app.core.owner import Owner
from app.store.store import Broken, Store, StoreEvent
from tests.store.samples import done, everyone_lives, new_session, new_turn, opened


def stream(folder: Path) -> None:
    """Write an answer without end, saying each number once it is committed."""
    with opened(folder) as store:
        session = new_session()
        question, answer = new_turn(session)
        store.add_turn(session, [question, answer])
        number = 0
        while True:
            kind = Kind.REASONING if number < 20 else Kind.TEXT
            store.checkpoint(answer.id, [Part(kind, f"{number} ", (number,))])
            store.later(partial(say, str(number)))
            # A real stream never runs ahead of the disk for long either.
            if number % 10 == 9:
                store.flush()
            number += 1


def chat(folder: Path) -> None:
    """Write 20 whole turns beside whoever else is writing, with ids that nobody else has."""
    first = os.getpid() << 20
    store = Store(folder, Owner(1, 1.0, "ask"), everyone_lives, lambda _event: None)
    store.start()
    for number in range(20):
        session = Session(id=first + number * 3, title=f"chat {number}", created=1.0, updated=1.0)
        question, answer = new_turn(session)
        question = replace(question, id=first + number * 3 + 1)
        answer = replace(answer, id=first + number * 3 + 2, parent=question.id)
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.TEXT, "yes")])
        store.finish(done(answer, Part(Kind.TEXT, "yes")), session)
        store.flush()
    store.close()


def fill_disk(folder: Path) -> None:
    """Write while no file may grow, then go on; say what became of it."""
    events: queue.SimpleQueue[StoreEvent] = queue.SimpleQueue()
    store = Store(folder, Owner(1, 1.0, "desktop"), everyone_lives, events.put)
    store.start()
    opening = events.get()
    session = new_session()
    question, answer = new_turn(session)
    asked = threading.Event()
    limit_files(1)
    store.add_turn(session, [question, answer], asked.set)
    store.checkpoint(answer.id, [Part(Kind.TEXT, "kept")])
    broken = events.get()
    asked_too_early = asked.is_set()
    limit_files(resource.RLIM_INFINITY)
    store.flush()
    mended = events.get()
    text = store.messages(session.id)[1].text
    limit_files(1)
    store.add_turn(replace(session, title="never written"), [])
    store.close()
    last = events.get()
    limit_files(resource.RLIM_INFINITY)
    said = {
        "opening": type(opening).__name__,
        "broken": broken.failure.message if isinstance(broken, Broken) else "",
        "mended": type(mended).__name__,
        "asked_too_early": asked_too_early,
        "asked": asked.is_set(),
        "text": text,
        "last": type(last).__name__,
        "more": not events.empty(),
    }
    say(json.dumps(said))


def say(line: str) -> None:
    """Tell the test, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def limit_files(size: int) -> None:
    """Let writes past this many bytes of a file fail, as on a full disk."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))


if __name__ == "__main__":
    {"stream": stream, "chat": chat, "fill_disk": fill_disk}[sys.argv[1]](Path(sys.argv[2]))
