"""Inputs of each command that writes by which it would write what counts for nothing.

The first word is the home in which the rest is typed; names in braces are those of the scene in
`test_refusals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.commands.exchange import (
    void_consents,
    void_data,
    void_deals,
    void_lending,
    void_promotion,
    void_reviews,
)
from tests.commands.ventures import void_campaigns, void_projects

SHEET = "--map action=a,quantity=q,unit=u,receiver=r,scope=s,provider=p --yes"
OPENING = f"--on 2026-01-01 {SHEET}"

_NEW = (
    *("mei x 0 hours", "mei x 1 furlong", "mei x 1,5 hours", "mei ' ' 1 hour"),
    *("mei x 1 hour --by 2020-01-01", "mei x 1 hour --to Nobody", "mei x 1 hour --for 0 EUR"),
    *("mei x 1 hour --minimum 2", "zoe x 1 hour", "mei x 1 kg --spec hour"),
)
_CHANGES = {
    "renew": (
        *("bo {ID}", "ana {ID}", "zoe {ID}", "fresh {ID}", "mei {nothing}", "mei {work}"),
        *("mei {gone}", "mei {ID} --until 2020-01-01", "mei {ID} --until soon", "mei zz"),
    ),
    "pause": (
        *("bo {ID}", "ana {ID}", "zoe {ID}", "fresh {ID}", "mei {nothing}", "mei {work}"),
        *("mei {gone}", "mei zz", "mei {part}", "nobody {ID}"),
    ),
    "resume": (
        *("bo {ID}", "ana {ID}", "zoe {ID}", "fresh {ID}", "mei {nothing}", "mei {work}"),
        *("mei {gone}", "mei zz", "mei {part}", "mei {ID}"),
    ),
    "withdraw": (
        *("bo {ID}", "ana {ID}", "zoe {ID}", "fresh {ID}", "mei {nothing}", "mei {work}"),
        *("mei {gone}", "mei zz", "mei {part}", "nobody {ID}"),
    ),
}

REFUSED: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType(
    {
        ("record",): (
            "mei transfer 5 EUR",
            "mei produce 3 apples",
            "mei work 3 furlong",
            "mei work 50 minutes",
            "mei modify 1 kg --resource flour",
            "mei move 2 kg",
            "mei work 3 kg",
            "mei produce 0.0000000001 kg",
            "mei transfer 5 EUR --receiver Bo --settles {nothing}",
            "zoe work 3 hours",
        ),
        ("import", "csv"): tuple(
            f"mei {{csv:{row}}} {SHEET}"
            for row in (
                *("transfer,5,EUR,,,", "produce,3,apples,,,", "work,3,furlong,,,"),
                *("deliverService,1,furlong,,,", "move,2,kg,,,", "work,3,kg,,,"),
                *("transferCustody,2,kg,,,", "work,3,hour,Nobody,,", "work,1,hour,,,Nobody"),
                "produce,0.0000000001,kg,,,",
            )
        ),
        ("import", "opening"): tuple(
            f"mei {{csv:{row}}} {OPENING}"
            for row in (
                *("work,3,furlong,,,Mei", "transferCustody,3,kg,,,Mei", "produce,3,apples,,,Mei"),
                *("transfer,5,EUR,Nobody,,Mei", "work,3,hour,,,Nobody", "work,,hour,,,Mei"),
                *("bake,3,hour,,,Mei", "work,-3,hour,,,Mei", "work,3¹,hour,,,Mei"),
                "produce,0.0000000001,kg,,,Mei",
            )
        ),
        ("import", "git"): (
            *("nounits {git}", "nounits {git} --scope garden", "nounits {git} --authors {authors}"),
            *("zoe {git}", "zoe {git} --scope garden", "zoe {git} --authors {authors}"),
            *("mei {folder}", "mei {git} --scope ' '", "mei {git} --since nowhere"),
            "mei {git} --authors {folder}",
        ),
        ("import", "opencollective"): (
            *("nounits {oc} --yes", "nounits {oc} --yes --scope garden", "zoe {oc} --yes"),
            *("zoe {oc} --yes --scope garden", "mei {folder} --yes", "mei {authors} --yes"),
            *("mei {gh} --yes", "mei {loomio} --yes", "mei {oc} --yes --scope ' '", "mei {oc}"),
        ),
        ("import", "loomio"): (
            *("zoe {loomio} --yes", "zoe {loomio} --yes --scope garden", "mei {folder} --yes"),
            *("mei {authors} --yes", "mei {gh} --yes", "mei {oc} --yes", "mei {loomio}"),
            *("mei {loomio} --yes --scope ' '", "mei nowhere --yes", "zoe {gh} --yes"),
        ),
        ("import", "github"): (
            *("nounits {gh} --yes", "nounits {gh} --yes --scope garden", "zoe {gh} --yes"),
            *("zoe {gh} --yes --scope garden", "mei {folder} --yes", "mei {authors} --yes"),
            *("mei {oc} --yes", "mei {loomio} --yes", "mei {gh} --yes --scope ' '", "mei {gh}"),
        ),
        ("import", "home"): (
            *("mei {bo}", "mei {folder}", "mei nowhere", "bo {mei}", "bo {folder}", "ana {bo}"),
            *("ana {mei}", "zoe {mei}", "zoe {folder}", "zoe nowhere"),
        ),
        ("attest",): (
            *("mei {work}", "mei {work} --no", "bo {work} --withdraw", "ana {attested}"),
            *("bo {claim}", "ana {meeting}", "mei {unit}", "zoe {work}", "mei {nothing}"),
            "bo {work} {work}",
        ),
        ("dispute",): (
            *("mei {work}", "bo {disputed}", "ana {work} --withdraw", "zoe {work}"),
            *("mei {nothing}", "bo {unit}", "bo {claim}", "mei {work} --withdraw"),
            *("mei {disputed} --note x", "ana {work} --note ''"),
        ),
        ("correct",): (
            *("bo {work} 2 hours", "ana {work} 2 hours", "mei {work} 2 kg", "zoe {work} 2 hours"),
            *("mei {nothing} 2 hours", "mei {work} -2 hours", "mei {work} 2 furlong"),
            *("mei {unit} 2 hours", "mei {sold} 1 kg", "mei {work} 0.0000000001 hours"),
        ),
        ("undo",): (
            *("mei {disputed}", "bo {attested}", "mei {attested}", "zoe {work}", "mei {nothing}"),
            *("mei {unit}", "mei {claim}", "mei {sold}", "nobody", "mei {proposal}"),
        ),
        ("erase",): (
            *("mei {work} --yes", "bo {noted} --yes", "zoe {noted} --yes", "mei {unit} --yes"),
            *("mei {nothing} --yes", "mei {meeting} --yes", "ana {noted} --yes"),
            *("mei {claim} --yes", "mei {founding} --yes", "mei {proposal} --yes"),
        ),
        ("resource", "new"): (
            *("mei flour 5 furlong", "mei flour 5 EUR", "mei pears 5 apples", "mei FLOUR 5 kg"),
            *("mei pears 5 kg --factor magic", "mei ' ' 5 kg", "zoe pears 5 kg", "mei pears -5 kg"),
            *("mei pears 0.0000000001 kg", "mei flour 5 crate"),
        ),
        ("resource", "lend"): (
            *("mei spade Nobody", "mei spade Bo", "mei flour Bo 9 kg", "mei flour Bo 1 crate"),
            *("mei flour Bo 1", "bo flour Ana", "zoe flour Bo", "mei {nothing} Bo"),
            *("mei flour Mei 1 furlong", "mei flour Bo -1 kg"),
        ),
        ("resource", "return"): (
            *("mei flour", "bo flour", "mei spade", "mei {nothing}", "zoe flour", "mei {sold}"),
            *("ana ladder", "mei ladder 2 pieces", "bo ladder 1 kg", "mei ladder 1"),
        ),
        ("spec", "resource"): (
            *("mei flour", "mei Flour", "mei ' '", "mei rye --unit furlong", "zoe rye", "bo fl0ur"),
            *("mei rye --factor magic", "mei " + "x" * 65, "mei rye --unit ''", "mei rye --unit m"),
        ),
        ("spec", "process"): (
            *("mei baking", "mei Baking", "mei ' '", "zoe milling", "bo baking", "ana bаking"),
            *("mei " + "x" * 65, "mei ''", "nobody milling", "fresh milling"),
        ),
        ("process", "new"): (
            *("mei ' '", "zoe baking", "mei baking --scope ' '", "mei baking --note ''"),
            *("mei ''", "mei Baking", "mei " + "x" * 65, "nobody baking", "fresh baking"),
            "mei baking --scope " + "x" * 65,
        ),
        ("process", "end"): (
            *("bo {process}", "mei {ended}", "ana {process}", "mei {nothing}", "zoe {process}"),
            *("mei {work}", "mei nothing", "bo baking", "mei zz", "ana baking"),
        ),
        ("agent", "new"): (
            *("mei ''", "mei ' '", "zoe Shop", "mei " + "x" * 65, "mei '\u200b'", "bo ''"),
            *("nobody Shop", "fresh Shop", "ana ' '", "zoe ''"),
        ),
        ("agent", "name"): (
            *(
                "bo {shop} Shop",
                "ana Shop Store",
                "mei {nothing} Shop",
                "mei Shop ''",
                "zoe Shop x",
            ),
            *("mei Bo Shop", "mei nobody Shop", "bo Shop x", "mei {work} x", "mei zz x"),
        ),
        ("referral",): (
            *("mei Mei", "bo Ana", "bo Bo", "mei Nobody", "zoe Mei", "mei {nothing}", "ana Ana"),
            *("mei Bo", "mei zz", "bo Mei"),
        ),
        ("recipe", "new"): (
            *("mei {bad_rules}", "mei nowhere", "mei {folder}", "mei", "zoe {recipe}"),
            *("nounits {recipe}", "bo {recipe}", "mei {luck}", "mei {recipe} --example"),
            "mei {turned}",
        ),
        ("plan", "from"): (
            *("mei Cake 1", "mei Bread 0", "mei Bread -1", "mei Bread 1,5", "mei Bread 1 hour"),
            *("mei Bread 1 --due yesterday", "mei Bread 1 --due soon", "mei Bread 1 --name ' '"),
            *("zoe Bread 1", "mei Bread 9223372036854775807"),
        ),
        ("plan", "end"): (
            *(
                "bo {plan}",
                "mei {nothing}",
                "mei {part}",
                "zoe {plan}",
                "mei nothing",
                "mei {ended}",
            ),
            *("ana {plan}", "fresh {plan}", "nobody {plan}", "mei {ended_plan}"),
        ),
        ("plan", "take"): (
            *("mei {nothing}", "mei {work}", "mei {part} 0.0000000001", "mei {part} -1"),
            *("mei {part} 1 hour", "mei {part} 1 furlong", "mei {part} x", "zoe {part}"),
            *("mei {part} 9223372036854775807 kg kg", "fresh {part}"),
        ),
        ("offer", "new"): _NEW,
        ("need", "new"): _NEW,
        **{
            (sort, change): tuple(typed.replace("ID", sort) for typed in inputs)
            for sort in ("offer", "need")
            for change, inputs in _CHANGES.items()
        },
        ("unit", "new"): (
            *("mei crate", "mei Crate", "mei crаte", "mei hour", "mei HOUR", "mei EUR", "zoe tray"),
            *("mei ' '", "mei " + "x" * 65, "bo ｃrate"),
        ),
        ("agent", "claim"): (
            *("bo {agent}", "mei {agent}", "ana {agent}", "zoe {agent}", "mei {nothing}"),
            *("mei {work}", "mei Bo", "bo {unit}", "ana nobody", "bo zz"),
        ),
        ("income",): (
            *(
                "mei 90 furlong",
                "mei 90 apples",
                "mei -90 EUR",
                "zoe 90 EUR",
                "mei 0.0000000001 EUR",
            ),
            *("mei 90 EUR --payer {nothing}", "mei 90 EUR --earned-by {nothing}", "mei x EUR"),
            *("mei 90 EUR --note ''", "mei 90 EUR --payer Bo"),
        ),
        ("invite", "create"): (
            *("zoe", "zoe --uses 2", "zoe --expires 1d", "mei --uses 0", "mei --uses 1001"),
            *("mei --expires x", "mei --expires -1d", "mei --uses -1", "nobody", "nobody --uses 2"),
        ),
        ("invite", "revoke"): (
            *("mei {revoked}", "bo {invite}", "ana {invite}", "zoe {invite}", "mei {nothing}"),
            *("mei {work}", "mei {unit}", "bo {revoked}", "ana {revoked}", "mei nobody"),
        ),
        ("device", "revoke"): (
            *("mei {mei_device}", "mei {bo_device}", "mei {nothing}", "bo {mei_device}"),
            *("bo {bo_device}", "zoe {zoe_device}", "zoe {mei_device}", "ana {bo_device}"),
            *("mei Bo", "mei zz"),
        ),
        ("key", "change"): (
            *("zoe --yes", "zoe --yes --language zh", "zoe --yes --language en", "mei", "bo"),
            *("mei --language zh", "nobody --yes", "nobody --yes --language zh", "ana", "zoe"),
        ),
        ("key", "sponsors"): (
            *("mei Mei", "mei Bo --needed 2", "mei Bo --none", "zoe Mei", "zoe --none"),
            *("mei Nobody", "mei Bo Ana --needed 3", "mei Mei Bo", "mei Zoe", "nobody Mei"),
        ),
        ("key", "give"): (
            *("mei Bo {code} --yes", "mei Mei {code} --yes", "mei Nobody {code} --yes"),
            *("mei Bo x --yes", "zoe Mei {code} --yes", "bo Mei {code} --yes"),
            *("ana Mei {code} --yes", "mei Zoe {code} --yes", "mei Bo '' --yes", "mei Ana {code}"),
        ),
        ("vouch",): (
            *("mei Bo", "mei Mei", "mei Zoe", "mei Nobody", "bo Mei", "zoe Bo", "mei {nothing}"),
            *("ana Bo", "bo Zoe", "mei ''"),
        ),
        ("role", "claim"): (
            *(
                "mei producer",
                "mei baker",
                "bo co-owner",
                "bo co-owner -o json",
                "zoe producer",
                "mei ''",
            ),
            *("mei Producer", "zoe witness --yes", "ana co-owner", "bo baker"),
        ),
        ("role", "endorse"): (
            *("mei Mei producer", "bo Mei producer", "mei Bo producer", "mei Bo baker"),
            *("mei Nobody producer", "zoe Mei producer", "mei Zoe producer", "ana Bo co-owner"),
            *("bo Mei baker", "ana Zoe producer"),
        ),
        ("role", "resign"): (
            *(
                "bo producer",
                "mei baker",
                "mei co-owner",
                "zoe producer",
                "mei witness",
                "bo witness",
            ),
            *("ana producer", "ana witness", "mei ''", "zoe witness"),
        ),
        ("leave",): (
            *("zoe --yes", "mei --yes", "nobody --yes", "zoe", "nobody", "mei", "bo", "ana"),
            *("zoe --yes -o json", "mei --yes -o json"),
        ),
        ("remove",): (
            *("mei Nobody", "mei Zoe --yes", "zoe Bo --yes", "mei {nothing}", "zoe Zoe --yes"),
            *("mei Bo --yes --note ''", "full Bo --yes", "full Ana --yes", "mei zz", "mei Bo"),
        ),
        ("resolve",): (
            *("mei {work}", "mei {nothing}", "mei {unit}", "zoe {work}", "mei {founding}"),
            *("bo {work}", "ana {claim}", "mei {proposal}", "mei zz", "mei {work} --note x"),
        ),
        ("rules", "propose"): (
            *("mei", "mei {bad_rules}", "mei {folder}", "mei --decision ''", "zoe --decision x"),
            *("full --decision x", "full {rules}", "zoe {rules}", "mei {rules} --decision x"),
            "mei nowhere.toml",
        ),
        ("rules", "vote"): (
            *("zoe {proposal} yes", "mei {closed} yes", "bo {closed} no", "mei {nothing} yes"),
            *("mei {work} yes", "mei {proposal} perhaps", "mei {unit} no", "mei {withdrawn} yes"),
            *("ana {withdrawn} no", "zoe {closed} yes"),
        ),
        ("rules", "comment"): (
            *("zoe {proposal} x", "mei {proposal} ''", "mei {nothing} x", "mei {work} x"),
            *("mei {unit} x", "bo {claim} x", "bo {proposal} ''", "zoe {closed} x", "ana {work} x"),
            "mei zz x",
        ),
        ("rules", "withdraw"): (
            *("bo {proposal}", "ana {proposal}", "zoe {proposal}", "mei {closed}", "mei {work}"),
            *("mei {withdrawn}", "mei {nothing}", "bo {closed}", "bo {withdrawn}", "mei zz"),
        ),
        ("round", "give"): (
            *("mei Bo 1", "mei Bo", "mei Bo x", "mei Bo 1.5", "mei Bo 1 Bo 2"),
            *("zoe Bo 1", "mei Bo 1 --round circle", "nobody Bo 1", "fresh Bo 1", "mei Bo -1"),
        ),
        **void_deals.REFUSED,
        **void_lending.REFUSED,
        **void_promotion.REFUSED,
        **void_reviews.REFUSED,
        **void_data.REFUSED,
        **void_consents.REFUSED,
        **void_campaigns.REFUSED,
        **void_projects.REFUSED,
        ("found",): (
            *("mei Garden", "bo Garden", "zoe Garden", "nobody Garden", "fresh ''", "fresh ' '"),
            *("fresh Garden --rules {bad_rules}", "fresh Garden --rules nowhere"),
            *("fresh " + "x" * 200, "fresh Garden --rules {folder}"),
        ),
        ("join",): (
            *("fresh x", "fresh ''", "fresh commonweal:x", "fresh {code}", "mei x", "bo ''"),
            *(
                "fresh {link_without_invite}",
                "other {link}",
                "other {link_without_invite}",
                "zoe x",
            ),
        ),
        ("restore",): (
            *("mei nowhere", "fresh nowhere", "new nowhere", "new {folder}", "new {bad_rules}"),
            *("new {csv:a}", "mei {csv:a}", "new", "bo {bad_rules}", "mei {folder}"),
        ),
        ("refound",): (
            *("nobody --into {fresh}", "mei", "fresh --into {folder}/x", "mei --into {bo}"),
            *("mei --into {mei}", "mei --into {folder}/x --follow x", "bo --into {mei}"),
            *("bo --into {folder}/x --follow ''", "fresh --into {bo}", "mei --into {ana}"),
        ),
    }
)
