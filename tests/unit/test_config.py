"""Settings come from flags, then the environment, then agecli.toml, then the defaults."""

import os

import pytest

from agecli import config
from agecli.errors import ConfigError
from agecli.models import spec


def test_each_source_of_settings_outranks_the_next(tmp_path):
    (tmp_path / "agecli.toml").write_text('workers = 3\nperiod = "2026Q1"\nbatch_rows = 7\n')
    settings = config.resolve(tmp_path, {"workers": 5}, {"AGECLI_PERIOD": "2026Q2", "AGECLI_WORKERS": "4"})
    assert (settings["workers"], settings["period"], settings["batch_rows"]) == (5, "2026Q2", 7)
    assert [settings.origin[name] for name in ("workers", "period", "batch_rows", "seed")] == [
        "--workers", "AGECLI_PERIOD", "agecli.toml", "default",
    ]  # fmt: skip


def test_an_unknown_setting_names_the_nearest_known_one(tmp_path):
    (tmp_path / "agecli.toml").write_text("worker = 3\n")
    with pytest.raises(ConfigError) as caught:
        config.resolve(tmp_path, environ={})
    assert "workers" in caught.value.fix


def test_a_variable_that_is_nearly_one_of_a_setting_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        config.resolve(tmp_path, environ={"AGECLI_WORKRES": "1"})
    assert caught.value.fix == "did you mean AGECLI_WORKERS?"
    config.resolve(tmp_path, environ={"AGECLI_FAST": "off", "AGECLI_TEST_DATA": "x", "AGECLI_PARAM_ETA": "0.1"})


def test_paths_in_the_file_are_meant_from_the_project(tmp_path):
    (tmp_path / "agecli.toml").write_text('source = "rows/*.parquet"\n')
    assert config.resolve(tmp_path, environ={})["source"] == tmp_path / "rows/*.parquet"


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2 << 30), ("800MB", 800 << 20), ("1.5g", 3 << 29), ("512", 512 << 20)]
)
def test_sizes(tmp_path, text, size):
    assert config.resolve(tmp_path, {"memory": text}, {})["memory"] == size


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", "two"), ("workers", -1), ("memory", "lots"), ("period", 2026), ("source", ""), ("workspace", "")],
)
def test_a_value_of_the_wrong_kind_is_named(tmp_path, name, value):
    with pytest.raises(ConfigError, match=name):
        config.resolve(tmp_path, {name: value}, {})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("seed", 10**20, "0 to 4294967295"),
        ("folds", 1, "2 to 20"),
        ("folds", 21, "2 to 20"),
        ("repeats", 0, "1 to 50"),
        ("max_train_rows", 19, "from 20"),
        ("max_train_rows", 0, "from 20"),
    ],
)
def test_a_number_that_no_training_takes_is_refused_before_a_run(tmp_path, name, value, wanted):
    with pytest.raises(ConfigError, match=wanted):
        config.resolve(tmp_path, {name: str(value)}, {})
    assert config.resolve(tmp_path, {"folds": "0"}, {})["folds"] == 0


def test_the_bounds_are_those_of_training():
    bounds = {setting.name: setting.maximum for setting in config.SETTINGS}
    assert (bounds["folds"], bounds["repeats"]) == (spec.MOST_FOLDS, spec.MOST_REPEATS)


def test_memory_too_small_for_any_work_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="512MiB or more"):
        config.resolve(tmp_path, {"memory": "1k"}, {})


@pytest.mark.parametrize(("granted", "cores"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_workers_are_no_more_than_the_cgroup_grants(tmp_path, monkeypatch, granted, cores):
    (tmp_path / "cpu.max").write_text(granted + "\n")
    monkeypatch.setattr(config, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert config.worker_count(config.resolve(tmp_path, environ={})) == cores


def test_what_decides_results_is_neither_memory_nor_workers_nor_places(tmp_path):
    assert not {"workers", "memory", "workspace", "source"} & set(config.resolve(tmp_path, environ={}).deciding())
