"""What a person asks of the draw of the next token; what is left open is the model's own."""

import msgspec

from app.core.messages import Sampling


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Wishes for a `Sampling`; None leaves a value to whoever knows better."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] | None = None

    def over(self, other: "Drawing") -> "Drawing":
        """These wishes, and the other's where this leaves something open."""
        return msgspec.structs.replace(other, **self._said())

    def over_own(self, own: Sampling, seed: int | None) -> Sampling:
        """What is drawn with: these wishes over the model's own."""
        return msgspec.structs.replace(own, **self._said(), seed=seed)

    def _said(self) -> dict[str, object]:
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}


OPEN = Drawing()
"""Nothing is asked of it."""
