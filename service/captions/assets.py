"""What the agent is told about music and pictures: one fixed sentence for each role. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from service.model.job import AssetSpec

_SENTENCES = {
    "bgm": 'Play the uploaded file "{name}" as background music, quietly under the clip\'s own '
    "sound, from its start to its end.",
    "image": 'Show the uploaded picture "{name}" in the upper left corner, at a quarter of the '
    "frame's width, from the start to the end.",
    "logo": 'Show the uploaded logo "{name}" in the upper right corner, at an eighth of the '
    "frame's width, from the start to the end.",
}
ROLES = tuple(_SENTENCES)


def describe_assets(assets: Sequence[AssetSpec], names: Sequence[str]) -> str:
    """Says what to do with the assets, each by the name it has in the session; empty for none.

    The same assets give the same bytes in every variant.
    """
    if not names:
        return ""
    told = " ".join(
        _SENTENCES[asset.role].format(name=name) for asset, name in zip(assets, names, strict=True)
    )
    return f"Excepted from this are the files that were uploaded with the clip. {told}"
