"""What a wish is about: the video, material that would have to be generated, or something else.

Plain orders to generate, unless the job allows them, and what plainly is about something else are
refused (V19): both would be paid for. What is in doubt is about the video, for refusing what was
meant is the worse error, and the message to the agent bounds the wish anyway. A subject (weather,
AI, a hotel) never decides, only the order or question that a sentence begins with; so one that
begins with a "not" is none. Quoted words are content and tell nothing. Pure.
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


# A number before the stop is a step of a list: "2. Generate an image" tells what is shown.
_SENTENCE = _compile(
    r"(?<!\d)[.!?]\s|[。！？；;\n]|,\s*(?=(?:please|can you|could you)\b)|，(?=请|帮我|给我)"
)
_POLITE = (
    r"\s*(?:(?:please|pls|hi|hello|hey|there|thanks|ok(?:ay)?|now|then|also|and|can|could|would"
    r"|will|you|i|we|want|need|would like|i'd like|to|go ahead|help me)\b[\s,]*)*"
)
_ZH_POLITE = r"(?:请|麻烦|帮我|给我|替我|你好|您好|你|能不能|能否|可以|我想要?|我要|然后|[\s，,])*"
_CAPTION = (
    r"(?:caption(?:s|ed|ing)?|subtitle[sd]?|subs|texts?|titles?|typo|karaoke|lyrics?|fonts?|letters"
    r"|lettering|words?|lower[- ]thirds?)"
)
#: What only generated material is called; "a video" may also be the captioned one.
_FOREIGN = (
    r"(?:footage|b-?roll|images?|pictures?|photos?|illustrations?|portraits?|paintings?|cartoons?"
    r"|avatars?|voice-?overs?|narrations?|(?:music|audio)(?: tracks?)?|songs?|soundtracks?"
    r"|melod(?:y|ies)|jingles?|intros?|outros?)"
)
#: Between a verb and its object stand none of these, or the object is another one.
_NOT_BETWEEN = (
    rf"(?:{_CAPTION}|of|with|for|in|on|at|to|from|by|into|through|against|before|after|like|as|than"
    r"|and|or|where|when|it|is|are|the|my|our|your|its|this|that)"
)
_ORDER = _compile(
    rf"{_POLITE}(?P<verb>generate|synthesi[sz]e|create|make|produce|compose|draw|paint|add|insert)"
    rf"\s+(?:(?:me|us)\s+)?(?P<what>(?:(?!{_NOT_BETWEEN}\b)[\w'-]+\s+){{0,5}}?)"
    rf"(?:(?P<foreign>{_FOREIGN})|(?:videos?|clips?|films?|movies?|scenes?|shots?|animations?))"
    r"(?=\s*(?:$|[,.!?:]|(?:of|from|for|with|in|at|on|to|showing|that|which|where|about|and|or"
    r"|behind|as|by|over|under|between|after|before|using|please)\b))(?P<rest>.*)"
)
_ARTICLE = _compile(r"(?:an?|some|any|another|more|new|two|three|four|five|\d+|ai)\b")
_BY_AI = _compile(r"\bai\b|\bgenerated\b")
#: "a video of a cat", but neither "of this" nor "an animation of the words".
_SHOWS = _compile(
    r"\s*of\s+(?!(?:the|this|it|my|our|that|these|me|us|what|how|each|every|all|two|three|\d+)\b"
    rf"|(?:(?!with\b|and\b)[\w'-]+\s+){{0,7}}{_CAPTION}\b)"
)
_DRESSED = _compile(rf"\s*(?:with|as|in|from)\b.{{0,60}}\b{_CAPTION}\b")
_OWN = _compile(r"\b(?:assets?|upload\w*|logo|watermark|attached|project|library|my)\b")

_ZH_PIECE = r"(?:[一两二三四五几\d]*[个张段首幅部条支份]|一些)"
_ZH_WHAT = r"(?:(?!字|标题|歌词|配合|适合|根据)[^，,。]){0,12}?"
_ZH_FOREIGN = r"(?:图片|图像|照片|插画|插图|图|(?<!动)画|音乐|歌曲?|配乐|配音|旁白)"
_ZH_ORDER = _compile(
    rf"{_ZH_POLITE}(?:(?:生成|创作|(?:制作|做|画|作|写){_ZH_PIECE}){_ZH_WHAT}{_ZH_FOREIGN}"
    rf"|生成{_ZH_WHAT}(?:画面|镜头|素材)"
    rf"|生成{_ZH_PIECE}(?!{_ZH_WHAT}(?:[更新感式版]|风格|好看)){_ZH_WHAT}(?:视频|影片|短片))"
    r"(?=$|[\s，,.!?]|并|然后|放在|放到|作为|吧|来|给)"
)

#: What makes any question or order one about the video.
_VIDEO = _compile(
    rf"\b(?:{_CAPTION}|videos?|clips?|footage|scenes?|shots?|frames?|screen|timeline|audio|volume"
    r"|voice|logo|watermark|sty(?:les?|led|ling)|outlines?|box(?:es)?|shadows?|animat\w+|bold"
    r"|italics?|caps|capitali[sz]\w+|\w+case|monospace|colou?rs?|highlight\w*|lines?|corner|left"
    r"|right|cent(?:er|re)d?|bigger|smaller|larger|slower|faster|white|yellow|gold|red|green|blue"
    r"|emojis?|speak\w*|talking|version|punchline|cards?|should|must|show[ns]?|appears?|quiz)\b|字|视频|影片|颜色|[白黑黄红绿蓝橙粉紫金]色|标题|背景|风格|翻译"
)
#: Asked of a clerk, a search engine or a friend; read from the beginning of the whole text.
_ELSEWHERE = _compile(
    rf"{_POLITE}(?:(?:(?:write|compose|draft)\s+(?:me\s+)?(?:an?|some)\s+(?:[\w'-]+\s+){{0,3}}?"
    r"(?:poem|haiku|story|essay|e-?mail|letter|code|function|novel|tweet|resume)"
    r"|(?:tell|give)\s+(?:me|us)\s+an?\s+(?:[\w'-]+\s+){0,3}?(?:joke|story|recipe|poem))"
    r"(?=\s*(?:$|[.,!?]|(?:for|about|on|to|that|which|please)\b))"
    r"|(?:recommend|(?:book|order|find)\s+me)\s+an?\s+(?:\w+\s+)?(?:flight|hotel|pizza|table"
    r"|restaurant|movie)\b"
    r"|help me with (?:my|the) (?:homework|taxes|essay)\b|solve\b[^.]{0,40}[=²^]"
    r"|what(?:'s| is| are| was)\s+(?:the\s+(?:weather(?=\s*\??$| like| in\b| today| tomorrow)"
    r"|(?:capital|population) of)|\d+\s*(?:[-+*/x×]|times|plus|minus|divided by))"
    r"|what time is it\b|who\s+(?:(?:won|invented|wrote)\s+the|(?:is|was)\s+the\s+(?:first|richest"
    r"|president|king|queen|prime minister))\b"
    r"|how (?:do|can) (?:i|you|we) (?:cook|bake|make money|lose weight)\b"
    r"|(?:who are you|what(?:'s| is) your name|what model are you|are you an? \w+)\s*\??$)"
)
_ZH_ELSEWHERE = _compile(
    rf"{_ZH_POLITE}(?:.{{0,8}}天气(?:怎么样|如何|好吗|好不好)|(?:今天|明天|后天)会?下[雨雪]吗"
    r"|写一?[首封篇个份].{0,8}(?:诗|邮件|信|文章|故事|代码|作文)|[讲说]一?个(?:笑话|故事)"
    r"|推荐一?[家个本部].{0,6}(?:餐厅|饭店|酒店|电影|书)|订一?[张间份].{0,6}(?:票|房|外卖)"
    r"|你是谁|你叫什么(?:名字)?)[\s?？。!！吧呢啊呀]*$"
)
_SMALL_TALK = _compile(
    r"\b(?:hi|hello|hey|good (?:morning|afternoon|evening|night|day)|thanks?(?: you)?|thx|great"
    r"|nice one|well done|bye|goodbye|cheers|how are you(?: doing)?(?: today)?)\b"
    r"|你好|您好|谢谢|多谢|再见|早上好"
)
_FILLER = _compile(r"\b(?:so|very|much|is|was|that(?:'s)?|there|everyone|ok(?:ay)?)\b|[了吧啊\W_]")


def read_topic(text: str) -> Topic:
    """What a wish is about; without words it is about the video."""
    words = mask(text).strip()
    # A script's or a title's own words may say anything.
    if any(_orders_material(sentence) for sentence in _SENTENCE.split(words)):
        return Topic.GENERATION
    if MASK in words or _VIDEO.search(words):
        return Topic.VIDEO
    asks_elsewhere = _ELSEWHERE.match(words) or _ZH_ELSEWHERE.match(words)
    return Topic.OTHER if asks_elsewhere or _is_small_talk(words) else Topic.VIDEO


def _orders_material(sentence: str) -> bool:
    """Whether it begins with a verb whose own object has to be generated."""
    if _ZH_ORDER.match(sentence):
        return True
    order = _ORDER.match(sentence)
    if order is None:
        return False
    verb, what, rest = order["verb"].lower(), order["what"], order["rest"]
    if verb in {"add", "insert"} and not _BY_AI.search(what):
        return False
    if order["foreign"]:
        named = verb != "make" or _ARTICLE.match(what)
        return bool(named) and not _OWN.search(what + rest) and not _DRESSED.match(rest)
    alone = verb == "generate" and _ARTICLE.match(what) and not rest.strip(" .!")
    return bool(alone or _SHOWS.match(rest))


def _is_small_talk(words: str) -> bool:
    """Whether a greeting or thanks is there and nothing else."""
    left, found = _SMALL_TALK.subn(" ", words)
    return found > 0 and not _FILLER.sub("", left)
