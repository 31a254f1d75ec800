"""Headings that say clearly what a column holds, in the languages of those who keep sheets.

Only whole headings count, in small letters. Of two columns that say the same, the one whose
heading stands further ahead here is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HEADINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "date": (
            *("date", "day", "when", "booking date", "transaction date"),
            *("datum", "tag", "wann", "buchungstag", "buchungsdatum", "buchung"),
            *("日期", "时间", "交易日期", "記帳日", "日付", "날짜"),
            *("jour", "date opération", "fecha", "data", "dia", "día", "дата"),
        ),
        "action": ("action", "aktion", "动作", "行为", "動作", "acción", "ação", "действие"),
        "quantity": (
            *("quantity", "amount", "number", "sum"),
            *("menge", "betrag", "anzahl", "umsatz", "summe"),
            *("数量", "金额", "數量", "金額", "交易金额", "수량", "금액"),
            *("quantité", "montant", "cantidad", "importe", "quantidade", "valor"),
            *("hoeveelheid", "bedrag", "ilość", "kwota", "количество", "сумма"),
        ),
        "unit": (
            *("unit", "currency", "einheit", "währung", "waehrung"),
            *("单位", "币种", "單位", "幣別", "单位名称", "単位", "通貨", "단위"),
            *("unité", "devise", "unidad", "moneda", "unidade", "moeda", "eenheid", "единица"),
        ),
        "provider": (
            *("member", "provider", "who", "name", "person", "worker", "volunteer"),
            *("mitglied", "wer", "person", "helfer", "mitarbeiter"),
            *("成员", "姓名", "谁", "成員", "付出者", "提供者", "氏名", "이름"),
            *("membre", "nom", "miembro", "nombre", "quién", "membro", "nome", "lid", "naam"),
            *("член", "имя"),
        ),
        "payer": (
            *("payer", "payer name", "debtor", "counterparty"),
            *("auftraggeber", "zahlungspflichtiger", "auftraggeber/empfänger"),
            *("beguenstigter/zahlungspflichtiger", "name zahlungsbeteiligter"),
            *("付款人", "付款方", "对方户名", "對方戶名", "交易对方"),
            *("payeur", "donneur d'ordre", "ordenante", "pagador", "плательщик"),
        ),
        "receiver": ("receiver", "recipient", "empfänger", "接收者", "收款人", "destinataire"),
        "scope": (
            *("scope", "project", "projekt", "vorhaben", "项目", "專案", "範圍", "範围"),
            *("projet", "proyecto", "projeto", "проект"),
        ),
        "resource": ("thing", "resource", "item", "sache", "gegenstand", "物品", "资源", "東西"),
        "factor": ("factor", "faktor", "要素"),
        "note": (
            *("note", "notes", "what", "task", "description", "memo", "comment", "reference"),
            *("notiz", "was", "aufgabe", "beschreibung", "tätigkeit", "bemerkung"),
            *("verwendungszweck", "buchungstext"),
            *("备注", "说明", "内容", "事项", "摘要", "用途", "備註", "說明"),
            *("事項", "メモ", "비고"),
            *("description de la tâche", "libellé", "tâche", "nota", "concepto", "descripción"),
            *("descrição", "opis", "omschrijving", "заметка", "описание"),
        ),
    }
)

TIMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("hours", "hour", "h", "hrs", "stunden", "std", "stunde", "zeit in stunden"),
                *("小时", "工时", "小時", "工時", "时长", "時間数", "시간"),
                *("heures", "horas", "ore", "uren", "godziny", "часы"),
            ),
            "hour",
        ),
        **dict.fromkeys(
            ("minutes", "min", "mins", "minuten", "分钟", "分鐘", "minutos", "минуты"), "minute"
        ),
    }
)
"""Headings of numbers that are hours or minutes of work."""
