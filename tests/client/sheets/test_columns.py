"""Which column says what, by the headings alone, and what is asked where they do not say it."""

from __future__ import annotations

import pytest

from commonweal.client.sheets.columns import guessed_mapping, read_mapping
from commonweal.protocol.errors import UsageError


@pytest.mark.parametrize(
    ("headings", "mapping"),
    [
        (
            "Date,Member,Hours,Task",
            "date=Date,provider=Member,note=Task,quantity=Hours,unit==hour,action==work",
        ),
        (
            "Datum,Wer,Stunden,Tätigkeit",
            "date=Datum,provider=Wer,note=Tätigkeit,quantity=Stunden,unit==hour,action==work",
        ),
        (
            "日期,姓名,小时,备注",
            "date=日期,provider=姓名,note=备注,quantity=小时,unit==hour,action==work",
        ),
        (
            "日期,成员,工时（小时）,项目",
            "date=日期,provider=成员,scope=项目,quantity=工时（小时）,unit==hour,action==work",
        ),
        ("Date,Minutes", "date=Date,quantity=Minutes,unit==minute,action==work"),
        ("action,quantity,unit,note", "action=action,quantity=quantity,unit=unit,note=note"),
        (
            "Buchungstag,Auftraggeber,Verwendungszweck,Betrag (EUR),Saldo (EUR)",
            "date=Buchungstag,quantity=Betrag (EUR),payer=Auftraggeber,"
            "note=Verwendungszweck,unit==EUR,action==transfer",
        ),
        (
            "交易日期,对方户名,摘要,金额（元）",
            "date=交易日期,quantity=金额（元）,payer=对方户名,note=摘要,unit==CNY,action==transfer",
        ),
        (
            "Booking date,Valuta,Amount,Currency,Payer,Reference",
            "date=Booking date,quantity=Amount,unit=Currency,"
            "payer=Payer,note=Reference,action==transfer",
        ),
    ],
)
def test_clear_headings_are_taken(headings: str, mapping: str) -> None:
    assert guessed_mapping(headings.split(",")).text == mapping


@pytest.mark.parametrize(
    ("headings", "missing"),
    [
        ("Date,Amount", "action, unit"),
        ("a,b,c", "action, quantity, unit"),
        ("Date,Amount,Currency", "action"),
        ("Hours,Hours", "action, quantity, unit"),
        ("Hours,Minutes", "action, quantity, unit"),
        ("", "action, quantity, unit"),
    ],
)
def test_headings_that_do_not_say_enough_are_asked_for(headings: str, missing: str) -> None:
    with pytest.raises(UsageError) as raised:
        guessed_mapping(headings.split(","))
    assert f"do not say {missing};" in str(raised.value)
    assert f"{missing.partition(', ')[0]}==…" in str(raised.value)


def test_a_guess_is_shown_in_the_form_in_which_it_is_given() -> None:
    guessed = guessed_mapping(["Date", "Hours", "What"])
    assert read_mapping(guessed.text) == guessed
