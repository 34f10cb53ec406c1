"""The scripts and styles of the widget as they are served."""

import re

from webchats.widget import assets


def test_style_sheets_are_minified_without_changes() -> None:
    for name in (*assets.FRAME_STYLES, *assets.SURVEY_STYLES):
        source = (assets.STATIC / name).read_text()
        served = assets.read_assets((name,)).decode()
        without_comments = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        assert re.sub(r"[\s;]", "", served) == re.sub(r"[\s;]", "", without_comments)
        assert re.findall(r'"[^"]*"', served) == re.findall(r'"[^"]*"', without_comments)
        # Between words, as in ``.bar p`` or ``1px solid``, a space has a meaning.
        assert re.findall(r"[\w)] +[\w(#.]", served) == re.findall(
            r"[\w)] +[\w(#.]", without_comments
        )
