"""Settings: options, then the environment, then files that it names, then defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks.errors import SettingsError
from hooks.settings import Settings, environment, load_settings, secret, unread


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUTES", "DATA", "DATABASE", "HOST", "PORT", "ADMIN", "ADMIN_TOKEN", "ROLE", "STRICT", "SECRETS"):
        monkeypatch.delenv(f"HOOKS_{name}", raising=False)
        monkeypatch.delenv(f"HOOKS_{name}_FILE", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def test_the_defaults() -> None:
    settings = load_settings()
    assert Settings() == settings
    assert (Path("routes.yaml"), Path(".hooks"), Path(".hooks/hooks.db")) == (
        settings.routes,
        settings.data,
        settings.database_file,
    )
    assert ("127.0.0.1", 8080, "127.0.0.1", 8081) == (
        settings.host,
        settings.port,
        settings.admin_host,
        settings.admin_port,
    )
    assert ("all", False, None) == (settings.role, settings.strict, settings.admin_token)


def test_every_option_is_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ROUTES": "/etc/hooks/r.yaml",
        "DATA": "/var/lib/hooks",
        "DATABASE": "sqlite:////srv/h.db",
        "HOST": "0.0.0.0",
        "PORT": "9000",
        "ADMIN": "[::1]:9001",
        "ADMIN_TOKEN": "a-token-of-enough-length",
        "ROLE": "receive",
        "STRICT": "1",
        "DURABILITY": "relaxed",
        "FREE_SPACE": "2GiB",
        "RETENTION": "90d",
    }.items():
        monkeypatch.setenv(f"HOOKS_{name}", value)
    settings = load_settings()
    assert (
        Settings(
            routes=Path("/etc/hooks/r.yaml"),
            data=Path("/var/lib/hooks"),
            database="sqlite:////srv/h.db",
            host="0.0.0.0",
            port=9000,
            admin_host="::1",
            admin_port=9001,
            admin_token="a-token-of-enough-length",
            role="receive",
            strict=True,
            durability="relaxed",
            free_space=2 << 30,
            retention=90 * 86400.0,
        )
        == settings
    )
    assert Path("/srv/h.db") == settings.database_file


def test_an_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_PORT", "9000")
    assert (1, 9000) == (load_settings({"port": 1}).port, load_settings({"port": None}).port)


@pytest.mark.parametrize(("word", "strict"), [("true", True), ("YES", True), ("0", False), ("no", False)])
def test_strict_is_a_word(monkeypatch: pytest.MonkeyPatch, word: str, strict: bool) -> None:
    monkeypatch.setenv("HOOKS_STRICT", word)
    assert strict == load_settings().strict


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "eighty", "HOOKS_PORT"),
        ("PORT", "70000", "0 to 65535"),
        ("PORT", "-1", "HOOKS_PORT"),
        ("PORT", "²", "HOOKS_PORT"),
        ("ADMIN", "8081", "HOST:PORT"),
        ("ADMIN", ":8081", "HOST:PORT"),
        ("ROLE", "boss", "all, receive, work"),
        ("STRICT", "ture", "true or false"),
        ("ADMIN_TOKEN", "tiny-token", "at least 16"),
    ],
)
def test_what_cannot_be_is_named_with_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"HOOKS_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert told in str(caught.value)
    assert "tiny-token" not in str(caught.value)


@pytest.mark.parametrize("database", ["mysql://x", "hooks.db", "sqlite://", "sqlite:///"])
def test_a_database_of_another_kind_is_refused(database: str) -> None:
    with pytest.raises(SettingsError):
        _ = Settings(database=database).database_url


def test_a_relative_database_is_relative() -> None:
    assert Path("some/h.db") == Settings(database="sqlite:///some/h.db").database_file


@pytest.mark.parametrize(
    "database",
    [
        "postgresql://hooks:geheim@db.example.com/hooks",
        "postgresql:///hooks?user=hooks&password=geheim",
        "postgresql://hooks:a@b/geheim@db.example.com/hooks",
        "postgresql://hooks:a?geheim@db.example.com/hooks",
    ],
)
def test_a_database_is_shown_without_its_password(database: str) -> None:
    settings = Settings(database=database)
    assert database == settings.database_url
    assert "geheim" not in settings.database_shown + repr(settings)
    assert "***" in settings.database_shown
    assert settings.database_file is None


def test_no_token_is_in_a_repr() -> None:
    shown = repr(Settings(admin_token="a-token-of-enough-length"))
    assert "a-token" not in shown
    assert "***" in shown


def test_a_secret_is_looked_up_in_its_three_places_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "MINE").write_text("from the folder\n")
    (tmp_path / "file").write_text("from the file\r\n")
    assert secret("MINE") is None
    monkeypatch.setenv("HOOKS_SECRETS", str(tmp_path / "folder"))
    assert "from the folder" == secret("MINE")
    monkeypatch.setenv("MINE_FILE", str(tmp_path / "file"))
    assert "from the file" == secret("MINE")
    monkeypatch.setenv("MINE", "from the environment")
    assert "from the environment" == secret("MINE")
    monkeypatch.setenv("MINE", "")
    assert "from the file" == secret("MINE"), "an empty variable is none"


def test_a_secrets_folder_of_the_system_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "MINE").write_text("a credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "a credential" == secret("MINE")


def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path / "binary", tmp_path):
        monkeypatch.setenv("MINE_FILE", str(path))
        with pytest.raises(SettingsError, match="MINE_FILE"):
            environment("MINE")
    monkeypatch.delenv("MINE_FILE")
    monkeypatch.setenv("HOOKS_SECRETS", str(tmp_path))
    (tmp_path / "OTHER").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="OTHER"):
        secret("OTHER")


def test_a_file_keeps_all_but_one_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text(" spaced \n\n")
    monkeypatch.setenv("MINE_FILE", str(tmp_path / "file"))
    assert " spaced \n" == environment("MINE")


def test_a_file_of_notepad_holds_the_secret_and_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "MINE").write_bytes(b"\xef\xbb\xbfa credential\r\n")
    monkeypatch.setenv("HOOKS_SECRETS", str(tmp_path))
    assert "a credential" == secret("MINE")
    monkeypatch.setenv("OTHER_FILE", str(tmp_path / "MINE"))
    assert "a credential" == secret("OTHER")


def test_why_a_secret_cannot_be_had_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, told in (("none", "No such file"), ("binary", "not UTF-8 text"), ("empty", "is empty")):
        monkeypatch.setenv("MINE_FILE", str(tmp_path / path))
        with pytest.raises(SettingsError, match=f"MINE_FILE names a file .*{told}"):
            secret("MINE")


def test_the_admin_token_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("a-token-of-enough-length\n")
    monkeypatch.setenv("HOOKS_ADMIN_TOKEN_FILE", str(tmp_path / "token"))
    assert "a-token-of-enough-length" == load_settings().admin_token


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("DURABILITY", "none", "full or relaxed"),
        ("FREE_SPACE", "some", "512MiB"),
        ("FREE_SPACE", "-1", "512MiB"),
        ("RETENTION", "30", "unit"),
    ],
)
def test_upkeep_is_set_in_words_that_are_checked(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"HOOKS_{name}", value)
    with pytest.raises(SettingsError, match=told):
        load_settings()


def test_retention_may_be_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_RETENTION", "forever")
    assert load_settings().retention is None


def test_a_misspelt_variable_is_told_with_the_nearest_one_and_what_is_not_ours_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.environ", {"PATH": "/bin", "HOOK_PORT": "1"})
    assert [] == unread()
    others = {
        "HOOKS_SERVICE_HOST": "10.0.0.1",
        "HOOKS_RECEIVE_SERVICE_PORT_WEBHOOKS": "8080",
        "HOOKS_PORT_8080_TCP_ADDR": "10.0.0.1",
        "HOOKS_RECEIVE_PORT": "tcp://10.0.0.1:8080",
        "HOOKS_TEST_POSTGRES": "x",
        "HOOKS_ADMIN_TOKEN_FILE": "/run/secrets/token",
        "HOOKS_SECRETS": "/run/secrets",
        "HOOKS_RETENTIONS": "",
        "HOOKS_OFFICE_KEY": "a secret that the rules name",
    }
    wrong = {"HOOKS_ADMIN_PORT": "8081", "HOOKS_RETENTOIN": "canary", "HOOKS_WHATEVER_ELSE": "canary"}
    monkeypatch.setattr("os.environ", {**others, **wrong})
    assert "a secret that the rules name" == secret("HOOKS_OFFICE_KEY")
    assert [
        "HOOKS_ADMIN_PORT is no setting of hooks and is not read: did you mean HOOKS_ADMIN?",
        "HOOKS_RETENTOIN is no setting of hooks and is not read: did you mean HOOKS_RETENTION?",
        "HOOKS_WHATEVER_ELSE is no setting of hooks and is not read",
    ] == unread()


def test_the_port_of_a_service_in_kubernetes_is_named_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_PORT", "tcp://10.0.0.1:8080")
    with pytest.raises(SettingsError, match="enableServiceLinks: false"):
        load_settings()
