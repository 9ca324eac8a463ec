"""`conformance switch` between providers of a real run, between documents, and with edited results."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from finished_run import case, deviation, provider, results_of, run_folder, without, written

from conformance import cli
from conformance.catalogue import RULES, load
from conformance.clients import ALL_CLIENTS
from conformance.comparing.advice import ASPECTS, advise_auth, advise_on_trait
from conformance.comparing.changes import RULES_ON_SENDING_THE_KEY
from conformance.comparing.document_clients import find_silent_traits, judge_clients
from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.files import find_schemas_folder

GOOGLE, SNAKE, WRAPPED, PLAIN = (
    "google-embedded",
    "visioncoder-embedded",
    "apimart-embedded",
    "acedata-embedded",
)
OLD_PYTHON = "google-genai 1.30.0 (Python)"
EVIL = "\x1b[2J<script>alert(1)</script> @everyone | ![x](http://x.example/) `tick` \u202egnp"


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder(tmp_path_factory)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a latest run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(
    capsys: pytest.CaptureFixture[str], before: str, after: str, *words: str | Path
) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.main(["switch", "--from", before, "--to", after, *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def data(capsys: pytest.CaptureFixture[str], before: str, after: str, *words: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(capsys, before, after, "--format", "json", *words)[1])
    return found


def position(steps: list[dict[str, Any]], word: str) -> int:
    return next(int(step["number"]) for step in steps if word in step["do"])


def test_an_adapter_moves_settings_then_reframes_then_renames(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data(capsys, GOOGLE, SNAKE, "--results", run)
    steps = found["steps"]
    order = [position(steps, word) for word in ("generationConfig", "data: {…}", "rename the members")]
    assert order == sorted(order)
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["way"] for step in steps] == sorted((step["way"] for step in steps), reverse=True)
    answers = {rule: step["do"] for step in steps for rule in step["rules"]}
    assert "lowerCamelCase" in answers["casing/answers-in-camel-case"]
    assert "top level" in answers["casing/reads-settings-from-generation-config"]
    assert "text/event-stream" in answers["streaming/streams-sse-with-alt"]
    assert all(step["why"] for step in steps)


def test_every_must_and_should_that_is_new_there_is_answered_by_a_step(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in (SNAKE, WRAPPED, PLAIN):
        found = data(capsys, GOOGLE, side, "--results", run)
        here, there = (provider(results_of(run), name)["deviations"] for name in (GOOGLE, side))
        fresh = {one["rule"] for one in there if one["level"] != "note"} - {one["rule"] for one in here}
        assert fresh <= {rule for step in found["steps"] for rule in step["rules"]} | _answered_by_a_remark(
            found
        )


def _answered_by_a_remark(found: dict[str, Any]) -> set[str]:
    """Rules of a trait that needs nothing to be done, such as one more way to carry the key."""
    return {
        rule for change in found["changes"] if change["do"].startswith("nothing") for rule in change["rules"]
    }


def test_a_split_envelope_is_brought_together(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, GOOGLE, WRAPPED, "--results", run)
    (step,) = [step for step in found["steps"] if "envelope" in step["do"]]
    assert step["rules"] == ["envelope/gemini-object-at-root"]
    assert "merge" in step["do"]
    assert any("Authorization: Bearer KEY" in step["do"] for step in found["steps"])


def test_a_named_client_that_breaks_there_fails_and_one_that_is_degraded_does_not(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = told(capsys, GOOGLE, SNAKE, "--results", run, "--client", "google-genai")
    assert code == 1
    assert f"{OLD_PYTHON} would break" in out
    assert told(capsys, GOOGLE, SNAKE, "--results", run, "--client", "google-genai-3.4.0")[0] == 0
    assert told(capsys, GOOGLE, SNAKE, "--results", run)[0] == 0
    assert told(capsys, SNAKE, GOOGLE, "--results", run, "--client", "google-genai")[0] == 0


def test_it_names_the_clients_that_break_there_and_not_here_with_the_rule(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = {one["client"]: one for one in data(capsys, GOOGLE, SNAKE, "--results", run)["clients"]}
    assert clients[OLD_PYTHON]["breaks"]
    assert "casing/answers-in-camel-case" in clients[OLD_PYTHON]["rules"]
    assert not any(one["breaks"] for one in data(capsys, WRAPPED, SNAKE, "--results", run)["clients"])
    needs = {
        one["client"]: one["configure"] for one in data(capsys, GOOGLE, PLAIN, "--results", run)["clients"]
    }
    assert any("Bearer KEY" in need for need in needs[OLD_PYTHON])


def test_moving_back_mends_what_was_broken(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = results_of(run)
    rule = "envelope/gemini-object-at-root"
    assert deviation(results, WRAPPED, rule)["level"] == "must"
    found = data(capsys, WRAPPED, GOOGLE, "--results", run)
    assert any("everything is at the root" in step["do"] for step in found["steps"])
    assert not any(one["after"] == "broken" for one in found["clients"])


def test_nothing_changes_from_one_side_to_itself(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, SNAKE, SNAKE, "--results", run)
    assert [found[part] for part in ("changes", "steps", "unjudged")] == [[], [], []]
    assert (
        told(capsys, SNAKE, SNAKE, "--results", run, "--client", OLD_PYTHON)[0] == 1
    )  # it is broken there all the same


def test_a_feature_that_is_not_offered_there_is_lost_once_for_all_its_rules(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    refused = (
        "semantics/hands-functions-to-the-model",
        "semantics/fills-required-arguments",
        "semantics/sees-images",
    )
    for rule in refused:
        without(results, PLAIN, rule, "unsupported", "the vendor refuses it: no")
    folder = written(tmp_path / "run", results)
    lost = [
        one for one in data(capsys, GOOGLE, PLAIN, "--results", folder)["changes"] if one["way"] == "lost"
    ]
    assert {one["what"]: len(one["rules"]) for one in lost} == {"function-calling": 2, "images": 1}
    gained = [
        one for one in data(capsys, PLAIN, GOOGLE, "--results", folder)["changes"] if one["way"] == "gained"
    ]
    assert [one["what"] for one in gained] == [one["what"] for one in lost]


def test_what_holds_here_and_could_not_be_judged_there_is_said(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = without(results_of(run), PLAIN, "semantics/sees-images", "inconclusive", "image: HTTP 503")
    folder = written(tmp_path / "run", results)
    found = data(capsys, GOOGLE, PLAIN, "--results", folder)
    assert {"reason": "inconclusive: image: HTTP 503", "rules": ["semantics/sees-images"]} in found[
        "unjudged"
    ]
    assert "image: HTTP 503" in told(capsys, GOOGLE, PLAIN, "--results", folder)[1]


def test_a_finding_that_no_trait_explains_is_a_step_with_its_way_round(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    rule = "usage/total-is-the-sum"
    case(results, PLAIN, rule).update(outcome="deviation")
    made = {
        "rule": rule,
        "level": "should",
        "title": "The total is the sum",
        "observed": "9 for 4 + 4",
        "way_round": "add it up.",
        "breaks": "bills",
    }
    provider(results, PLAIN)["deviations"].append(made)
    folder = written(tmp_path / "run", results)
    (step,) = [
        one for one in data(capsys, GOOGLE, PLAIN, "--results", folder)["steps"] if rule in one["rules"]
    ]
    assert (step["do"], step["why"]) == ("add it up", "bills")
    (change,) = [
        one for one in data(capsys, PLAIN, GOOGLE, "--results", folder)["changes"] if rule in one["rules"]
    ]
    assert (change["way"], change["to"]) == ("mended", "holds")


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_on_paper_the_clients_break_as_they_do_on_the_server_of_that_document(run: Path, name: str) -> None:
    found = {client: one.verdict == "broken" for client, one in judge_clients(load_dialect(name)).items()}
    assert set(found) == set(ALL_CLIENTS)
    met = [one for one in results_of(run)["providers"] if one["dialect"] == name]
    for one in met:
        assert {client["client"]: client["verdict"] == "broken" for client in one["clients"]} == found


def test_on_paper_a_page_that_contradicts_itself_is_read_both_ways(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = told(capsys, "google", "apimart", "--client", "gemini-cli")
    assert code == 1
    assert "(on paper)" in out
    assert "split or none" in out
    assert "by another reading of the page: works" in out
    assert "nothing is known about it there" in out
    assert "as if it did what Google does" in out
    assert not (nowhere / "reports").exists()


def test_on_paper_the_fields_that_one_page_names_alone_are_listed(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nowhere.is_dir()
    changes = {one["what"]: one for one in data(capsys, "visioncoder", "acedata")["changes"]}
    assert "/generationConfig/topK" in changes["Documented fields of the request"]["from"]
    assert "promptTokensDetails" in changes["Documented fields of the usage"]["to"]
    assert "/usageMetadata" not in changes["Documented fields of the answer"]["to"]
    assert "keep gemini-2.5-pro" in changes["Model"]["do"]


@pytest.mark.parametrize("names", [(GOOGLE, SNAKE), (SNAKE, GOOGLE)])
@pytest.mark.parametrize(
    ("status", "says"), [("inconclusive", "could not be judged"), ("not-run", "was not run")]
)
def test_a_provider_that_could_not_be_judged_is_refused_with_its_reason(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, names: tuple[str, str], status: str, says: str
) -> None:  # fmt: skip
    results = results_of(run)
    provider(results, SNAKE).update(status=status, reason="HTTP 503", cases=[], deviations=[])
    code, out, err = told(capsys, *names, "--results", written(tmp_path / "run", results))
    assert (code, out) == (2, "")
    assert f"{SNAKE} {says} (the run of " in err
    assert "HTTP 503; ask it again (conformance run -p visioncoder-embedded)" in err
    assert "or name the dialect visioncoder to compare on paper" in err
    assert len(err.splitlines()) == 1


def _called(run: Path, name: str, **changes: Any) -> dict[str, Any]:
    """The finished run with one provider alone, under another name."""
    results = results_of(run)
    results["providers"] = [{**provider(results, SNAKE), "name": name, **changes}]
    return results


def test_a_name_that_is_a_dialect_too_speaks_on_paper_where_nothing_was_asked(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = _called(run, "visioncoder", status="not-run", reason="K is not set", cases=[], deviations=[])
    code, out, _ = told(capsys, "google", "visioncoder", "--results", written(tmp_path / "run", results))
    assert code == 0
    assert "(on paper)" in out
    assert "visioncoder was not run (K is not set); its document is used instead" in out
    results = _called(run, "visioncoder", status="inconclusive", reason="HTTP 502", cases=[], deviations=[])
    code, out, err = told(capsys, "google", "visioncoder", "--results", written(tmp_path / "dead", results))
    assert (code, out) == (2, "")
    assert "HTTP 502" in err


def _dated(results: dict[str, Any], when: str) -> dict[str, Any]:
    results["run"]["started_at"] = when
    return results


def test_the_newest_run_that_holds_a_provider_speaks_for_it(
    run: Path, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alpha, beta = _called(run, "alpha", model="old"), _called(run, "beta")
    written(nowhere / "reports" / "1", _dated(alpha, "2026-11-01T00:00:00+00:00"))
    written(
        nowhere / "reports" / "3", _dated(_called(run, "alpha", model="new"), "2026-11-03T00:00:00+00:00")
    )
    written(nowhere / "reports" / "2", _dated(beta, "2026-11-02T00:00:00+00:00"))
    idle = _called(run, "beta", status="not-run", reason="K is not set", cases=[], deviations=[])
    written(nowhere / "reports" / "4", _dated(idle, "2026-11-04T00:00:00+00:00"))
    (nowhere / "reports" / "damaged").mkdir()
    (nowhere / "reports" / "damaged" / "results.json").write_text('{"name": "alpha"', encoding="utf-8")
    (nowhere / "reports" / "latest").symlink_to("2", target_is_directory=True)
    found = data(capsys, "alpha", "beta")
    assert not found["on_paper"]
    assert found["sides"]["from"]["model"] == "new"
    assert any("beta: the run of 2 November 2026" in remark for remark in found["remarks"])
    both = ("--results", nowhere / "reports" / "1", "--results", nowhere / "reports" / "2")
    assert data(capsys, "alpha", "beta", *both)["sides"]["from"]["model"] == "old"
    page = nowhere / "page.html"
    assert told(capsys, "alpha", "beta", "--html", page)[0] == 0
    assert 'id="switch"' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("first", ["a", "z"])
def test_of_two_runs_of_one_second_the_one_written_last_speaks(
    run: Path, nowhere: Path, capsys: pytest.CaptureFixture[str], first: str
) -> None:
    for number, (folder, model) in enumerate([(first, "old"), ("m", "new")], 1):
        results = _dated(_called(run, "alpha", model=model), "2026-11-01T00:00:00+00:00")
        path = written(nowhere / "reports" / folder, results) / "results.json"
        os.utime(path, ns=(number, number))
    folders = [nowhere / "reports" / folder for folder in ("m", first)]
    both = [word for folder in folders for word in ("--results", folder)]
    assert data(capsys, "alpha", "google")["sides"]["from"]["model"] == "new"
    assert data(capsys, "alpha", "google", *both)["sides"]["from"]["model"] == "new"


def test_a_provider_that_no_run_holds_says_what_to_run(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "providers:\n  beta:\n    embedded: google\n"
    (nowhere / "providers.yaml").write_text(text, encoding="utf-8")
    code, _, err = told(capsys, "google", "beta")
    assert code == 2
    assert (
        "beta is in providers.yaml, but in no run in reports/; ask it first: conformance run -p beta" in err
    )


def test_a_side_of_which_a_part_was_judged_says_so_where_the_verdict_stands(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    results["run"]["selection"]["dimensions"] = ["auth"]
    one = provider(results, SNAKE)
    one["traffic"].update(requests=15, retries=2)
    one["clients"][0].update(verdict="untested", because=[])
    one["clients"][1].update(verdict="degraded", because=[])
    folder = written(tmp_path / "run", results)
    first = told(capsys, GOOGLE, SNAKE, "--results", folder)[1].splitlines()[0]
    assert f"{SNAKE}: computed from 13 questions of auth only" in first
    assert "1 client was not tested there" in first
    code, out, _ = told(capsys, GOOGLE, SNAKE, "--results", folder, "--client", "google-genai")
    assert code == 3
    assert "not tested there: google-genai 3.4.0 (Python)" in out
    code, out, _ = told(capsys, GOOGLE, SNAKE, "--results", folder, "--client", OLD_PYTHON)
    assert code == 0
    assert "None of your clients was seen to break." in out
    one["judged"] = {"rules": 21, "of": 158, "limited_by": ["-d auth", "24 answers of 429"]}
    found = data(capsys, GOOGLE, SNAKE, "--results", written(tmp_path / "newer", results))
    said = "computed from 13 questions of auth only, 21 of 158 rules judged (24 answers of 429)"
    assert found["sides"]["to"]["partly"] == said


def test_a_whole_run_is_not_said_to_be_partial_for_its_findings(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data(capsys, GOOGLE, SNAKE, "--results", run)["partly"] == []


def test_no_form_of_text_shows_backticks(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    for each in provider(results, SNAKE)["deviations"]:
        each.update(way_round="send `Accept-Encoding: identity`.", why="`x` is `y`.")
    folder = written(tmp_path / "run", results)
    out = told(capsys, GOOGLE, SNAKE, "--results", folder)[1]
    assert "send Accept-Encoding: identity" in out
    assert "`" not in out


@pytest.mark.parametrize(
    ("way_round", "do"),
    [
        ("none.", "nothing that an adapter could do; test whether your code needs it"),
        ("none on the client's side; allow a longer time-out.", "nothing that an adapter could do; allow a longer time-out"),
        ("", "nothing that an adapter could do; test whether your code needs it"),
    ],
)  # fmt: skip
def test_what_no_adapter_can_mend_is_no_step(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, way_round: str, do: str
) -> None:
    results = results_of(run)
    rule = "streaming/streams-sse-with-alt"
    made = {**deviation(results, SNAKE, rule), "rule": "usage/total-is-the-sum", "way_round": way_round}
    case(results, PLAIN, "usage/total-is-the-sum").update(outcome="deviation")
    provider(results, PLAIN)["deviations"].append(made)
    found = data(capsys, GOOGLE, PLAIN, "--results", written(tmp_path / "run", results))
    assert not [step for step in found["steps"] if "usage/total-is-the-sum" in step["rules"]]
    assert [one["do"] for one in found["changes"] if "usage/total-is-the-sum" in one["rules"]] == [do]


def test_the_rules_on_sending_the_key_exist() -> None:
    load()
    assert RULES.keys() >= RULES_ON_SENDING_THE_KEY


def test_a_finding_about_the_key_names_the_header_and_its_own_reason(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    rule = "auth/takes-the-key-in-the-query"
    found = {
        **deviation(results, SNAKE, "streaming/streams-sse-with-alt"),
        "rule": rule, "way_round": "send the header.", "why": "Google's examples put it there.",
        "breaks": "older clients, scripts, and whatever was copied.",
    }  # fmt: skip
    case(results, PLAIN, rule).update(outcome="deviation")
    provider(results, PLAIN)["deviations"].append(found)
    out = told(capsys, GOOGLE, PLAIN, "--results", written(tmp_path / "run", results))[1]
    step = next(
        part for part in out.split("\n  ") if part.lstrip("0123456789. ").startswith("send the key as")
    )
    assert 'send the key as "Authorization: Bearer KEY"' in step
    assert "send the header" not in out
    assert "because Google's examples" not in out
    assert out.count("because a key that is sent another way is refused") == 1


def test_a_model_is_kept_only_where_it_was_served_or_the_document_names_it(
    run: Path, tmp_path: Path, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nowhere.is_dir()
    results = results_of(run)
    provider(results, SNAKE)["model"] = "gemini-2.5-pro"
    folder = written(tmp_path / "run", results)
    changes = {one["what"]: one for one in data(capsys, GOOGLE, SNAKE, "--results", folder)["changes"]}
    assert "keep" not in changes["Model"]["do"]
    assert changes["Model"]["do"].startswith("ask for gemini-2.5-pro")
    paper = {one["what"]: one for one in data(capsys, "google", "visioncoder")["changes"]}
    if "Model" in paper and paper["Model"]["do"].startswith("keep"):
        assert "document also names" in paper["Model"]["do"]


def test_the_headline_says_in_plain_words_who_breaks(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, GOOGLE, GOOGLE, "--results", run)[1]
    assert "0 steps for an adapter; no client that works today breaks." in out
    results = results_of(run)
    for client in provider(results, PLAIN)["clients"]:
        client.update(verdict="works", because=[])
    provider(results, PLAIN)["clients"][0]["verdict"] = "broken"
    out = told(capsys, GOOGLE, PLAIN, "--results", written(tmp_path / "run", results))[1]
    assert "1 client that works today breaks." in out
    assert "broken" not in out


def test_a_dialect_of_ones_own_can_be_switched_to(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(find_schemas_folder() / "anyfast", nowhere / "mine")
    assert told(capsys, "google", "./mine")[0] == 0
    (nowhere / "mine" / "dialect.json").write_text("{}", encoding="utf-8")
    code, _, err = told(capsys, "google", "./mine")
    assert code == 2
    assert "dialect.json" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("goggle", "acedata"), "did you mean 'google'"),
        (("google", "visoncoder-embedded"), "did you mean 'visioncoder-embedded'"),
        (("google", "zzz"), "choose from "),
        (("google", "acedata", "--client", "google-gena"), "did you mean 'google-genai'"),
        (("google", "acedata", "--html", "page.html"), "there is no run"),
        (("google", "acedata", "--results", "gone"), "no such file"),
    ],
)
def test_an_unknown_name_ends_with_the_nearest(
    run: Path, nowhere: Path, capsys: pytest.CaptureFixture[str], *, words: tuple[str, ...], says: str
) -> None:
    assert nowhere.is_dir()
    results = ("--results", run) if "visoncoder" in words[1] else ()
    code, _, err = told(capsys, *words, *results)
    assert code == 2
    assert says in err
    assert len(err.splitlines()) == 1


def test_the_latest_run_is_the_one_that_is_looked_at(
    run: Path, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (nowhere / "reports").mkdir()
    (nowhere / "reports" / "latest").symlink_to(run, target_is_directory=True)
    assert not data(capsys, GOOGLE, SNAKE)["on_paper"]
    assert told(capsys, GOOGLE, "nobody")[0] == 2


def test_what_a_vendor_said_is_harmless_in_every_rendering(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(run)
    for each in provider(results, SNAKE)["deviations"]:
        each.update(title=EVIL, observed=EVIL, why=EVIL, way_round=EVIL)
    case(results, SNAKE, "casing/spells-each-name-once").update(outcome="blocked", reason=EVIL)
    provider(results, SNAKE).update(model=EVIL)
    provider(results, SNAKE)["traits"]["envelope"]["observed"] = EVIL
    provider(results, SNAKE)["clients"][0]["because"] = [
        {"effect": "raises", "detail": EVIL, "exchange": "x/y#1"}
    ]
    folder = written(tmp_path / "run", results)
    for form in ("text", "markdown", "json"):
        _, out, _ = told(
            capsys, GOOGLE, SNAKE, "--results", folder, "--format", form, "--html", tmp_path / "page.html"
        )
        assert "\x1b" not in out
        assert "\u202e" not in out
        if form == "markdown":
            assert not [bad for bad in ("<script>", "](http", "@everyone") if bad in out]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert 'id="switch"' in page


def test_the_page_has_a_section_with_every_change(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data(capsys, GOOGLE, WRAPPED, "--results", run, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = page[page.index('id="switch"') :]
    assert f"Moving from {GOOGLE} to {WRAPPED}" in section
    assert section[: section.index("</section>")].count('<th scope="row">') == len(found["changes"])


VALUES: dict[str, list[Any]] = {
    "auth": [["bearer"], ["query-key", "x-goog-api-key"], [], ["x-api-key"]],
    "request-casing": ["both", "camelCase", "snake_case", "neither"],
    "settings": ["nested", "flat", "both", "neither"],
    "stream-framing": ["sse", "json-array", "ndjson", "single-json", "other"],
    "stream-framing-default": ["sse", "json-array", "ndjson", "single-json", "other"],
    "envelope": ["none", "data", "data.response", "split"],
    "response-casing": ["camelCase", "snake_case", "mixed", "other"],
    "error-shape": ["google", "openai", "code-message", "string", "html", "empty", "other"],
}


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.trait)
def test_there_is_advice_for_every_move_between_values_of_a_trait(aspect: Any) -> None:
    fine = {("request-casing", "both"), ("request-casing", "neither"), ("settings", "both")}
    for before in VALUES[aspect.trait]:
        assert advise_on_trait(aspect, (before,), (before,)) == ""
        for after in VALUES[aspect.trait]:
            wanted = before != after and (aspect.trait, str(after)) not in fine and before != []
            assert bool(advise_on_trait(aspect, (before,), (after,))) >= wanted


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("bearer", "bearer + x-api-key", ""),
        ("query-key + x-goog-api-key", "x-goog-api-key", "both sides accept it"),
        ("x-goog-api-key", "bearer", '"Authorization: Bearer KEY"'),
        ("x-goog-api-key", "none", "ask the vendor"),
    ],
)
def test_the_key_goes_where_both_sides_look_for_it(before: str, after: str, says: str) -> None:
    advice = advise_auth(before, after)
    assert says in advice
    assert bool(says) == bool(advice)


def test_a_document_that_says_nothing_of_its_streams_is_told_so() -> None:
    assert find_silent_traits(load_dialect("acedata")) == ("stream-framing",)
    assert find_silent_traits(load_dialect("visioncoder")) == ()


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.trait)
def test_no_advice_takes_a_thing_for_what_it_already_is(aspect: Any) -> None:
    for before in (*([one] for one in VALUES[aspect.trait]), []):
        for after in VALUES[aspect.trait]:
            advice = advise_on_trait(aspect, tuple(before), (after,))
            assert "'none'" not in advice
            assert "'split'" not in advice
            assert "from lowerCamelCase to lowerCamelCase" not in advice
            assert "`" not in advice


def test_a_header_is_preferred_to_a_key_in_the_address() -> None:
    assert "x-goog-api-key: KEY" in advise_auth("bearer", "query-key + x-goog-api-key")
    assert "x-goog-api-key: KEY" in advise_auth(
        "bearer + query-key + x-goog-api-key", "query-key + x-goog-api-key"
    )
