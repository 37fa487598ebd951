"""The options of the commands, their help, and the variables that they can be given in."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.service import command, running
from tests.web.cli.given import DB, all_commands
from web.cli.commands import main, serve

COMMANDS = tuple(all_commands())


def options_of(name: str) -> list[click.Option]:
    return [param for param in all_commands()[name].params if isinstance(param, click.Option)]


def help_of(*arguments: str) -> str:
    return " ".join(CliRunner().invoke(main, [*arguments, "--help"]).output.split())


def test_the_help_names_every_command(tmp_path: Path) -> None:
    result = command(tmp_path, "--help")
    assert result.returncode == 0
    listed = result.stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_every_option_and_its_variable(name: str) -> None:
    text = help_of(name)
    missing = [
        word
        for option in options_of(name)
        for word in (*option.opts, option.envvar)
        if word and str(word) not in text
    ]
    assert not missing


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("move", "completion")])
def test_every_command_that_has_one_database_takes_it_from_the_same_place(name: str) -> None:
    [option] = [option for option in options_of(name) if option.name == "db"]
    assert (option.envvar, option.default) == ("AGENT_RUNTIME_DB", DB)


VALUES = {
    "--db": "other.db",
    "--host": "::1",
    "--port": "9000",
    "--durability": "snapshot",
    "--snapshot-interval": "2.5",
    "--commit-timeout": "2.5",
    "--undurable-limit-mib": "7",
    "--idle-timeout": "2.5",
    "--max-active": "7",
    "--resident-mib": "7",
    "--mailbox-size": "7",
    "--body-limit-mib": "7",
    "--bodies-limit-mib": "7",
    "--max-connections": "7",
    "--grace": "2.5",
    "--flush-timeout": "2.5",
    "--retention-hours": "2.5",
    "--trash-days": "2.5",
    "--record-history-days": "2.5",
    "--cors-origin": "https://ide.example",
    "--allow-host": "runtime.local",
    "--token-file": "token",
    "--advertise": "node-1.example:8001",
    "--node-token-file": "token",
    "--certfile": "certificate.pem",
    "--keyfile": "key.pem",
    "--server": "hypercorn",
    "--log-file": "other.log",
    "--log-level": "debug",
    "--quick-check": "always",
}


def settings(*arguments: str) -> dict[str, Any]:
    return serve.make_context("serve", list(arguments)).params


def test_every_option_of_serve_is_tested_below() -> None:
    assert list(VALUES) == [option.opts[0] for option in options_of("serve")]


@pytest.mark.parametrize(("option", "value"), VALUES.items(), ids=VALUES)
def test_an_option_of_serve_can_be_given_as_a_variable(
    option: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(option, value)
    assert given != settings()
    monkeypatch.setenv("AGENT_RUNTIME_" + option[2:].replace("-", "_").upper(), value)
    assert settings() == given


def test_a_variable_can_hold_several_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_ALLOW_HOST", "one.example two.example")
    assert settings()["allow_host"] == ("one.example", "two.example")


def test_an_option_goes_before_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "variable.log")
    assert settings("--log-file", "option.log")["log_file"] == "option.log"


def test_a_service_takes_its_settings_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_RUNTIME_DURABILITY", "snapshot")
    monkeypatch.setenv("AGENT_RUNTIME_ALLOW_HOST", "runtime.local")
    monkeypatch.setenv("AGENT_RUNTIME_TOKEN", "0123456789abcdef")
    monkeypatch.setenv("AGENT_RUNTIME_LOG_FILE", "elsewhere/service.log")
    with running(tmp_path) as service, service.client() as client:
        client.headers["Host"] = "runtime.local"
        assert "durability snapshot" in service.announcement
        assert client.get("/api/v1/sessions").status_code == 401
        client.headers["Authorization"] = "Bearer 0123456789abcdef"
        assert client.get("/api/v1/sessions").status_code == 200
        assert service.end() == 0
    assert (tmp_path / "elsewhere" / "service.log").exists()


@pytest.mark.parametrize("value", ["nan", "-1", "x"])
@pytest.mark.parametrize(
    "option",
    [o.opts[0] for o in options_of("serve") if isinstance(o.type, click.FloatRange)],
)
def test_what_is_no_time_is_refused(option: str, value: str) -> None:
    with pytest.raises(click.BadParameter):
        settings(option, value)


@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "1e9"])
@pytest.mark.parametrize("option", ["serve --retention-hours", "cleanup --max-age-hours"])
def test_an_age_beyond_the_calendar_is_refused(option: str, value: str) -> None:
    result = CliRunner().invoke(main, [*option.split(), value])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
