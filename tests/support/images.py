"""Image files for the tests."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def image_bytes(
    format_: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any
) -> bytes:
    """Return an image file whose left half is red and whose right half is blue.

    ``format_``, ``size`` (pixels) and ``mode`` are Pillow's, ``options`` go to ``Image.save``.
    """
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    output = io.BytesIO()
    image.convert(mode).save(output, format=format_, **options)
    return output.getvalue()


def decode_image(content: bytes) -> Image.Image:
    """Return the image of a file, with its pixels loaded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def image_upload(
    content: bytes | None = None, name: str = "icon.png", content_type: str = "image/png"
) -> SimpleUploadedFile:
    """Return an uploaded file: a valid image unless ``content`` is given."""
    return SimpleUploadedFile(name, image_bytes() if content is None else content, content_type)
