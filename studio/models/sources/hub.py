"""The Hugging Face hub, or a mirror of it: which files a repository has, its newest commit, and the user's token.

HF_ENDPOINT names a mirror and HF_HUB_OFFLINE forbids all of it, as everywhere.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from studio.errors import BadInput, StudioError
from studio.models.sources.download import LOOPBACK, DownloadRefused, OutOfReach
from studio.models.sources.download_folder import RemoteFile
from studio.models.sources.offers import REPOSITORY, HubSource

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SECONDS = 15.0  # that the hub may take to answer
PREFIX = "hub:"
TOKEN_LIMIT = 1000  # characters
SERVICE, ACCOUNT = "AIGC Studio", "model hub"  # what the token is called in the system's keyring
TRUE = ("1", "ON", "YES", "TRUE")
GGUF, SAFE = ".gguf", ".safetensors"
TEXTS = (".json", ".txt", ".model", ".jinja", ".tiktoken")  # what is read beside weights
PICKLES = (".pth", ".pkl", ".pt")  # a single one may be a checkpoint that is converted

TokenPlace = Literal["keyring", "HF_TOKEN", "file", ""]


@dataclass(frozen=True, slots=True)
class HubListing:
    """What a repository has at a commit: the files to fetch, and the licence that its card names."""

    commit: str
    files: tuple[RemoteFile, ...]
    licence: str


class NotGranted(OutOfReach):
    """The hub does not give a repository to this user: a token is missing or not known, or a licence not accepted.

    `page` among the parameters of its advice is where that is mended.
    """


def parse_source(text: str) -> HubSource:
    """The source that "hub:owner/name[@revision][:file or pattern]" names; BadInput for anything else."""
    found = re.fullmatch(r"hub:([^@:\s]+)(?:@([^:\s]+))?(?::(\S.*))?", text)
    if found is None or not REPOSITORY.fullmatch(found[1]):
        raise BadInput(
            "{text!r} names no repository of the hub.",
            "Write hub:owner/name, and @revision or :file behind it where you want one.",
            text=text[:120],
        )
    return HubSource(found[1], (found[3],) if found[3] else (), found[2] or "main")


def listing(source: HubSource) -> HubListing:
    """The files of a source with their sizes and hashes, at the commit that its revision is now.

    A source without file names gets those that make up one model. OutOfReach where the hub is not asked or does not
    answer, has no such repository or does not show it; BadInput where the choice is the user's.
    """
    with _answers(source.repo) as api:
        info = api.model_info(source.repo, revision=source.revision, files_metadata=True, timeout=SECONDS)
        commit, entries = str(info.sha), {entry.rfilename: entry for entry in info.siblings or []}
        card: Any = info.card_data
        licence = getattr(card, "license", None)
    names = _chosen(source, list(entries))
    files: list[RemoteFile] = []
    for name in names:
        entry, known = entries[name], source.sha256.get(name, "")
        published = entry.lfs.sha256 if entry.lfs is not None else ""
        if known and published and known != published:
            raise StudioError(
                "{repo} has another {name} than the studio's list of models says.",
                "If you trust what is there now, get {source} instead.",
                repo=source.repo,
                name=name,
                source=f"{PREFIX}{source.repo}",
            )
        blob = "" if known or published else str(entry.blob_id or "")
        files.append(RemoteFile(address(source.repo, commit, name), name, entry.size, known or published, blob))
    return HubListing(commit, tuple(files), licence.lower()[:100] if isinstance(licence, str) else "")


def newest_commit(repo: str, revision: str = "main") -> str:
    """The commit that a branch of a repository is at now. Errors as `listing`."""
    with _answers(repo) as api:
        return str(api.model_info(repo, revision=revision, timeout=SECONDS).sha)


def refused(repo: str, error: DownloadRefused | None = None) -> NotGranted:
    """Why the hub does not give the files of a repository: its licence is to be accepted, or a token is missing."""
    if not token():
        return NotGranted(
            "{repo} is given only to people with an account who have accepted its licence.",
            "Accept it at {page}, make a token there, and give it to the studio with `studio models token set`.",
            repo=repo,
            page=_page(repo),
        )
    if error is not None and error.code == 401:
        return NotGranted(
            "The model hub does not know your token.",
            "Make a new one at {page}, and give it to the studio with `studio models token set`.",
            page=_page("settings", "tokens"),
        )
    return NotGranted(
        "{repo} is given only to people who have accepted its licence, and the account of your token has not.",
        "Accept it at {page}, then fetch it again.",
        repo=repo,
        page=_page(repo),
    )


def endpoint() -> str:
    """The address of the hub, or of the mirror that HF_ENDPOINT names."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def address(repo: str, commit: str, name: str) -> str:
    """Where a file of a repository is, at a commit."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo, name, revision=commit, endpoint=endpoint())


def _page(*parts: str) -> str:
    """The address of a page of the hub."""
    return "/".join((endpoint(), *parts))


def token() -> str:
    """The user's token: from the system's keyring, else from HF_TOKEN or huggingface_hub's own file; else empty."""
    return _find_token()[0]


