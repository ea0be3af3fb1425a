"""A person's edits of a work's text: a document beside the library; the work itself is not changed."""

from __future__ import annotations

from pathlib import Path

from studio.documents.document import Document, DocumentVersion, listing
from studio.errors import BadInput
from studio.library.library import Asset
from studio.ui.widgets.text import failure

KIND = "text"


class TextDraft:
    """The draft of one work, in a folder of its own below `documents`; created when something is first written.

    `text` is what was last written, `original` the text of the work. Every method raises StudioError if the document is
    open in another window, or cannot be read or written.
    """

    def __init__(self, documents: Path, asset: Asset, original: str) -> None:
        self._folder = documents / "texts" / Path(asset.id).name
        self._asset, self.original = asset, original
        self._document: Document | None = None
        self.text = original
        self.exists = bool(listing(self._folder))
        if self.exists:
            self._read(self._open())

    @property
    def edited(self) -> bool:
        return self.text != self.original

    @property
    def saved(self) -> bool:
        return self._document is None or self._document.saved

    @property
    def save_error(self) -> str:
        """Why the last changes could not be saved; empty if they could."""
        error = self._document.save_error if self._document is not None else None
        return "" if error is None else failure(error)[0]

    def write(self, text: str) -> None:
        """Write the text: it is on disk within a second, and a version is saved every ten minutes."""
        if text != self.text:
            self._open().edit({"text": text}, works=[self._asset.id])
            self.text = text

    def versions(self) -> list[DocumentVersion]:
        """The saved versions, newest first."""
        return self._open().versions() if self.exists else []

    def text_of_version(self, number: int) -> str:
        return str(self._open().version_content(number).get("text", self.original))

    def save_version(self) -> None:
        """Save the present text as a version."""
        self._open().save_version()

    def restore(self, number: int) -> None:
        """Go back to a version; the present text becomes a version too."""
        document = self._open()
        document.restore(number)
        self._read(document)

    def revert(self) -> None:
        """Go back to the work's own text; the present text becomes a version."""
        if self.edited:
            self.save_version()
            self.write(self.original)

    def close(self) -> None:
        """Save and close the document; the next change opens it again."""
        document, self._document = self._document, None
        if document is not None:
            document.close()

    def _open(self) -> Document:
        if self._document is None:
            found = listing(self._folder)
            title = self._asset.title or self._asset.id
            made = Document.create(self._folder, KIND, title, {"text": self.original}) if not found else None
            self._document = made or Document(found[0].folder)
            self.exists = True
        return self._document

    def _read(self, document: Document) -> None:
        text = document.content.get("text", self.original)
        if not isinstance(text, str):
            raise BadInput("The document of this text is damaged.")
        self.text = text
