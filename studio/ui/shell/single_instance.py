"""One window for each studio folder: a second start raises the first window."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT = 500  # milliseconds that a living window has to answer


def server_name(state: Path) -> str:
    """The name of the local socket of this folder's window."""
    return "aigc-studio-" + hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]


def raise_other(name: str) -> bool:
    """Ask the window of that name to come to the front; False where there is none."""
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(WAIT):
        return False
    socket.write(b"raise\n")
    socket.waitForBytesWritten(WAIT)
    socket.disconnectFromServer()
    return True


class InstanceServer(QObject):
    """Answers later starts; `raise_requested` says that one came."""

    raise_requested = Signal()

    def __init__(self, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._meet)
        if not self._server.listen(name):
            QLocalServer.removeServer(name)  # nobody answered there: it was left by a crash
            self._server.listen(name)

    def _meet(self) -> None:
        socket = self._server.nextPendingConnection()
        if socket is not None:
            socket.disconnected.connect(socket.deleteLater)
            self.raise_requested.emit()

    def close(self) -> None:
        self._server.close()
