"""The avatar page: the face being edited, and the tools beside the stage that edit it."""
