"""A style in natural words, for an agent that does not know our presets. Pure."""

from __future__ import annotations

from service.captions.safe_area import EDGES
from service.captions.style import Style

_BOLD_FROM = 600
_ANIMATIONS = {
    "karaoke": "each word turns {color} when it is spoken",
    "pop": "words pop up as they are spoken, the spoken one in {color}",
}
_ANIMATIONS_ZH = {
    "karaoke": "随语音逐词变为{color}",
    "pop": "字词随语音弹出，当前词为{color}",
}
_POSITIONS_ZH = {"top": "顶部", "middle": "中间", "bottom": "底部"}
_ALIGNMENTS_ZH = {"left": "左对齐", "center": "居中", "right": "右对齐"}
_EDGES_ZH = {"top": "上边距", "bottom": "下边距", "left": "左边距", "right": "右边距"}


def describe_look(style: Style) -> str:
    """Describe a look in one English sentence."""
    weight = "bold" if style.weight >= _BOLD_FROM else "regular weight"
    parts = [
        f"text in {style.color}, {weight} ({style.weight}), font {style.font}",
        f"letters {style.size:g}% of the frame's short side high",
    ]
    if style.outline_width:
        width = f"{style.outline_width:g} px wide at 1080 lines"
        parts.append(f"a {style.outline_color} outline {width}")
    else:
        parts.append("no outline")
    if style.box:
        parts.append(f"on a {style.box_color} box of {(style.box_opacity or 0) * 100:g}% opacity")
    else:
        parts.append("no box behind it")
    place = "safe area" if style.safe_area else "frame"
    parts.append(f"at the {style.position} of the {place}, aligned {style.alignment}")
    if style.safe_area:
        edges = (f"{edge} {getattr(style.safe_area, edge):g}%" for edge in EDGES)
        parts.append(
            "every caption with its outline and box inside the safe area, which leaves free of the "
            f"frame: {' / '.join(edges)}"
        )
    if style.case == "upper":
        parts.append("all in capital letters")
    if style.words_per_line:
        parts.append(f"at most {style.words_per_line} words per line")
    if style.animation in _ANIMATIONS:
        parts.append(_ANIMATIONS[style.animation].format(color=style.highlight_color))
    return ", ".join(parts) + "."


def describe_look_zh(style: Style) -> str:
    """Describe a look in one Chinese sentence."""
    weight = "粗体" if style.weight >= _BOLD_FROM else "常规字重"
    weight = f"{weight}（{style.weight}）"
    parts = [f"文字颜色{style.color}，{weight}，字体{style.font}，字高为画面短边的{style.size:g}%"]
    if style.outline_width:
        parts.append(f"{style.outline_color}描边，1080线时宽{style.outline_width:g}像素")
    else:
        parts.append("无描边")
    if style.box:
        opacity = (style.box_opacity or 0) * 100
        parts.append(f"{style.box_color}底框，不透明度{opacity:g}%")
    else:
        parts.append("无底框")
    place = "安全区" if style.safe_area else "画面"
    parts.append(f"位于{place}{_POSITIONS_ZH[style.position]}，{_ALIGNMENTS_ZH[style.alignment]}")
    if style.safe_area:
        edges = (f"{_EDGES_ZH[edge]}{getattr(style.safe_area, edge):g}%" for edge in EDGES)
        parts.append(f"字幕连同描边和底框都在安全区内，安全区离画面边缘：{'、'.join(edges)}")
    if style.case == "upper":
        parts.append("全部大写")
    if style.words_per_line:
        parts.append(f"每行最多{style.words_per_line}个词")
    if style.animation in _ANIMATIONS_ZH:
        parts.append(_ANIMATIONS_ZH[style.animation].format(color=style.highlight_color))
    return "，".join(parts) + "。"
