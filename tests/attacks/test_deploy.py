"""What is offered to run a node in the background: hardened, and no setting without a reader."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from commonweal.node.runtime import config

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = ("commonweal@.service", "commonweal-page@.service", "commonweal-relay.service")
EXPOSURE_MAX = 1.5


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
@pytest.mark.parametrize("name", UNITS)
def test_the_unit_exposes_little(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name.replace("@", "@x")
    text = (DEPLOY / name).read_text("utf-8")
    unit.write_text(re.sub(r"ExecStart=.*", "ExecStart=/bin/true", text), "utf-8")
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_page_reads_the_home_of_its_node_and_stays_on_loopback() -> None:
    node, page = ((DEPLOY / name).read_text("utf-8") for name in UNITS[:2])
    for line in ("DynamicUser=yes", "User=commonweal-%i", "StateDirectory=commonweal-%i"):
        assert f"\n{line}\n" in node, line
        assert f"\n{line}\n" in page, line
    for line in ("IPAddressDeny=any", "IPAddressAllow=localhost", "StandardOutput=null"):
        assert f"\n{line}\n" in page, line
    _, _, service = (DEPLOY / "compose.yaml").read_text("utf-8").partition("\n  page:\n")
    for line in ("<<: *node", "network_mode: host", 'volumes: ["n1:/var/lib/commonweal"]'):
        assert line in service, line
    assert "ports:" not in service


def test_every_setting_that_the_files_name_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {config.PREFIX + name.upper() for name in config.Config.__slots__}
    known |= {"COMMONWEAL_HOME", "COMMONWEAL_PASSPHRASE_FILE"}
    compiled = {".pyc"}  # of the build backend, once it ran
    for file in DEPLOY.rglob("*"):
        if not file.is_file() or file.suffix in compiled:
            continue
        named = re.findall(r"COMMONWEAL_[A-Z_]+", file.read_text("utf-8"))
        assert set(named) <= known, file


def test_five_nodes_run_without_rights_and_on_a_disk_that_is_read_only() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert "\t" not in text
    assert re.findall(r"^  (n\d):$", text.partition("services:")[2], re.MULTILINE)[:5] == [
        *("n1", "n2", "n3", "n4", "n5")
    ]
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "mem_limit:"):
        assert line in text.partition("services:")[0]
    for node in range(1, 6):
        assert f'volumes: ["n{node}:/var/lib/commonweal"]' in text


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER commonweal$", last, re.MULTILINE)
    assert "--require-hashes -r requirements.txt" in text
    assert "COPY deploy/wheel_backend.py" in text  # without it, nothing is built
    assert "ADD " not in text and "curl" not in text and ":latest" not in text
    assert last.index("USER commonweal") < last.index("ENTRYPOINT")


@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0
    if shutil.which("docker")
    else True,
    reason="docker compose is not here",
)
def test_compose_reads_its_file() -> None:
    command = ["docker", "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "-q"]
    subprocess.run(command, check=True, timeout=60)
