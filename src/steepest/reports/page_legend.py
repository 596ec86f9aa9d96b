"""An optimizer's mark in the page's text: its colour, marker and dash as a small drawing."""

from steepest.reports.figures.style import COLOURS, Look

# In a box of 24 by 12, with the marker in the middle.
SHAPES = {
    "circle": "M12 1.8a4.2 4.2 0 1 0 .01 0z",
    "square": "M8 2h8v8H8z",
    "diamond": "M12 .8 17.2 6 12 11.2 6.8 6z",
    "triangle-up": "M12 1 17 10.4H7z",
    "triangle-down": "M12 11 7 1.6h10z",
    "pentagon": "M12 1l5 3.6-1.9 6H8.9L7 4.6z",
    "star": "M12 .4l1.5 3.7 4 .3-3 2.6.9 3.9L12 8.8l-3.4 2.1.9-3.9-3-2.6 4-.3z",
    "hexagon": "M12 1l4.4 2.5v5L12 11 7.6 8.5v-5z",
    "bowtie": "M6.8 1.5v9L12 7l5.2 3.5v-9L12 5z",
    "triangle-left": "M7.4 6l9-5v10z",
    "triangle-right": "M16.6 6l-9-5v10z",
    "hourglass": "M7.4 1h9.2L13 6l3.6 5H7.4L11 6z",
    "star-diamond": "M12 .4l2 3.6L17.6 6 14 8l-2 3.6L10 8 6.4 6 10 4z",
    "hexagram": "M12 .6l1.6 2.7h3.2L15.2 6l1.6 2.7h-3.2L12 11.4l-1.6-2.7H7.2L8.8 6 7.2 3.3h3.2z",
    "cross": "M10.4 1.4h3.2v3h3v3.2h-3v3h-3.2v-3h-3V4.4h3z",
}
STROKES = {
    "solid": "none",
    "dash": "5 3",
    "dot": "1.5 2",
    "dashdot": "5 2 1.5 2",
    "longdash": "8 3",
    "longdashdot": "8 2 1.5 2",
}


def drawing(look: Look) -> dict[str, str]:
    """Return the parts of the drawing: the class of its colour, the shape, the line's dashes."""
    return {
        "class": f"c{look.index % COLOURS}",
        "shape": SHAPES[look.marker],
        "dashes": STROKES.get(look.dash, look.dash.replace("px", "").replace(",", " ")),
    }
