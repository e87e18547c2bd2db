"""A bare mlx_lm loop in a process of its own: reads one JSON request a line, prints tokens per second.

`python -m tests.bench.bare MODEL`; a request is {"ids": [...], "tokens": N, "sampling": {...}}.
"""

import json
import sys
import time
from pathlib import Path

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.sample_utils import make_logits_processors, make_sampler
from mlx_lm.utils import load_model

PENALTY_WINDOW = 64


def main() -> None:
    """Serve requests until standard input ends."""
    model, _config = load_model(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        sampling = request["sampling"]
        sampler = make_sampler(temp=sampling["temperature"], top_p=sampling["top_p"])
        penalty = sampling["repetition_penalty"]
        processors = make_logits_processors(
            repetition_penalty=penalty if penalty != 1 else None, repetition_context_size=PENALTY_WINDOW
        )
        steps = generate_step(
            mx.array(request["ids"]),
            model,
            max_tokens=request["tokens"],
            sampler=sampler,
            logits_processors=processors or None,
            prompt_cache=make_prompt_cache(model),
        )
        count, began = 0, 0.0
        for token, _ in steps:
            int(token)
            count += 1
            if count == 1:
                began = time.perf_counter()
        print(json.dumps((count - 1) / (time.perf_counter() - began)), flush=True)


if __name__ == "__main__":
    main()
