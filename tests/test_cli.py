"""The command line: quick to start, one sentence on refusal, and nothing written when it refuses."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import fields
from pathlib import Path

import pytest

import genolab as gl
from genolab import cli, servers
from genolab.cli import bar as progress_bar
from genolab.errors import GenolabError

PHAGE = gl.data.example("phage")
REGION = "NC_001416.1:1,001-5,000"


def arguments(output: Path, *more: str, reads: Path = PHAGE.reads) -> list[str]:
    return ["call", "--reference", str(PHAGE.reference), "--region", REGION, "--output", str(output), *more, str(reads)]


def fresh(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where a warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "genolab.cli", *words],
        capture_output=True, text=True, timeout=300, env={**os.environ, **environment},
    )  # fmt: skip


def test_help_and_version_load_nothing_heavy():
    code = "import sys; from genolab.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(*[name for name in ('numpy', 'pytensor', 'pysam', 'bokeh') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("words", [[], ["nothing"], ["call", "reads.bam"], ["info", "--nothing"]])
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2
    assert "usage: genolab" in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name not in ("lab", "app")])
def test_every_command_that_ends_tells_it_as_json_and_explains_each_option(command):
    parser = cli._parser([command])
    subparsers = parser._subparsers._group_actions[0]
    actions = subparsers.choices[command]._actions
    assert "--json" in {flag for action in actions for flag in action.option_strings}
    assert [action.dest for action in actions if not action.help and action.dest not in ("files",)] == []


def test_calling_from_a_fresh_process_says_what_it_did_and_warns_of_nothing(tmp_path):
    done = fresh(*arguments(tmp_path / "calls.vcf.gz"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar in a pipe
    assert "pass, written to" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.vcf.gz", "calls.vcf.gz.tbi"]
    assert gzip.decompress((tmp_path / "calls.vcf.gz").read_bytes()).startswith(b"##fileformat=VCFv4.3")


def test_the_summary_as_json(tmp_path, capsys):
    assert cli.main(arguments(tmp_path / "calls.vcf", "--json")) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["records"] == len(gl.io.read_variants(tmp_path / "calls.vcf").position)
    assert 0 < summary["passing"] <= summary["records"]
    assert summary["output"] == str(tmp_path / "calls.vcf")


def test_quiet_says_nothing(tmp_path, capsys):
    assert cli.main(arguments(tmp_path / "calls.vcf", "--quiet")) == 0
    assert capsys.readouterr() == ("", "")


def test_every_threshold_is_a_flag_with_its_default(tmp_path, capsys):
    parser = cli._parser(["call"])
    options = parser.parse_args(arguments(tmp_path / "calls.vcf"))
    defaults = gl.call.Thresholds()
    for each in fields(gl.call.Thresholds):
        assert getattr(options, each.name) == getattr(defaults, each.name)
    with pytest.raises(SystemExit):
        parser.parse_args(["call", "--help"])
    assert "--min-base-quality" in capsys.readouterr().out


def test_a_threshold_flag_reaches_the_caller(tmp_path, capsys):
    cli.main(arguments(tmp_path / "all.vcf", "--json"))
    usual = json.loads(capsys.readouterr().out)
    cli.main(arguments(tmp_path / "none.vcf", "--json", "--min-quality", "200", "--min-depth", "100"))
    strict = json.loads(capsys.readouterr().out)
    assert strict["passing"] < usual["passing"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--min-quality", "-5"], "`min_quality` must be between 0 and 200; got -5"),
        (["--region", "NC_001416.1:60,000-70,000"], "60,000"),
        (["--region", "chrX:1-100"], "chrX"),
        (["--sample", "nobody"], "nobody"),
        (["--ploidy", "0"], "ploidy"),
    ],
)
def test_a_refusal_is_one_sentence_and_writes_nothing(tmp_path, capsys, change, sentence):
    assert cli.main([*arguments(tmp_path / "calls.vcf.gz"), *change]) == 1
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("genolab call: ")
    assert error.count("\n") == 1
    assert sentence in error
    assert list(tmp_path.iterdir()) == []


def test_a_name_does_not_drive_the_terminal(tmp_path, capsys):
    path = tmp_path / "a\x1b[2J\u202eb.vcf"
    path.write_text("no\n")
    assert cli.main(["check", str(path)]) == 1
    assert cli.main(["index", str(path)]) == 1
    said = capsys.readouterr()
    assert "a\ufffd[2J\ufffdb.vcf" in said.out
    assert "a\ufffd[2J\ufffdb.vcf" in said.err
    assert not {"\x1b", "\u202e"} & set(said.out + said.err)


def test_a_web_page_instead_of_a_bam_is_refused(tmp_path, capsys):
    page = tmp_path / "reads.bam"
    page.write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>")
    assert cli.main(arguments(tmp_path / "calls.vcf", reads=page)) == 1
    assert "reads.bam" in capsys.readouterr().err
    assert not (tmp_path / "calls.vcf").exists()


@pytest.mark.parametrize("name", ["calls.txt", "missing/calls.vcf"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr("genolab.call.call_variants", lambda *a, **k: pytest.fail("it called first"))
    assert cli.main(arguments(tmp_path / name)) == 1
    assert Path(name).name in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_one_sentence(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("genolab.call.call_to_file", interrupted)
    assert cli.main(arguments(tmp_path / "calls.vcf")) == 130
    assert capsys.readouterr().err == "genolab call: stopped; nothing was written.\n"


def test_the_bar_draws_on_a_terminal_and_cleans_up(monkeypatch):
    clock = iter([1.0, 1.05, 2.0])
    monkeypatch.setattr(progress_bar.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with progress_bar.Bar(stream, shown=True) as bar:
        bar(0.5, "calling")
        bar(0.6, "calling")  # too soon to draw again
        bar(1.0, "writing")
    drawn = stream.getvalue().split("\r")
    assert drawn == ["", f"{'#' * 15}{'.' * 15}  50 % calling\033[K", f"{'#' * 30} 100 % writing\033[K", "\033[K"]


def test_the_bar_is_silent_where_it_is_not_shown():
    stream = io.StringIO()
    with progress_bar.Bar(stream, shown=False) as bar:
        bar(0.5, "calling")
    assert stream.getvalue() == ""


def test_index_builds_what_is_missing(tmp_path, capsys):
    reads = tmp_path / "reads.bam"
    reads.write_bytes(PHAGE.reads.read_bytes())
    assert cli.main(["index", str(reads)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "reads.bam.bai")
    assert (tmp_path / "reads.bam.bai").is_file()
    assert cli.main(["index", "--json", str(reads)]) == 0
    assert json.loads(capsys.readouterr().out) == [{"file": str(reads), "index": f"{reads}.bai"}]
    assert cli.main(["index", str(tmp_path / "absent.bam")]) == 1


def test_info_names_versions_backends_and_folders(capsys):
    assert cli.main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["genolab"] == gl.__version__
    assert {"numpy", "numba"} <= set(facts["backends"])
    assert cli.main(["info"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(facts)


def test_warmup_compiles_every_kernel_on_its_own_backend(capsys):
    assert cli.main(["warmup", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    kernels = {(each.name, each.backend) for each in gl.kernels()}
    assert kernels <= {(row["kernel"], row["backend"]) for row in rows}
    assert {"map_reads, chains", "DNA global CIGARs", "edit distance infix"} <= {row["kernel"] for row in rows}
    assert {row["state"] for row in rows} <= {"compiled", "cached"}


def test_the_lab_of_a_checkout_works_in_its_notebooks():
    assert servers.working_folder() == Path(servers.__file__).parents[1] / "notebooks"


def test_the_lab_elsewhere_gets_copies_and_keeps_what_is_there(tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / servers.START).write_text("my own work")
    assert servers.working_folder(mine) == mine
    assert (mine / servers.START).read_text() == "my own work"
    assert servers.working_folder(tmp_path / "new") == tmp_path / "new"
    assert json.loads((tmp_path / "new" / servers.START).read_text())["nbformat"] == 4


def test_both_servers_listen_on_this_machine_only(tmp_path):
    lab = servers.lab_arguments(tmp_path, 8888, browser=False)
    app = servers.app_settings(8866, "secret")["Voila"]
    assert "--ServerApp.ip=127.0.0.1" in lab
    assert "--no-browser" in lab
    assert (app["ip"], app["token"]) == ("127.0.0.1", "secret")


def test_kernels_encrypt_where_they_can_and_need_not_where_they_cannot(tmp_path, monkeypatch):
    asked = "--KernelManager.transport_encryption=auto"
    for can in (True, False):
        monkeypatch.setattr(servers, "_can_encrypt", lambda can=can: can)
        assert (asked in servers.lab_arguments(tmp_path, 8888, browser=False)) == can
        assert ("KernelManager" in servers.app_settings(8866, "secret")) == can


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GenolabError, match=r'voila is not installed\. Run `.* -m pip install "genolab\[lab\]"`'):
        servers.run_app()


def test_the_app_lets_nobody_in_without_its_token():
    pytest.importorskip("voila")
    server = subprocess.Popen(
        [sys.executable, "-m", "genolab.cli", "app", "--no-browser", "--port", "8766"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", server.stdout.readline()).group()
        base = address.split("/?")[0]
        for path in ("/", "/api/kernels", "/voila/files/app.ipynb", "/?token=wrong"):
            status, landed, text = answer(base + path)
            assert status == 403 or "/login" in landed, path
            assert "gl.lab" not in text
        status, landed, text = answer(address)
        assert status == 200
        assert "/login" not in landed
        assert "gl.lab" not in text, "the source is stripped"
        assert "cdn.jsdelivr" not in text, "the page asks no server for a font"
    finally:
        server.terminate()
        said = server.communicate()[1]
    assert "WARNING" not in said.upper()


def answer(url: str) -> tuple[int, str, str]:
    """Status, address after redirects and text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=300) as page:
            return page.status, page.url, page.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.url, ""


def test_compare_prints_and_writes(tmp_path, capsys):
    donor = gl.data.example("phage")
    output = tmp_path / "comparison.json"
    words = [
        "compare",
        "--reference",
        str(donor.reference),
        "--output",
        str(output),
        str(donor.truth),
        str(donor.truth),
    ]
    assert cli.main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {row["type"]: row["f1"] for row in printed["by_type"]}["SNV"] == 1.0
    assert json.loads(output.read_text())["by_type"] == printed["by_type"]
    assert cli.main(words) == 0
    assert "Ti/Tv" in capsys.readouterr().out
    assert cli.main([*words[:-1], str(tmp_path / "nothing.vcf")]) == 1
