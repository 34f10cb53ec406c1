"""Image files: validation, and the copy that is stored."""

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.images import decode_image, image_bytes
from webchats.icons.images import MAX_BYTES, MAX_SIDE, STORED_SIDE, sanitize_image

SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def error_code(content: bytes) -> str:
    """Return the code of the error for an invalid image."""
    with pytest.raises(ValidationError) as caught:
        sanitize_image(content)
    code = caught.value.code
    assert code is not None
    return code


@pytest.mark.parametrize(
    ("format_", "stored_format", "extension", "content_type"),
    [
        ("PNG", "PNG", "png", "image/png"),
        ("JPEG", "JPEG", "jpg", "image/jpeg"),
        ("WEBP", "WEBP", "webp", "image/webp"),
        ("GIF", "PNG", "png", "image/png"),
    ],
)
def test_every_format_is_detected_from_the_content(
    format_: str, stored_format: str, extension: str, content_type: str
) -> None:
    clean = sanitize_image(image_bytes(format_))
    assert (clean.extension, clean.content_type) == (extension, content_type)
    assert decode_image(clean.content).format == stored_format
    assert decode_image(clean.content).size == (64, 48)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF"])
def test_trailing_bytes_are_removed(format_: str) -> None:
    clean = sanitize_image(image_bytes(format_) + SCRIPT)
    assert b"script" not in clean.content


def test_a_script_in_the_comment_of_a_gif_is_removed() -> None:
    # Also valid JavaScript, whose pixels are a comment: GIF89a/*…*/=1;
    polyglot = image_bytes("GIF", comment=b"*/=1;alert(1);/*")
    assert b"alert" in polyglot
    assert b"alert" not in sanitize_image(polyglot).content


@pytest.mark.parametrize(
    "content",
    [
        SVG,
        b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG,
        b"GIF89a=1;alert(1)",
        b"%PDF-1.7",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\x00",
        image_bytes("BMP"),
        image_bytes("TIFF"),
        image_bytes("ICO"),
    ],
)
def test_other_content_is_rejected(content: bytes) -> None:
    assert error_code(content) in ("unsupported_image", "damaged_image", "image_too_large")


