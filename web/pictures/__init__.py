"""Pictures of the page: amounts and spans of time drawn as SVG, and as a table; pure functions."""

from commonweal.web.pictures.bars import Bar, bars, grouped_bars
from commonweal.web.pictures.calendar.entries import CalendarEntry
from commonweal.web.pictures.calendar.month_grid import month_grid
from commonweal.web.pictures.calendar.week_grid import week_grid
from commonweal.web.pictures.circle import GiftArrow, circle
from commonweal.web.pictures.flow import FlowLink, FlowPlace, flow
from commonweal.web.pictures.picture import Legend, Picture, TableCell
from commonweal.web.pictures.share_bar import BarPart, share_bar
from commonweal.web.pictures.step_line import LineStep, step_line
from commonweal.web.pictures.tree import TreeBranch, tree

__all__ = [
    "Bar",
    "BarPart",
    "CalendarEntry",
    "FlowLink",
    "FlowPlace",
    "GiftArrow",
    "Legend",
    "LineStep",
    "Picture",
    "TableCell",
    "TreeBranch",
    "bars",
    "circle",
    "flow",
    "grouped_bars",
    "month_grid",
    "share_bar",
    "step_line",
    "tree",
    "week_grid",
]
