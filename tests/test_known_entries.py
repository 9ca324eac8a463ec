"""Known deviations: pasting a proposal makes a run pass; stale, expired and misspelt entries fail it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from finished_run import provider, results_of, run_folder

from conformance import cli
from conformance.catalogue import FORMER_IDS
from conformance.config.providers import parse_providers
from conformance.running.known_entries import HEADER, find_target_fault, propose_known_entries

WHO = "visioncoder-embedded"
RULE = "casing/answers-in-camel-case"
SERVER = f"  {WHO}:\n    embedded: visioncoder\n    auth: bearer\n"
EVIL = '\x1b[2J"\n      - rule: x\\ \u2028 \u202e # \ud800'


def ran(capsys: pytest.CaptureFixture[str], folder: Path, known: str, *words: str) -> tuple[int, str, Any]:
    """Run one bundled server with those `known` lines; return the code, what was said, and the results or None."""
    config, out = folder / "providers.yaml", folder / "out"
    config.write_text(f"providers:\n{SERVER}{known}", encoding="utf-8")
    capsys.readouterr()
    code = cli.main(["run", "-q", "-p", WHO, "-c", str(config), "--out", str(out), *words])
    said = capsys.readouterr()
    found = out / "results.json"
    return (
        code,
        said.out + said.err,
        json.loads(found.read_text(encoding="utf-8")) if found.exists() else None,
    )


def entry(rule: str = RULE, probe: str = '"*"', more: str = "") -> str:
    return f"    known:\n      - rule: {rule}\n        probe: {probe}\n        reason: our adapter does it\n{more}"


def test_a_proposal_pasted_back_accepts_all_that_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "proposed.yaml"
    code, _, before = ran(capsys, tmp_path, "", "--write-known", str(target))
    assert code == 1
    text = target.read_text(encoding="utf-8")
    block = text[text.index("    known:\n") :]
    code, said, after = ran(capsys, tmp_path, block)
    assert code == 0, said
    outcomes = {one["rule"]: one["outcome"] for one in provider(after, WHO)["cases"]}
    grave = {one["rule"] for one in provider(before, WHO)["deviations"] if one["level"] != "note"}
    assert grave
    assert {outcomes[rule] for rule in grave} == {"known"}
    assert "deviation" not in outcomes.values()


def test_an_entry_accepts_a_rule_by_the_id_that_it_had_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMER_IDS, "casing/speaks-camel", RULE)
    _, said, after = ran(capsys, tmp_path, entry("casing/speaks-camel"), "-d", "casing")
    outcomes = {one["rule"]: one["outcome"] for one in provider(after, WHO)["cases"]}
    assert outcomes[RULE] == "known"
    assert "casing/speaks-camel" not in said, "it is not stale"


def test_a_proposal_keeps_the_reasons_and_dates_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "proposed.yaml"
    words = ("-d", "casing", "--write-known", str(target))
    ran(capsys, tmp_path, entry(more="        until: 2999-01-01\n"), *words)
    text = target.read_text(encoding="utf-8")
    assert '"our adapter does it"' in text
    assert "        until: 2999-01-01" in text
    assert text.count("TODO: ") == text.count("# until:") > 0


def test_an_entry_that_no_longer_happens_fails_and_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = entry() + entry("casing/spells-each-name-once").removeprefix("    known:\n")
    code, said, found = ran(capsys, tmp_path, known, "-d", "casing", "--fail-on", "any")
    assert code == 1
    line = (tmp_path / "providers.yaml").read_text(encoding="utf-8").split("\n").index(
        "      - rule: casing/spells-each-name-once"
    ) + 1
    (stale,) = provider(found, WHO)["stale"]
    assert f"providers.yaml:{line}:" in stale
    assert "casing/spells-each-name-once no longer occurs" in said


def test_a_stale_entry_of_another_file_is_named_with_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    known = entry("casing/spells-each-name-once")
    Path("other/vendors.yaml").write_text(f"providers:\n{SERVER}{known}", encoding="utf-8")
    code = cli.main(["run", "-q", "-d", "casing", "-c", "other/vendors.yaml", "-p", WHO, "--out", "out2"])
    (stale,) = provider(json.loads(Path("out2/results.json").read_text(encoding="utf-8")), WHO)["stale"]
    assert code == 1
    assert stale.startswith("other/vendors.yaml:6: ")


def test_an_entry_whose_questions_were_not_asked_is_not_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, found = ran(capsys, tmp_path, entry("envelope/gemini-object-at-root"), "-d", "casing")
    assert provider(found, WHO)["stale"] == []


def test_an_expired_entry_accepts_nothing_and_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, found = ran(
        capsys, tmp_path, entry(more="        until: 2020-02-02\n"), "-d", "casing", "--fail-on", "must"
    )
    assert code == 1
    (stale,) = provider(found, WHO)["stale"]
    assert "providers.yaml:6:" in stale
    assert "expired on 2020-02-02" in said
    outcomes = {one["rule"]: one["outcome"] for one in provider(found, WHO)["cases"]}
    assert outcomes[RULE] == "deviation"


def test_an_entry_for_other_questions_accepts_nothing_of_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, found = ran(capsys, tmp_path, entry(probe="[plain]"), "-d", "casing")
    assert code == 1
    assert {one["rule"]: one["outcome"] for one in provider(found, WHO)["cases"]}[RULE] == "deviation"


def test_a_misspelt_rule_ends_with_the_line_and_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, found = ran(capsys, tmp_path, entry("casing/answer-in-camel-case"))
    assert (code, found) == (2, None)
    assert "providers.yaml:6:" in said
    assert f"did you mean '{RULE}'" in said


def test_providers_yaml_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, found = ran(capsys, tmp_path, "", "--write-known", str(tmp_path / "providers.yaml"))
    assert (code, found) == (2, None)
    assert "contains something other" in said
    assert SERVER in (tmp_path / "providers.yaml").read_text(encoding="utf-8")


def test_a_proposal_may_take_the_place_of_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "known.yaml"
    assert find_target_fault(target) == ""
    target.write_text(f"{HEADER} for run x\n", encoding="utf-8")
    assert find_target_fault(target) == ""
    target.write_bytes(b"\xff\x00")
    assert "something other" in find_target_fault(target)
    assert "plain file" in find_target_fault(tmp_path)


def test_a_proposal_stays_yaml_whatever_a_vendor_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    results = results_of(run_folder(tmp_path_factory))
    for one in provider(results, WHO)["deviations"]:
        one.update(observed=EVIL, title=EVIL, probes=[f"documented-{EVIL}"])
    text = propose_known_entries(results)
    servers = "".join(
        line if not line.endswith("-embedded:\n") else f"{line}    embedded: google\n"
        for line in text.splitlines(keepends=True)
    )
    found = {one.name: one.known for one in parse_providers(servers.encode(), "proposed.yaml", Path())}
    grave = [one["rule"] for one in provider(results, WHO)["deviations"] if one["level"] != "note"]
    assert [known.rule for known in found[WHO]] == grave


def test_a_proposal_lists_few_questions_and_accepts_all_of_many(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    results = results_of(run_folder(tmp_path_factory))
    one = provider(results, WHO)
    one["deviations"] = one["deviations"][:1]
    for probes, generated, shown in (
        (["plain"], False, '["plain"]'),
        (["a"] * 13, False, '"*"'),
        (["g1"], True, '"*"'),
        ([], False, '"*"'),
    ):
        one["deviations"][0].update(probes=probes, generated=generated)
        text = propose_known_entries({**results, "providers": [one]})
        assert f"probe: {shown}\n" in text


def test_a_proposal_of_nothing_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    results = results_of(run_folder(tmp_path_factory))
    text = propose_known_entries({**results, "providers": [{**provider(results, WHO), "deviations": []}]})
    assert "providers: {}" in text
    finished = dt.datetime.fromisoformat(results["run"]["finished_at"])
    dated = propose_known_entries(results)
    assert f"# until: {(finished + dt.timedelta(days=180)).date()}" in dated
