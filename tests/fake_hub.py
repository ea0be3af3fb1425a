"""A local model hub for tests: repositories at commits, with sizes and hashes, gated or not."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.file_server import FileServer, Handler

FIRST, SECOND = "a" * 40, "b" * 40


@dataclass
class Repository:
    """Files by name at each commit, the newest commit, and the token that is asked for where it is gated."""

    commits: dict[str, dict[str, bytes]]
    head: str = FIRST
    token: str = ""
    licence: str = "mit"
    small: tuple[str, ...] = (".json", ".md", ".txt")  # in git itself, without a sha256


@dataclass
class FakeHub:
    """Answers for a FileServer. Files that are not small are redirected to `/cdn/`, where no token may arrive."""

    server: FileServer
    repositories: dict[str, Repository] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.answers = self.answer

    def add(self, name: str, files: dict[str, bytes], **facts: Any) -> Repository:
        self.repositories[name] = made = Repository({FIRST: files}, **facts)
        return made

    def fetched(self, name: str) -> list[tuple[int, int]]:
        """(first byte, bytes sent) of the answers with bytes of a file of that name."""
        return [body for path in {one.path for one in self.server.log} if path.endswith(f"/{name}")
                for body in self.server.bodies(path)]  # fmt: skip

    def answer(self, handler: Handler) -> bool:
        path = unquote(urlsplit(handler.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(handler, found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(handler, found[1], found[2], found[3])
        else:
            return False
        return True

    def _info(self, handler: Handler, name: str, revision: str) -> None:
        repository = self.repositories.get(name)
        if repository is None:
            handler.answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        commit = repository.head if revision == "main" else revision
        files = repository.commits.get(commit)
        if files is None:
            handler.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings: list[dict[str, Any]] = []
        for path, data in files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            entry = {"rfilename": path, "size": len(data), "blobId": blob}
            if not path.endswith(repository.small):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            siblings.append(entry)
        gated = "manual" if repository.token else False
        card = {"license": repository.licence}
        said = {"id": name, "sha": commit, "siblings": siblings, "gated": gated, "cardData": card, "tags": []}
        handler.answer(200, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def _file(self, handler: Handler, name: str, revision: str, path: str) -> None:
        repository = self.repositories[name]
        if repository.token and handler.headers.get("Authorization") != f"Bearer {repository.token}":
            code = 403 if handler.headers.get("Authorization") else 401
            handler.answer(code, b"gated", {"X-Error-Code": "GatedRepo"})
            return
        data = repository.commits.get(revision, {}).get(path)
        if data is None:
            handler.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif path.endswith(repository.small):
            handler.serve(data)
        else:
            where = f"/cdn/{revision}/{path}"
            self.server.files[where] = data
            handler.answer(302, b"", {"Location": where, "X-Repo-Commit": revision, "X-Linked-Size": str(len(data))})
