"""What is measured of a video before it is judged: plain frozen values. Pure, and no decoder.

Times are seconds on the clip's own line, from the start of its file. Boxes are x, y, width and
height as shares of the picture, from its upper left corner. Levels are steps of 8-bit video.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Box = tuple[float, float, float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Break:
    """A place where frames are missing or held: `frames` are lost (above 0) or added (below 0)."""

    at_s: float
    frames: float


@dataclass(frozen=True, slots=True)
class Patch:
    """Something that stands in the picture in all samples: where, and how strong in levels.

    `certain` says that captions cannot be it: they were away, or change in another place.
    """

    box: Box
    level: float
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Placing:
    """How a variant's picture lies on its clip's: zoom about a centre, in shares of the picture.

    `residual` is what is left of the difference after the fit, in levels.
    """

    zoom_x: float = 1.0
    zoom_y: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    residual: float = 0.0

    @property
    def is_straight(self) -> bool:
        return (self.zoom_x, self.zoom_y, self.shift_x, self.shift_y) == (1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Sound:
    """A variant's sound against its clip's.

    `shift_s` is how much later it comes, none where no lag stands out; `likeness` is the normalised
    correlation of the worst 4 s, which begin at `worst_s`; `gain_db` is the change of level.
    """

    shift_s: float | None = None
    likeness: float | None = None
    worst_s: float = 0.0
    gain_db: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The pictures of a variant against its clip's; none where a thing could not be measured."""

    placing: Placing = field(default_factory=Placing)
    offset_s: float | None = None
    jumps: tuple[Break, ...] = ()
    held: tuple[float, ...] = ()
    is_still: bool = False
    colours: tuple[Colour, ...] | None = None
    patches: tuple[Patch, ...] | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A video by itself: as shown, after rotation. `end_s` is where decoding ended.

    `step_s` is the usual distance of frames, `uneven` the share of distances that are not it;
    `fault` says why it cannot be compared, and is empty where it can. `fps` is the rate as the file
    states it, such as `25/1`; `start_s` the time of the first frame.
    """

    width: int = 0
    height: int = 0
    stated_s: float = 0.0
    end_s: float = 0.0
    frames: int = 0
    step_s: float = 0.0
    uneven: float = 0.0
    gaps: tuple[Break, ...] = ()
    has_sound: bool = False
    fault: str = ""
    fps: str = ""
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A variant: the film, and what it is against its clip."""

    label: str
    film: Film
    picture: Picture | None = None
    sound: Sound | None = None


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """All that was measured of one clip; `fault` says why nothing was."""

    source: Film = field(default_factory=Film)
    variants: tuple[Measured, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Contrasts of a caption in one frame; none where no letter was seen in it."""

    at_s: float
    contrast: float | None = None
    weakest: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one card, which is what stands on the screen at once.

    Figures are those of `legibility.Legibility`; `card` is its place among the variant's cards.
    `flags` are doubts: from figures that have any, nothing is concluded.
    """

    card: int
    visible: bool = False
    contrast: float | None = None
    weakest: float | None = None
    below_4_5: float | None = None
    below_3: float | None = None
    lines: int = 0
    line_px: float = 0.0
    covered: float = 0.0
    box: Box | None = None
    flags: tuple[str, ...] = ()
    moments: tuple[Glimpse, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """The captions of one variant as they were seen; `fault` says why they were not."""

    label: str
    sights: tuple[Sight, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ClipSights:
    """The captions of all variants of a clip; `fault` says why none was looked at."""

    variants: tuple[Seen, ...] = ()
    fault: str = ""
