"""The OpenAPI schemas of what the client returns, made from its dataclasses as `plain` writes them.

They describe and never convert: `plain` alone decides what is sent, here and with `-o json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model

from commonweal.client.language.plain import KEY, OPTIONAL
from commonweal.client.ledger.forecast import Forecast
from commonweal.node.reach_state import ReachState
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.storage.ledger.contributions.points_in_time import PointInTime

HexText = Annotated[str, Field(pattern="^([0-9a-f]{2})*$", description="Bytes in hex.")]
DecimalText = Annotated[
    str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="An exact number.")
]
TimeText = Annotated[str, Field(description="UTC with milliseconds, as 2026-11-23T18:30:00.000Z.")]
DateText = Annotated[str, Field(description="A day, a time without a zone, or a time in UTC.")]

UNLOADED: Mapping[str, Any] = {
    "Forecast": Forecast,
    "ReachState": ReachState,
    "Reason": Reason,
    "RulesetId": bytes,
}
"""Names that dataclasses of the client load for type checkers alone."""

_PLAIN: Mapping[Any, Any] = {
    bytes: HexText,
    Decimal: DecimalText,
    PointInTime: DateText,
    Path: str,
    str: str,
    int: int,
    bool: bool,
    NoneType: None,
}


def result_of(method: Callable[..., Any], *without: str) -> type[BaseModel]:
    """Return the schema of what a method of the client returns. without: what is not sent of it."""
    kind = _returned(method)
    if not without:
        made: type[BaseModel] = _plain_type(kind)
        return made
    title = "".join(method.__name__.title().split("_"))
    sent = {name: field for name, field in _fields(kind).items() if name not in without}
    return _made(f"{title}Answer", sent)


def rows_of(name: str, method: Callable[..., Any], **more: Any) -> type[BaseModel]:
    """Return the schema of a list under `name`, with `more` fields and the cursor of the next page.

    method: returns a list of the rows.
    """
    (row,) = (part for part in get_args(_returned(method)) if part is not Ellipsis)
    return page_of(name, _plain_type(row), **more)


def page_of(name: str, row: Any, **more: Any) -> type[BaseModel]:
    """Return the schema of a list of `row` under `name`, as `rows_of` does."""
    title = row.__name__ if isinstance(row, type) else "".join(name.title().split("_"))
    cursor = Annotated[str | None, Field(description="Asks for the rest; null at the end.")]
    sent = {name: list[row], "next": cursor, **more}
    return _made(f"{title}Page", {part: (of, ...) for part, of in sent.items()})


@cache
def model_of(kind: type) -> type[BaseModel]:
    """Return the schema of a dataclass as `plain` writes it."""
    return _made(kind.__name__, _fields(kind))


def _made(title: str, sent: dict[str, Any]) -> type[BaseModel]:
    made: type[BaseModel] = create_model(title, **sent)
    return made


def _returned(method: Callable[..., Any]) -> Any:
    """Return the type of what a method returns; of its parameters, nothing is resolved."""
    only = SimpleNamespace(__annotations__={"return": method.__annotations__["return"]})
    return get_type_hints(only, method.__globals__, dict(UNLOADED))["return"]


def _fields(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, localns=dict(UNLOADED))
    sent: dict[str, Any] = {}
    for field in fields(kind):
        hint, name = hints[field.name], field.metadata.get(KEY, field.name)
        if field.name.endswith("_ms"):
            is_optional = NoneType in get_args(hint)
            name, shown = name.removesuffix("_ms"), TimeText | None if is_optional else TimeText
        else:
            shown = _plain_type(hint)
        sent[name] = (shown, None if field.metadata.get(OPTIONAL) else ...)
    return sent


def _plain_type(hint: Any) -> Any:
    """Return the type of what `plain` makes of a value of this type."""
    if isinstance(hint, NewType):
        return _plain_type(hint.__supertype__)
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(_plain_type, parts))]  # noqa: UP007  made of a tuple
    if origin is tuple and parts[-1] is Ellipsis:
        return list[_plain_type(parts[0])]  # type: ignore[misc]
    if origin is list:
        return list[_plain_type(parts[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[str, _plain_type(parts[1])]  # type: ignore[misc]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return str
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return model_of(hint)
    return Any
