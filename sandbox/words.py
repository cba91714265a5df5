"""What the agent says when it is done. Pure."""

from __future__ import annotations

from sandbox.agent import Kind, Plan
from sandbox.edit import Edit

TROUBLE = "I encountered a temporary issue. Please try again."
APOLOGY = "I'm sorry, I could not complete this edit. Please try again later."
THOUGHT = "The user wants captions; I will call the editing tool."

_NOTHING = "I could not find a matching video or any caption within it, so I changed nothing."
_EXPORT = " Click the Export button when you are ready."
#: One phrase of each kind that appendix B of the protocol translates.
_GUI = (
    " Click the Export button when you are ready. Open the Captions panel to see every line. Drag "
    "the caption up if it covers a face. Preview it in the timeline. Check your account or billing "
    "page for your credits. Go to Settings to change the language. 点击“导出”按钮，打开字幕面板，"
    "拖拽字幕即可调整。"
)


def answer_text(plan: Plan, edit: Edit | None, *, claims: bool = False, gui: str = "few") -> str:
    """Writes the agent's closing words.

    Args:
        plan: What the message asked for.
        edit: What was done.
        claims: Whether it says to have done what it has not.
        gui: How many instructions for a graphical interface it adds: none, few or many.
    """
    tail = {"none": "", "few": _EXPORT, "many": _GUI}[gui]
    if plan.edits and (claims or edit is None):
        return f"Done: the captions are in place.{tail}" if claims else _NOTHING
    match plan.kind:
        case Kind.EXPORT_WORDS:
            return "Your timeline is ready." + tail
        case Kind.NO_CAPTIONS:
            return (
                "I cannot transcribe speech here, so I changed nothing. Please send the captions "
                "as SRT, WebVTT or a plain script."
            )
        case Kind.TALK:
            return "I did not find an editing task in this message, so I changed nothing."
        case Kind.GENERATE:
            return "I generated a clip and put it into your media panel."
        case Kind.STRIP:
            return "I removed what was added beside your clip and your captions." + tail
        case _:
            edit = edit or Edit("")
            return f"Done: {edit.cues} captions in {edit.filename}, {edit.preset} style." + tail
