"""What an image file may be, and the clean copy of it that is kept. Pure: bytes in, bytes out."""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_BYTES: Final = 1024 * 1024
#: Pixels a side: of what is sent, and of what is kept.
MAX_SIDE: Final = 4096
KEPT_SIDE: Final = 512

#: The formats read, and what each is kept as. Of an animation only the first picture is kept.
#: (MPO is what some phones call a JPEG with a second picture in it.)
_KEPT_AS: Final = {"PNG": "PNG", "GIF": "PNG", "JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WEBP"}
_EXTENSIONS: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_OPTIONS: Final[dict[str, dict[str, object]]] = {
    "PNG": {"optimize": True},
    "JPEG": {"quality": 88, "optimize": True},
    "WEBP": {"quality": 88},
}

#: What a key's ending says about the object's type.
CONTENT_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
}

#: What the decoders raise for data that is not what it begins like.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class CleanImage:
    """A picture that has been decoded and encoded again: no metadata, nothing after its end."""

    content: bytes
    extension: str

    @property
    def content_type(self) -> str:
        """Its MIME type."""
        return CONTENT_TYPES[self.extension]


def clean_image(content: bytes) -> CleanImage:
    """The copy to keep; raises ``ValidationError`` that says which rule the file breaks.

    What the file is called, and what type its sender says it has, plays no part.
    """
    if len(content) > MAX_BYTES:
        raise too_many_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
            # Known from the file's head: nothing has been decoded yet.
            if max(image.size) > MAX_SIDE:
                raise _too_many_pixels()
            format_ = _KEPT_AS[image.format or ""]
            kept = _pixels_of(image, opaque=format_ == "JPEG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        message = "The file is not a PNG, JPEG, WebP or GIF image."
        raise ValidationError(message, code="unsupported_image") from None
    except _BROKEN:
        raise ValidationError("The image is damaged.", code="damaged_image") from None
    kept.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    # What the decoder found beside the pixels; the encoders would write some of it.
    kept.info = {}
    output = io.BytesIO()
    kept.save(output, format=format_, **_OPTIONS[format_])
    return CleanImage(output.getvalue(), _EXTENSIONS[format_])


def too_many_bytes() -> ValidationError:
    """The error for a file that is too large."""
    return ValidationError(f"The file is larger than {MAX_BYTES:,} bytes.", code="file_too_large")


def _too_many_pixels() -> ValidationError:
    message = f"The image is more than {MAX_SIDE:,} pixels wide or high."
    return ValidationError(message, code="image_too_large")


def _pixels_of(image: Image.Image, *, opaque: bool) -> Image.Image:
    """The first picture, the way up that its metadata says, in colours that every format has."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        # 16 bits of grey: a plain conversion would make everything but black white.
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not opaque and upright.has_transparency_data:
        return upright.convert("RGBA")
    return upright.convert("RGB")
