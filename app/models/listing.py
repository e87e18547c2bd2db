"""What a repository holds that the app would fetch, and whether the app may use it: asked before any weight comes."""

import json
from dataclasses import dataclass
from typing import Any

from huggingface_hub.hf_api import ModelInfo, RepoSibling

from app.core.errors import DownloadBroken, ModelBroken
from app.core.fetching import Listed
from app.core.text import _
from app.models.hub import Hub
from app.models.record import LOCK, RECORD, RecordedFile
from app.weights.safety import CONFIG_LIMIT, check_config, check_names, check_sizes, is_wanted

CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit that the app would fetch."""

    repository: str
    commit: str
    files: tuple[RecordedFile, ...]
    licence: str
    config: dict[str, Any]

    def told(self) -> Listed:
        """What a person is told of it."""
        quantization = self.config.get("quantization") or {}
        return Listed(
            self.repository,
            self.commit,
            size=sum(file.size for file in self.files),
            files=len(self.files),
            licence=self.licence,
            architecture=str(self.config.get("model_type", "")),
            bits=quantization.get("bits"),
        )


def look(hub: Hub, repository: str, commit: str | None = None) -> Listing:
    """List a repository at a commit, else at its newest, and examine what can be examined before a download.

    Raises ModelUnsafe, ModelBroken, and what `Hub` raises.
    """
    info = hub.describe(repository, commit)
    siblings = info.siblings or []
    names = [sibling.rfilename for sibling in siblings]
    check_names(names, repository)
    # By lower case, because most Macs' disks do not tell two names apart that differ in nothing else.
    wanted = {sibling.rfilename.lower(): sibling for sibling in siblings if _is_fetched(sibling.rfilename)}
    pinned = info.sha or commit or "main"
    files = tuple(describe_file(hub, repository, pinned, sibling) for _name, sibling in sorted(wanted.items()))
    check_sizes({file.name: file.size for file in files}, repository)
    if CONFIG not in names:
        raise _no_model(repository, _("it has no config.json"))
    config = read_config(hub.read(repository, pinned, CONFIG, CONFIG_LIMIT), repository)
    check_config(config, repository)
    if not _is_mlx(info, config):
        raise ModelBroken(
            _("The model in {where} is not in MLX form.").format(where=repository),
            _("Look for the same model at mlx-community or lmstudio-community: its name ends in MLX or 4bit."),
            "model.choose",
        )
    return Listing(repository, pinned, files, _read_licence(info), config)


def read_config(content: bytes, repository: str) -> dict[str, Any]:
    """The object in a model's JSON file; raises ModelBroken."""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _no_model(repository, _("its config.json cannot be read")) from error
    if not isinstance(config, dict):
        raise _no_model(repository, _("its config.json cannot be read"))
    return config


def _is_fetched(name: str) -> bool:
    return is_wanted(name) and "/" not in name and not name.startswith((RECORD, LOCK))


def describe_file(hub: Hub, repository: str, commit: str, sibling: RepoSibling) -> RecordedFile:
    """Name, size and hash; a mirror that does not list them is asked for each file."""
    size, sha256 = sibling.size, sibling.lfs.sha256 if sibling.lfs else ""
    git = "" if sha256 else sibling.blob_id or ""
    if size is None or not (sha256 or git):
        measured, tag = hub.measure(repository, commit, sibling.rfilename)
        size = measured if size is None else size
        sha256, git = (tag if len(tag) == 64 else "", tag if len(tag) == 40 else "")
    if type(size) is not int or size < 0 or not _is_hex(sha256 + git):
        raise DownloadBroken(
            _("The hub does not say how large {name} in {repository} is.").format(
                name=sibling.rfilename, repository=repository
            ),
            _("Try again later, or choose another version of the model."),
        )
    return RecordedFile(sibling.rfilename, size, sha256.lower(), git.lower())


def _is_hex(text: str) -> bool:
    return len(text) in (0, 40, 64) and all(sign in "0123456789abcdefABCDEF" for sign in text)


def _is_mlx(info: ModelInfo, config: dict[str, Any]) -> bool:
    """Whether MLX wrote the weights: the repository says so, or they are quantised the way that only MLX does."""
    quantization = config.get("quantization")
    if isinstance(quantization, dict) and "group_size" in quantization:
        return True
    return info.library_name == "mlx" or "mlx" in (info.tags or [])


def _read_licence(info: ModelInfo) -> str:
    """The licence's short name, as the hub's label has it."""
    labels = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    return labels[0] if labels else ""


def _no_model(where: str, why: str) -> ModelBroken:
    return ModelBroken(
        _("The model in {where} cannot be used: {why}.").format(where=where, why=why),
        _("Choose another one, such as Magistral Small in MLX form."),
        "model.choose",
    )
