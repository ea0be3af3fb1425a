"""The training page of avatars: the common page with the form, the check and the words for pictures."""

from __future__ import annotations

from collections.abc import Callable

from studio.backends.avatar.requests import MEDIUM
from studio.studio import Studio
from studio.ui.avatar.training.form import AvatarTrainingForm
from studio.ui.avatar.training.picture_check import PictureCheck
from studio.ui.bridge import Bridge
from studio.ui.panel.panel import Panel
from studio.ui.training.page import TrainingPage
from studio.ui.training.parts import TrainingWords
from studio.ui.widgets.text import tr


def training_page(studio: Studio, bridge: Bridge, open_panel: Callable[[str], Panel | None]) -> TrainingPage:
    form = AvatarTrainingForm(studio.catalog)
    words = TrainingWords(
        start=tr("Train on these pictures; you can keep working meanwhile"),
        drop=tr("Drop a folder of pictures to train on"),
        intro=(
            tr("Train a model on your own pictures"),
            tr("Choose or drop a folder of similar pictures: faces, characters, icons."),
            tr("A few hundred are enough to start. Nothing leaves this computer."),
            tr("Without a graphics card, first results take hours and good ones days."),
            tr("Training yields while you work, and you can pause or stop it at any time."),
        ),
    )
    return TrainingPage(studio, bridge, open_panel, MEDIUM, form, PictureCheck(form), words)
