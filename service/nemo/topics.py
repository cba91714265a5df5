"""What a wish is about: the video, material that would have to be generated, or something else.

A wish that is not about the video is refused (V19), and so is one that makes the agent generate
unless the job allows it: both would be paid for. A wish in doubt counts as one about the video,
because refusing what was meant is the worse error. Quoted words are content and tell nothing. Pure.
"""

from __future__ import annotations

import re
from enum import StrEnum

from service.nemo.intents import MASK, mask


class Topic(StrEnum):
    VIDEO = "video"
    GENERATION = "generation"
    OTHER = "other"


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_NEW = r"(?:an?|some|any|another|more|new|extra|second|two|three|four|five|\d+|ai)"
_MATERIAL = (
    r"(?:videos?|clips?|footage|scenes?|shots?|b-?roll|images?|pictures?|photos?|illustrations?"
    r"|animations?|avatars?|voice-?overs?|narrations?|music|songs?|soundtracks?|intros?|outros?)"
)
#: Words between a verb and its material: few, and none that makes it captions after all.
_BETWEEN = (
    r"(?:(?!captions?\b|subtitles?\b|texts?\b|titles?\b|better\b|with\b|for\b|in\b|of\b)[\w'-]+\s+)"
)
_GENERATES = _compile(
    rf"\b(?:generat(?:e|ing)|synthesi[sz]e)\s+(?:me\s+)?{_BETWEEN}{{0,3}}{_MATERIAL}\b"
    rf"|\b(?:create|make|produce|compose|add|insert)\s+(?:me\s+)?(?:{_NEW}\s+){{1,2}}"
    rf"{_BETWEEN}{{0,2}}{_MATERIAL}\b(?=\s+(?:of|from|showing|with|where|in which)\b)"
    r"|\b(?:create|make|produce|compose)\s+(?:me\s+)?(?:an?\s+)?(?:another|new|second|extra)\s+"
    rf"{_BETWEEN}{{0,2}}{_MATERIAL}\b"
    r"|\bai[- ](?:generated\b|(?:voice|video|footage|image|music|avatar))"
    r"|生成.{0,8}(?:视频|影片|画面|片段|图片|图像|音乐|配音|镜头|动画)"
)

_CAPTIONS = _compile(
    r"\b(?:captions?|captioned|subtitles?|subs|texts?|titles?|typo|karaoke|fonts?|letters?)\b|字幕|文字|字体"
)
_VIDEO = _compile(
    r"\b(?:videos?|clips?|footage|scenes?|shots?|frames?|tracks?|timeline|music|bgm|sound|audio"
    r"|volume|voice|logo|watermark|pictures?|images?|style[ds]?|styling|outlines?|box(?:es)?|shadows?"
    r"|animations?|bold|italics?|caps|uppercase|lowercase|colou?rs?|highlight\w*|spacing|lines?"
    r"|words?|corner|top|bottom|left|right|middle|cent(?:er|re)\w*|position|lower|upper|third"
    r"|size|bigger|smaller|larger|thick\w*|thin\w*|slow\w*|fast\w*|bright\w*|dark\w*|white|black"
    r"|yellow|gold|red|green|blue|cyan|orange|pink|purple|gr[ae]y|emojis?|seconds?|export|variant"
    r"|version|translate[sd]?|transcri\w+|sync\w*|trim|crop|resolution)\b|#[0-9a-f]{3,6}\b"
    r"|视频|影片|颜色|[白黑黄红绿蓝橙粉紫金]色|音乐|标题|位置|背景|阴影|描边|风格|大写|粗|翻译|太[大小快慢]"
)
_SMALL_TALK = _compile(
    r"\b(?:hi|hello|hey|good (?:morning|afternoon|evening|night|day)|thanks?(?: you)?"
    r"(?: (?:so|very) much)?|thx|ok(?:ay)?|great|nice one|well done|bye|goodbye|cheers|there"
    r"|that(?:'s| is| was)?|everyone|all|again|how are you(?: doing)?(?: today)?|who are you"
    r"|what(?:'s| is) your name|what model are you|are you (?:an? )?(?:ai|bot|human|robot))\b"
    r"|你好|您好|谢谢|多谢|再见|早上好|你是谁|好的"
)
#: What is asked of a clerk, a search engine or a friend, and never of an editor of captions.
_ELSEWHERE = _compile(
    r"\b(?:write|compose|tell|give|draft|read|send)\b(?:\s+me)?\b.{0,24}\b(?:poems?|haikus?|jokes?"
    r"|stor(?:y|ies)|essays?|e-?mails?|recipes?|letters? to|code|functions?|scripts? that|advice"
    r"|blog|novel|tweet|cv|resume)\b"
    r"|\b(?:python|javascript|java|sql|html|homework|stock price|weather|horoscope|lottery|pizza"
    r"|restaurants?|flights?|hotels?|investment|capital of|president of|prime minister|world cup)\b"
    r"|\bwhat(?:'s| is| are)\s+\d+\s*(?:[-+*/x×]|times|plus|minus|divided by)"
    r"|\bsolve\b.{0,40}[=²^]|\bwhat time is it\b|\bwho (?:is|was|won|are)\b(?! (?:speak|talk))"
    r"|\bhow (?:do|can|should) (?:i|you|we) (?:cook|bake|build|learn|fix my|get to|make money)\b"
    r"|\b(?:explain|tell me about)\b"
    r"|天气|下雨|笑话|写一?[首封篇个](?:诗|邮件|信|文章|故事|代码)|讲个?(?:笑话|故事)|写.{0,4}邮件|作业"
)
_FILLER = _compile(r"\b(?:please|pls|so|very|much|and|it|is|you|me|the|a|an)\b|请|了|吧|啊|[^\w]|_")


def read_topic(text: str) -> Topic:
    """What a wish is about; without words it is about the video."""
    words = mask(text)
    # A script's or a title's own words may say anything.
    if _GENERATES.search(words):
        return Topic.GENERATION
    if _CAPTIONS.search(words):
        return Topic.VIDEO
    if _ELSEWHERE.search(words):
        return Topic.OTHER
    if _VIDEO.search(words) or MASK in words:
        return Topic.VIDEO
    talk = _SMALL_TALK.search(words)
    return Topic.OTHER if talk and not _left(words) else Topic.VIDEO


def _left(words: str) -> str:
    """What is left beside small talk and words that only fill."""
    return _FILLER.sub("", _SMALL_TALK.sub(" ", words))
