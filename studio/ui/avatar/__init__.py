"""The avatar page: the face being edited, and the tools beside the stage that edit it."""

from studio.ui.plugin import Plugin

PLUGIN = Plugin(
    inspector="studio.ui.avatar.inspector:AvatarInspector",
    commands="studio.ui.avatar.commands:COMMANDS",
    training_page="studio.ui.training.page:TrainingPage",
)
