"""Downloads over HTTP into a folder: several files at once, resumed from the last byte, verified by size and hash."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import functools
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Message, StudioError
from studio.models.sources.download_folder import FILES, PARTS, FilePart, RemoteFile, bytes_of, demand_names
from studio.system import storage

if TYPE_CHECKING:
    import ssl

    import httpx2

LOOK = 0.1  # seconds between two reports
REDIRECTS = 10
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGES = (".html", ".htm", ".xhtml", ".md", ".txt")  # files that may look like a web page

Report = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Patience:
    """How a server is treated. `waits` are the seconds before each new attempt that follows one without any progress,
    `stall` those without a byte after which an attempt ends, `longest` those that a server may ask to wait for.
    `parallel` is how many files are fetched at once.
    """

    waits: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0)
    stall: float = 30.0
    longest: float = 120.0
    parallel: int = 3


PATIENCE = Patience()


class OutOfReach(StudioError):
    """No server of it answered, or none has it: another source may."""


class FileMissing(OutOfReach):
    """The server has no such file, or no longer."""


class DownloadRefused(OutOfReach):
    """The server does not give the file to this user. `code` is the status of HTTP: 401 or 403."""

    def __init__(self, file: RemoteFile, code: int) -> None:
        super().__init__(
            "{host} does not give {name} to you (HTTP {code}).",
            "It may need a token, or a licence that is accepted there.",
            host=file.host,
            name=file.name,
            code=code,
        )
        self.code = code


class _Again(Exception):
    """An attempt ended without the whole file. `after` are the seconds that the server asks to wait."""

    def __init__(self, said: Message, after: float | None = None, reached: bool = True) -> None:
        super().__init__(said)
        self.said, self.after, self.reached = said, after, reached


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    report: Report = lambda done, total: None,
    *,
    title: str = "",
    into: str = FILES,
    token: str = "",
    patience: Patience | None = None,
) -> list[Path]:
    """Fetch what is missing of the files into `folder`/`into`; returns their paths, in order. Within `claimed`.

    `report(done, total)` is called several times a second from this thread with bytes of all files, `total` being 0
    while a size is unknown; what it raises ends the download and passes through. What has come stays in the folder,
    and the next call goes on from its last byte, whoever ended this one.
    `token` is sent to the host of a file's URL alone, and to it only through TLS or within this machine.

    BadInput for names that no file may have; OutOfReach where nothing answers or a file is not there; DownloadRefused;
    StudioError where a server fails again and again, sends another file than was published, or the disk has no room;
    OSError where the disk fails.
    """
    demand_names([file.name for file in files])
    (folder / into).mkdir(parents=True, exist_ok=True)
    (folder / PARTS).mkdir(exist_ok=True)
    parts = [FilePart(file, folder, into) for file in files]
    run = _Download(parts, folder, report, title or files[0].name, token, patience or PATIENCE)
    # A loop of our own kind: what a program around us has chosen as its loop may be Qt's.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(run.all())


class _Download:
    """One call of `download`."""

    def __init__(
        self, parts: Sequence[FilePart], folder: Path, report: Report, title: str, token: str, patience: Patience
    ) -> None:
        self._folder, self._report, self._title = folder, report, title
        self._token, self._patience = token, patience
        self._parts = parts
        self._answered = False  # whether any server has answered
        self._stopped = False

    async def all(self) -> list[Path]:
        import httpx2

        missing = [part for part in self._parts if not part.whole]
        self._demand_free_space(sum(max(0, (part.total or 0) - part.length) for part in missing))
        if missing:
            limit = self._patience.stall
            async with httpx2.AsyncClient(
                verify=_certificates(),
                timeout=httpx2.Timeout(limit, connect=min(limit, 15.0), pool=None),
                headers={"User-Agent": "aigc-studio", "Accept": "*/*", "Accept-Encoding": "identity"},
            ) as client:
                await self._fetch_all(client, missing)
        self._tell()
        return [part.target for part in self._parts]

    async def _fetch_all(self, client: httpx2.AsyncClient, missing: Sequence[FilePart]) -> None:
        gate = asyncio.Semaphore(self._patience.parallel)

        async def fetch(part: FilePart) -> None:
            async with gate:
                await self._fetch(client, part)

        tasks = [asyncio.ensure_future(fetch(part)) for part in missing]
        pending = set(tasks)
        try:
            while pending:
                ended, pending = await asyncio.wait(pending, timeout=LOOK, return_when=asyncio.FIRST_EXCEPTION)
                self._tell()
                for task in ended:
                    task.result()
        finally:
            self._stopped = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for part in missing:
                part.close()

    def _tell(self) -> None:
        self._report(*bytes_of(self._parts))

    def _demand_free_space(self, need: int) -> None:
        storage.demand_free_space(self._folder, need, self._title)

    async def _fetch(self, client: httpx2.AsyncClient, part: FilePart) -> None:
        """Fetch one file, in as many attempts as it takes."""
        waits, furthest, tries = self._patience.waits, part.length, 0
        while True:
            try:
                await self._attempt(client, part)
                await self._verify(part)
                return
            except _Again as again:
                part.close()
                if part.length > furthest:
                    furthest, tries = part.length, 0
                # Where nothing has answered yet there is no connection: one more attempt is enough.
                most = len(waits) if again.reached or self._answered else min(1, len(waits))
                if tries >= most or (again.after or 0.0) > self._patience.longest:
                    raise self._failed(part.file, again) from None
                await asyncio.sleep(max(waits[tries], again.after or 0.0))
                part.resumed, tries = part.length > 0, tries + 1

    def _failed(self, file: RemoteFile, again: _Again) -> StudioError:
        if not again.reached:
            return OutOfReach(
                "{title} cannot be fetched: {host} is out of reach ({reason}).",
                "Check the connection. What has come is kept, and fetching it again goes on from there.",
                title=self._title,
                host=file.host,
                reason=again.said,
            )
        return StudioError(
            "{name} could not be fetched from {host}: {reason}.",
            "What has come is kept: fetch it again later, and it goes on from there.",
            name=file.name,
            host=file.host,
            reason=again.said,
        )

    async def _verify(self, part: FilePart) -> None:
        if not part.hashed:
            await asyncio.to_thread(part.hash_there, lambda: self._stopped)
        if part.is_right:
            await asyncio.to_thread(part.finish)
            return
        resumed = part.resumed
        part.drop()
        if resumed:  # what was here before may have been torn by a crash of the machine
            raise _Again(Message("what was resumed had another hash than published, and was dropped"))
        raise StudioError(
            "{name} is another file than it should be: its hash differs.",
            "Nothing of it was kept. Fetch it again later, or from another network.",
            name=part.file.name,
        )

    async def _attempt(self, client: httpx2.AsyncClient, part: FilePart) -> None:
        """Fetch what is missing in one request. _Again where it ended before the end."""
        import httpx2

        if part.length and part.length == part.total:
            return
        headers = self._range(part)
        try:
            async with self._answer(client, part.file, headers) as answer:
                await self._take(part, answer)
        except httpx2.TimeoutException as error:
            connecting = isinstance(error, httpx2.ConnectTimeout)
            raise _Again(
                Message("it sent nothing for {seconds:g} seconds", seconds=self._patience.stall), reached=not connecting
            ) from None
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
                said = Message("no connection")
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    said = Message("its certificate is not trusted here")
                raise _Again(said, reached=False) from None
            raise _Again(Message("the connection broke off")) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, UnicodeError):
            raise StudioError("{host} gives no address that can be read.", host=part.file.host) from None

    def _range(self, part: FilePart) -> dict[str, str]:
        """The headers that ask for the rest. A part that nothing vouches for is dropped."""
        if not part.length:
            return {}
        etag, modified = str(part.note.get("etag") or ""), str(part.note.get("modified") or "")
        published = part.file.sha256 or part.file.git_sha1
        mark = etag if etag and not etag.startswith("W/") else modified
        if not mark and not published:
            part.drop()
            return {}
        return {"Range": f"bytes={part.length}-", **({"If-Range": mark} if mark else {})}

    @contextlib.asynccontextmanager
    async def _answer(
        self, client: httpx2.AsyncClient, file: RemoteFile, headers: dict[str, str]
    ) -> AsyncGenerator[httpx2.Response]:
        """The answer to a GET of the file, redirects followed. _Again where they have no end."""
        import httpx2

        url = httpx2.URL(file.url)
        home, seen, trusted = _origin(url), {str(url)}, bool(self._token)
        while True:
            trusted = trusted and _origin(url) == home and (url.scheme == "https" or url.host in LOOPBACK)
            own = {**headers, "Authorization": f"Bearer {self._token}"} if trusted else headers
            answer = await client.send(client.build_request("GET", url, headers=own), stream=True)
            self._answered = True
            try:
                if not answer.has_redirect_location:
                    yield answer
                    return
                target = url.join(answer.headers["Location"])
            finally:
                await answer.aclose()
            if target.scheme not in ("http", "https") or (
                url.scheme == "https" and target.scheme == "http" and target.host not in LOOPBACK
            ):
                raise StudioError(
                    "{host} redirects {name} to an address without encryption.",
                    "It was not followed. Fetch it from another place.",
                    host=file.host,
                    name=file.name,
                )
            url = target
            if str(url) in seen or len(seen) > REDIRECTS:
                raise _Again(Message("it redirects in a circle"))
            seen.add(str(url))

    async def _take(self, part: FilePart, answer: httpx2.Response) -> None:
        """Append the bytes of an answer to the part, or begin the part anew with them."""
        file, code = part.file, answer.status_code
        if code in (401, 403):
            raise DownloadRefused(file, code)
        if code in (404, 410):
            raise FileMissing(
                "{host} has no file {name}.", "It may have been moved or removed.", host=file.host, name=file.name
            )
        if code == 416:
            _whole(part, answer)
            return
        if code in (408, 425, 429) or code >= 500:
            raise _Again(Message("it is too busy (HTTP {code})", code=code), _retry_after(answer))
        if code not in (200, 206):
            raise StudioError("{host} does not answer as it should (HTTP {code}).", host=file.host, code=code)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _Again(Message("it packs the file on the way, though it was asked not to"))
        chunks = answer.aiter_raw()
        first = await anext(chunks, b"")
        _demand_no_page(file, answer, first)
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        start, total = _extent(part, answer)
        if file.size is not None and total is not None and total != file.size:
            raise _Again(
                Message("it has {there:,} bytes of it instead of {size:,}", there=total, size=file.size),
            )
        if code == 206 and (
            start != part.length
            or _differs(part.note.get("etag"), etag)
            or _differs(part.note.get("total"), total)
            or (not etag and _differs(part.note.get("modified"), modified))
        ):
            part.drop()
            raise _Again(Message("the file changed while it was fetched"))
        if code == 200:
            self._demand_free_space(max(0, (total or 0) - part.length))
            part.begin(etag, modified, total)
        elif not part.hashed:
            await asyncio.to_thread(part.hash_there, lambda: self._stopped)
        limit = file.size if file.size is not None else total
        chunk = first
        while chunk:
            if limit is not None and part.length + len(chunk) > limit:
                part.drop()
                raise _Again(Message("it sent more than it announced"))
            part.append(chunk)
            chunk = await anext(chunks, b"")
        if limit is not None and part.length < limit:
            raise _Again(Message("it ended too early"))


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Those that this machine trusts, or SSL_CERT_FILE and SSL_CERT_DIR name; read once."""
    import httpx2

    return httpx2.create_ssl_context()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _differs(before: Any, now: Any) -> bool:
    """Whether both are known, and not the same."""
    return bool(before) and bool(now) and before != now


def _extent(part: FilePart, answer: httpx2.Response) -> tuple[int, int | None]:
    """(offset, size of the whole file or None) of the bytes in an answer."""
    if answer.status_code == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
        if found is None:
            return -1, None
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _whole(part: FilePart, answer: httpx2.Response) -> None:
    """Return if the server says that there is nothing after what is here; _Again otherwise, with the part dropped."""
    found = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", "").strip())
    if found is not None and int(found[1]) == part.length and part.file.size in (None, part.length):
        return
    part.drop()
    raise _Again(Message("the file changed while it was fetched"))


def _demand_no_page(file: RemoteFile, answer: httpx2.Response, first: bytes) -> None:
    """_Again for a web page in the place of a file, as networks send that want a login."""
    if file.name.lower().endswith(PAGES):
        return
    page = answer.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
    if page or re.match(rb"\s*(<!doctype html|<html[\s>])", first[:200], re.IGNORECASE):
        raise _Again(Message("it answered with a web page instead"))


def _retry_after(answer: httpx2.Response) -> float | None:
    """The seconds that a server asks to wait, by its Retry-After: a number of seconds, or a date."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    return None