def _token_to_send() -> str:
    """The token, where it goes through TLS or stays within this machine; empty otherwise."""
    place = urlsplit(endpoint())
    return token() if place.scheme == "https" or place.hostname in LOOPBACK else ""


def token_place() -> TokenPlace:
    """Where the token comes from; empty where there is none."""
    return _find_token()[1]


def set_token(text: str) -> None:
    """Keep a token in the system's keyring. BadInput for what cannot be one, StudioError where there is no keyring."""
    kept = text.strip()
    if not kept or len(kept) > TOKEN_LIMIT or not re.fullmatch(r"[!-~]+", kept):
        raise BadInput("That is no token.", "Copy it whole from the page where you made it; it begins with hf_.")
    try:
        import keyring

        keyring.set_password(SERVICE, ACCOUNT, kept)
    except Exception as error:  # each keyring raises its own
        raise _no_keyring() from error


def remove_token() -> bool:
    """Delete the token in the keyring; returns whether there was one. Others than the studio's are left alone."""
    if not _from_keyring():
        return False
    try:
        import keyring

        keyring.delete_password(SERVICE, ACCOUNT)
    except Exception as error:  # each keyring raises its own
        raise _no_keyring() from error
    return True


def _no_keyring() -> StudioError:
    return StudioError(
        "This system has no keyring that is open, so the token was not changed.",
        "Set the variable HF_TOKEN instead, or log in with `hf auth login`.",
    )


def _from_keyring() -> str:
    with contextlib.suppress(Exception):  # without a desktop there may be none, or a locked one
        import keyring

        return keyring.get_password(SERVICE, ACCOUNT) or ""
    return ""


def _find_token() -> tuple[str, TokenPlace]:
    if kept := _from_keyring():
        return kept, "keyring"
    if _is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        return "", ""
    found = ""
    with contextlib.suppress(Exception):  # a file that cannot be read is no token
        from huggingface_hub import get_token

        found = get_token() or ""
    return found, ("HF_TOKEN" if os.environ.get("HF_TOKEN") else "file") if found else ""


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").upper() in TRUE


@contextlib.contextmanager
def _answers(repo: str) -> Generator[HfApi]:
    """The hub, to be asked about a repository; its errors become OutOfReach in words."""
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        raise OutOfReach(
            "The model hub is not asked, since this machine is set to be offline (HF_HUB_OFFLINE).",
            "Unset that variable to fetch {repo}.",
            repo=repo,
        )
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub import errors as failures

    host = re.sub(r"^\w+://(?:[^/@]*@)?", "", endpoint())
    try:
        yield HfApi(endpoint=endpoint(), token=_token_to_send() or False, library_name="aigc-studio")
    except StudioError:
        raise
    except (failures.GatedRepoError, failures.DisabledRepoError) as error:
        raise refused(repo) from error
    except failures.RevisionNotFoundError as error:
        raise OutOfReach(
            "{repo} has no such revision.", "Look at {page} for those it has.", repo=repo, page=_page(repo)
        ) from error
    except failures.RepositoryNotFoundError as error:
        raise OutOfReach(
            "The model hub has no {repo}, or does not show it to you.",
            "Check its name. For a private one, give the studio your token with `studio models token set`.",
            repo=repo,
        ) from error
    except failures.HfHubHTTPError as error:
        code = error.response.status_code
        if code in (401, 403):
            raise refused(repo) from error
        raise OutOfReach(
            "{host} does not answer as it should (HTTP {code}).", "Try again later.", host=host, code=code
        ) from error
    except (httpx2.HTTPError, OSError) as error:
        raise OutOfReach(
            "{repo} cannot be fetched: {host} is out of reach.",
            "Check the connection. Everything else works without it.",
            repo=repo,
            host=host,
        ) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise OutOfReach(
            "{host} does not answer as a model hub does.",
            "A network that wants a login may answer in its place: open a page in a browser, then try again.",
            host=host,
        ) from error


