"""Image files for the tests."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def picture(
    format_: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any
) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    output = io.BytesIO()
    image.convert(mode).save(output, format=format_, **options)
    return output.getvalue()


def opened(content: bytes) -> Image.Image:
    """The picture in a file, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def upload(
    content: bytes | None = None, name: str = "icon.png", content_type: str = "image/png"
) -> SimpleUploadedFile:
    """A file as a client sends it; by default a good one."""
    return SimpleUploadedFile(name, picture() if content is None else content, content_type)
