"""SVG to PNG, where the extra for that is installed."""

from importlib import import_module

from symbackprop.errors import InputError

ZOOM = 2
"""Pixels for each unit of the picture: sharp on a slide."""


def png(svg: str) -> bytes:
    """The picture on white. InputError where resvg is missing."""
    try:
        resvg = import_module("resvg_py")
    except ImportError:
        raise InputError(
            "PNG needs the package resvg-py",
            hint="pip install 'symbackprop[draw]', or write .svg",
        ) from None
    picture: bytes = bytes(
        resvg.svg_to_bytes(svg_string=svg, dpi=96, zoom=ZOOM, background="white")
    )
    return picture