def _chosen(source: HubSource, names: Sequence[str]) -> list[str]:
    """The files of a repository that belong to the source; those that make up one model where it names none."""
    if source.files:
        missing = [pattern for pattern in source.files if not fnmatch.filter(names, pattern)]
        exact = [pattern for pattern in missing if not re.search(r"[*?\[]", pattern)]
        if exact or len(missing) == len(source.files):
            raise OutOfReach(
                "{repo} has no file {name}.",
                "Look at {page} for those it has.",
                repo=source.repo,
                name=(exact or missing)[0],
                page=_page(source.repo, "tree", source.revision),
            )
        wanted = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in source.files)]
        return sorted({*wanted, *(name for name in names if _tells_terms(name))})
    return sorted(model_files(names, source.repo))


def model_files(names: Sequence[str], repo: str) -> list[str]:
    """Of the files of a repository those that make up one model in a format that the studio reads.

    A folder of diffusers with its parts; else the safetensors beside config.json; else the one GGUF file, all its
    parts; else the one checkpoint. BadInput where there is none, or where several are there to choose from.
    """
    top = [name for name in names if "/" not in name]
    texts = [name for name in top if name.endswith(TEXTS) or _tells_terms(name)]
    if "model_index.json" in top:
        parts = [name for name in names if name.count("/") == 1 and name.endswith((SAFE, *TEXTS))]
        return [*texts, *_without_variants(parts)]
    weights = _without_variants([name for name in top if name.endswith(SAFE)])
    if weights and "config.json" in top:
        whole = [name for name in weights if not name.startswith("consolidated")]
        return [*texts, *(whole or weights)]
    for suffix in ((GGUF,), (SAFE,), PICKLES):
        found = [name for name in (names if suffix == (GGUF,) else top) if name.lower().endswith(suffix)]
        models = sorted({re.sub(r"-\d{5}-of-\d{5}(?=\.gguf$)", "", name) for name in found})
        if len(models) > 1:
            raise BadInput(
                "{repo} has {count} models: {names}.",
                "Say which one: {example}.",
                repo=repo,
                count=len(models),
                names=", ".join(models[:12]) + (", …" if len(models) > 12 else ""),
                example=f"{PREFIX}{repo}:{models[0]}",
            )
        if models:
            return [*texts, *found]
    raise BadInput(
        "{repo} has no model that the studio reads.",
        "It needs safetensors, GGUF, or a checkpoint that can be converted.",
        repo=repo,
    )


def _tells_terms(name: str) -> bool:
    """Whether a file is the card of the model, or says on which terms it may be used."""
    return name == "README.md" or ("/" not in name and name.upper().startswith(("LICENSE", "LICENCE", "NOTICE")))


def _without_variants(names: Sequence[str]) -> list[str]:
    """The names without those of a second copy in another precision ("x.fp16.safetensors" beside "x.safetensors")."""
    plain = {name for name in names if not re.search(r"\.(fp16|bf16|fp8|non_ema|ema_only)\b", name)}
    parents = {PurePosixPath(name).parent for name in plain if name.endswith(SAFE)}
    return [name for name in names if name in plain or PurePosixPath(name).parent not in parents]


def parse_commit(recorded: str) -> tuple[str, str]:
    """(repository, commit) of the source that a model's model.toml records; two empty texts where it is another one."""
    found = re.fullmatch(r"hub:([^@:\s]+)@([0-9a-f]{40})", recorded)
    return cast("tuple[str, str]", found.groups()) if found else ("", "")


def recorded(source: HubSource, commit: str) -> str:
    """What a model's model.toml says of where it comes from."""
    return f"{PREFIX}{source.repo}@{commit}"
