"""Inputs of data by which nothing that counts would be written, as in `void_inputs`."""

from __future__ import annotations

from collections.abc import Mapping

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("data", "add"): (
        *(
            "mei {recipe}",
            "mei {folder} --as rows",
            "mei nowhere --as rows",
            "mei {recipe} --as ''",
        ),
        *("mei {recipe} --as seeds", "mei {recipe} --as flour", "zoe {recipe} --as rows"),
        *(
            "fresh {recipe} --as rows",
            "nobody {recipe} --as rows",
            "mei {recipe} --as rows --note ''",
        ),
    ),
    ("data", "use"): (
        *("bo {nothing} --for research", "bo flour --for research", "bo seeds", "bo zz --for x"),
        *("bo seeds --for research", "ana seeds --for research --consent {nothing}"),
        *("mei seeds --for research", "zoe seeds --for research", "fresh seeds --for research"),
        "nobody seeds --for research",
    ),
    ("data", "remove"): (
        *("mei {nothing} --yes", "mei {work} --yes", "mei flour --yes", "mei zz --yes"),
        *("bo seeds --yes", "zoe seeds --yes", "fresh seeds --yes", "nobody seeds --yes"),
        *("other seeds --yes", "ana {data} --yes"),
    ),
    ("data", "forget"): (
        *("mei {nothing} --yes", "mei {work} --yes", "mei {data} --yes", "mei seeds --yes"),
        *("mei zz --yes", "bo {nothing} --yes", "zoe {nothing} --yes", "fresh {nothing} --yes"),
        *("nobody {nothing} --yes", "other {nothing} --yes"),
    ),
}
