"""Image files: validation, and the re-encoded copy that is stored."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import partial
from typing import IO, Final

from django.core.exceptions import ValidationError
from PIL import Image, ImageOps, UnidentifiedImageError

from webchat_project.api.exceptions import DependencyUnavailable
from webchat_project.limited_lock import LimitedLock

MAX_BYTES: Final = 1024 * 1024
#: Largest width and height, in pixels, of an accepted image.
MAX_SIDE: Final = 4096
#: Largest width and height, in pixels, of a stored image.
STORED_SIDE: Final = 512

#: The format in which each accepted format is stored. Only the first frame of an animation is
#: stored. MPO is a JPEG with more than one frame, as some phones write it.
_STORED_FORMATS: Final = {
    "PNG": "PNG",
    "GIF": "PNG",
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "WEBP": "WEBP",
}
_EXTENSIONS: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
_SAVE_OPTIONS: Final[dict[str, dict[str, object]]] = {
    "PNG": {"optimize": True},
    "JPEG": {"quality": 88, "optimize": True},
    "WEBP": {"quality": 88},
}

#: MIME types by the extension of a key.
CONTENT_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
}

#: The most scans of a JPEG, of which programs write up to a dozen. Each takes a millisecond or
#: more, and a file of 1 MiB can have 30,000.
MAX_SCANS: Final = 100
_START_OF_SCAN: Final = b"\xff\xda"

#: The most threads that wait while an image is decoded. The others serve requests.
MAX_WAITING: Final = 3

#: The exceptions that Pillow's decoders raise for corrupt data.
_DECODER_ERRORS: Final = (
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


class DecoderBusy(DependencyUnavailable):
    """An image was not decoded, because too many others wait."""

    log_message = "An image was not decoded"
    client_message = "Other images are being uploaded. Try again in a moment."


#: Held while an image is decoded: one of ``MAX_SIDE`` takes up to 270 MiB (WebP).
_one_at_a_time: Final = LimitedLock(MAX_WAITING, DecoderBusy)


@dataclass(frozen=True)
class SanitizedImage:
    """A decoded and re-encoded image, without metadata or trailing bytes."""

    content: bytes
    #: A key of ``CONTENT_TYPES``, and its MIME type, by which the image is stored and served.
    extension: str
    content_type: str


def read_image(file: IO[bytes]) -> SanitizedImage:
    """Read an image file and return its sanitized copy: see ``sanitize_image``."""
    return sanitize_image(file.read(MAX_BYTES + 1))


def sanitize_image(content: bytes) -> SanitizedImage:
    """Return the re-encoded copy of an image.

    The format is detected from the content. Raise ``ValidationError`` with the code
    ``file_too_large``, ``image_too_large``, ``unsupported_image`` or ``damaged_image``, and
    ``DecoderBusy`` if too many images wait.
    """
    if len(content) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes."
        raise ValidationError(message, code="file_too_large")
    return _one_at_a_time.run(partial(_reencode, content))


def _reencode(content: bytes) -> SanitizedImage:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
            # The size is in the header: nothing has been decoded yet.
            if max(image.size) > MAX_SIDE:
                raise _too_many_pixels()
            stored_format = _STORED_FORMATS[image.format or ""]
            if stored_format == "JPEG" and content.count(_START_OF_SCAN) > MAX_SCANS:
                message = f"The JPEG has more than {MAX_SCANS} scans. Save it as a baseline JPEG."
                raise ValidationError(message, code="unsupported_image")
            copy = _read_thumbnail(image, opaque=stored_format == "JPEG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        message = "The file is not a PNG, JPEG, WebP or GIF image."
        raise ValidationError(message, code="unsupported_image") from None
    except _DECODER_ERRORS:
        raise ValidationError("The image is damaged.", code="damaged_image") from None
    # Metadata, some of which the encoders would write.
    copy.info = {}
    output = io.BytesIO()
    copy.save(output, format=stored_format, **_SAVE_OPTIONS[stored_format])
    extension = _EXTENSIONS[stored_format]
    return SanitizedImage(output.getvalue(), extension, CONTENT_TYPES[extension])


def _too_many_pixels() -> ValidationError:
    message = f"The image is more than {MAX_SIDE:,} pixels wide or high."
    return ValidationError(message, code="image_too_large")


def _read_thumbnail(image: Image.Image, *, opaque: bool) -> Image.Image:
    """Return the first frame in RGB or RGBA, at most ``STORED_SIDE`` pixels wide and high.

    It is rotated as its EXIF orientation requires. The image itself is changed. Pillow decodes a
    JPEG at a fraction of its size, because the thumbnail comes first.
    """
    mode = "RGBA" if image.has_transparency_data and not opaque else "RGB"
    is_deep = image.mode.startswith(("I", "F"))
    if is_deep:
        image = image.convert("I")
    elif image.mode in ("1", "P", "PA") or "transparency" in image.info:
        # Pixels of these cannot be mixed.
        image = image.convert(mode)
    image.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    ImageOps.exif_transpose(image, in_place=True)
    if is_deep:
        # 16-bit grayscale: Pillow's conversion clips every value above 255 to white.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    return image.convert(mode)
