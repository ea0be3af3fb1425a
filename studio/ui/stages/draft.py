"""What a person has written on a work's text: a document beside the library, while the work itself stays as it was.

Knows files, no widgets.
"""

from __future__ import annotations

from pathlib import Path

from studio.documents.document import Document, DocumentVersion, listing
from studio.errors import BadInput
from studio.library.library import Asset

KIND = "text"


class TextDraft:
    """The draft of one work, in a folder of its own below `documents`; opened when it is there or first written.

    `text` is what was last written, `original` what the work says. Everything raises StudioError where the document is
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
        """Why the last changes could not be saved yet."""
        error = self._document.trouble if self._document is not None else None
        return "" if error is None else error.message

    def write(self, text: str) -> None:
        """It is on the disk within a second; how it was every ten minutes stays a version."""
        if text != self.text:
            self._open().edit({"text": text}, works=[self._asset.id])
            self.text = text

    def versions(self) -> list[DocumentVersion]:
        """What one can go back to, newest first."""
        return self._open().versions() if self.exists else []

    def text_of_version(self, number: int) -> str:
        """The text of a version."""
        return str(self._open().look(number).get("text", self.original))

    def save_version(self) -> None:
        """Make a version of what stands there now."""
        self._open().keep()

    def restore(self, number: int) -> None:
        """Go back to a version; how it was before becomes one too."""
        document = self._open()
        document.restore(number)
        self._read(document)

    def revert(self) -> None:
        """Go back to the work's own text; how it was before becomes a version."""
        if self.edited:
            self.save_version()
            self.write(self.original)

    def close(self) -> None:
        """Save, and let others open it; the next change opens it again."""
        document, self._document = self._document, None
        if document is not None:
            document.close()

    def _open(self) -> Document:
        if self._document is None:
            found = listing(self._folder)
            title = self._asset.title or self._asset.id
            made = Document.make(self._folder, KIND, title, {"text": self.original}) if not found else None
            self._document = made or Document(found[0].folder)
            self.exists = True
        return self._document

    def _read(self, document: Document) -> None:
        text = document.content.get("text", self.original)
        if not isinstance(text, str):
            raise BadInput("The document of this text is damaged.")
        self.text = text
