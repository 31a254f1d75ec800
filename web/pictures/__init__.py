"""Pictures of the page: amounts drawn as SVG and the same numbers as a table; pure functions."""

from commonweal.web.pictures.bars import Bar, bars, grouped_bars
from commonweal.web.pictures.flow import FlowLink, FlowPlace, flow
from commonweal.web.pictures.picture import Cell, Picture, Subject
from commonweal.web.pictures.share_bar import Part, share_bar
from commonweal.web.pictures.step_line import Step, step_line
from commonweal.web.pictures.tree import Branch, tree

__all__ = [
    "Bar",
    "Branch",
    "Cell",
    "FlowLink",
    "FlowPlace",
    "Part",
    "Picture",
    "Step",
    "Subject",
    "bars",
    "flow",
    "grouped_bars",
    "share_bar",
    "step_line",
    "tree",
]
