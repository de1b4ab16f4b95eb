"""The project's settings with a channel layer that loses every message."""

from typing import Any

from sessions_app.channel_layer import LocalChannelLayer
from yera_project.settings import *  # noqa: F403

CHANNEL_LAYERS = {"default": {"BACKEND": "tests.settings_without_hints.SilentLayer"}}


class SilentLayer(LocalChannelLayer):
    """Drops all, as at-most-once delivery allows."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        pass