def test_the_error_for_svg_names_the_accepted_formats() -> None:
    with pytest.raises(ValidationError, match="not a PNG, JPEG, WebP or GIF"):
        sanitize_image(SVG)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_truncated_file_is_rejected(format_: str) -> None:
    whole = image_bytes(format_, size=(300, 300))
    assert error_code(whole[: len(whole) // 2]) == "damaged_image"


def test_files_of_at_most_1_mib_are_accepted() -> None:
    exact = image_bytes() + b"\x00" * (MAX_BYTES - len(image_bytes()))
    assert sanitize_image(exact).extension == "png"
    assert error_code(exact + b"\x00") == "file_too_large"


def test_at_most_4096_pixels_are_accepted_and_512_stored() -> None:
    stored = decode_image(sanitize_image(image_bytes(size=(MAX_SIDE, 2))).content)
    assert stored.size[0] == STORED_SIDE
    assert error_code(image_bytes(size=(MAX_SIDE + 1, 2))) == "image_too_large"
    assert error_code(image_bytes(size=(2, MAX_SIDE + 1))) == "image_too_large"


def _build_png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [5_000, 12_000, 50_000])
def test_a_decompression_bomb_is_rejected_before_it_is_decoded(side: int) -> None:
    # 100 kB, which decode to as many as 7 GB of pixels.
    assert error_code(_build_png(side, side, b"\x00" * 100_000_000)) == "image_too_large"


#: Decodes each file in four threads at a time; prints the maximum memory in MiB after each.
_MEASURED = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from webchats.icons.images import sanitize_image
with ThreadPoolExecutor(4) as threads:
    for path in sys.argv[1:]:
        list(threads.map(sanitize_image, [Path(path).read_bytes()] * 4))
        status = open("/proc/self/status").read()
        print(json.dumps(int(status.partition("VmHWM:")[2].split()[0]) // 1024))
"""


def test_a_process_decodes_one_image_at_a_time_with_little_memory(tmp_path: Path) -> None:
    limits = {"JPEG": 100, "PNG": 240, "WEBP": 460}
    image = Image.new("RGBA", (MAX_SIDE, MAX_SIDE))
    for format_ in limits:
        options = {"lossless": True, "method": 0} if format_ == "WEBP" else {}
        source = image.convert("RGB") if format_ == "JPEG" else image
        source.save(tmp_path / format_, format=format_, **options)
    paths = [str(tmp_path / format_) for format_ in limits]
    command = [sys.executable, "-c", _MEASURED, *paths]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    for limit, peak in zip(limits.values(), printed.stdout.splitlines(), strict=True):
        assert json.loads(peak) < limit


def test_a_jpeg_with_many_scans_is_rejected() -> None:
    # A file of 1 MiB with 30,000 scans would take 40 seconds.
    progressive = image_bytes("JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    many = progressive[:-2] + 100 * scan + progressive[-2:]
    assert sanitize_image(progressive).extension == "jpg"
    assert error_code(many) == "unsupported_image"


def test_a_png_text_bomb_is_rejected() -> None:
    bomb = zlib.compress(b"A" * 80_000_000, 9)
    data = b"k\x00\x00" + bomb
    text = struct.pack(">I", len(data)) + b"zTXt" + data
    text += struct.pack(">I", zlib.crc32(b"zTXt" + data))
    whole = image_bytes()
    assert error_code(whole[:33] + text + whole[33:]) == "damaged_image"


def test_the_first_frame_of_an_animation_is_stored() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime", "blue")]
    for format_ in ("GIF", "WEBP", "PNG"):
        output = io.BytesIO()
        frames[0].save(output, format=format_, save_all=True, append_images=frames[1:])
        assert getattr(Image.open(output), "n_frames", 1) == 3
        stored = decode_image(sanitize_image(output.getvalue()).content)
        assert getattr(stored, "n_frames", 1) == 1
        pixel = stored.convert("RGB").getpixel((10, 10))
        assert isinstance(pixel, tuple)
        assert pixel[0] > 240
        assert pixel[1] < 15


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    stored = decode_image(sanitize_image(image_bytes("JPEG", mode="CMYK")).content)
    assert stored.mode == "RGB"
    pixel = stored.getpixel((10, 10))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200
    assert pixel[2] < 60


def test_the_orientation_is_applied_and_metadata_is_removed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825)[1] = "N"  # GPS position
    for format_ in ("JPEG", "PNG", "WEBP"):
        clean = sanitize_image(
            image_bytes(format_, size=(64, 32), exif=exif, icc_profile=b"x" * 200)
        )
        stored = decode_image(clean.content)
        assert stored.size == (32, 64)
        top, bottom = (
            stored.convert("RGB").getpixel((16, 5)),
            stored.convert("RGB").getpixel((16, 60)),
        )
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert top[0] > 200
        assert bottom[2] > 200
        assert not stored.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(stored.info)
        assert b"Camera" not in clean.content


def test_transparency_is_kept() -> None:
    image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    palette = image.convert("P")
    for format_, source in (("PNG", image), ("WEBP", image), ("GIF", palette)):
        output = io.BytesIO()
        source.save(output, format=format_, **({"transparency": 0} if source is palette else {}))
        stored = decode_image(sanitize_image(output.getvalue()).content)
        assert stored.convert("RGBA").getchannel("A").getextrema() == (0, 0)


def test_16_bit_grayscale_keeps_its_shades() -> None:
    gray = Image.new("I;16", (10, 10), 0x8000)
    output = io.BytesIO()
    gray.save(output, format="PNG")
    pixel = decode_image(sanitize_image(output.getvalue()).content).convert("L").getpixel((5, 5))
    assert isinstance(pixel, int | float)
    assert 120 < pixel < 136


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_color_mode_of_png_is_accepted(mode: str) -> None:
    assert sanitize_image(image_bytes(mode=mode)).extension == "png"


_WHOLE = [image_bytes(format_, size=(24, 24)) for format_ in ("PNG", "JPEG", "WEBP", "GIF")]


@settings(max_examples=300, deadline=None)
@given(
    whole=st.sampled_from(_WHOLE),
    changes=st.lists(st.tuples(st.integers(0, 2_000), st.binary(min_size=1, max_size=4))),
    end=st.integers(0, 2_000),
)
def test_a_damaged_file_is_accepted_or_rejected_without_another_error(
    whole: bytes, changes: list[tuple[int, bytes]], end: int
) -> None:
    content = bytearray(whole)
    for position, value in changes:
        start = position % len(content)
        content[start : start + len(value)] = value
    try:
        sanitize_image(bytes(content[: end or None]))
    except ValidationError as error:
        assert error.code in (  # noqa: PT017
            "unsupported_image",
            "damaged_image",
            "image_too_large",
        )
