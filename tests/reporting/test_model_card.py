"""The model card: metadata the Hub can read, a body that says what the score is worth."""

import re

import pytest
from huggingface_hub import ModelCard as HubCard

from ser_hf.reporting import ModelCard, write_model_card, write_report


def tables_are_even(text):
    """Every row of a Markdown table has as many cells as its head."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block
        assert re.fullmatch(r"[|:-]+", block.splitlines()[1])
    return rows


def test_the_hub_reads_the_same_metadata(run_dir, results):
    card = HubCard.load(write_model_card(run_dir))
    expected = ModelCard.from_results(results).data()
    assert card.data.to_dict() == expected.to_dict()
    assert card.data.eval_results == expected.eval_results
    assert card.data.model_name == results["name"]


def test_the_metadata_says_what_was_scored(results):
    data = ModelCard.from_results(results).data().to_dict()
    assert data["library_name"] == "transformers"
    assert data["pipeline_tag"] == "audio-classification"
    assert (data["license"], data["license_name"]) == ("other", "terms-of-the-corpora")
    assert (data["language"], data["datasets"]) == (["en"], ["ravdess", "savee"])
    (result,) = data["model-index"][0]["results"]
    assert result["dataset"]["name"] == "ravdess + savee, 8class, random split, speaker-mixed"
    metrics = results["test"]["metrics"]
    assert {m["name"]: m["value"] for m in result["metrics"]} == {
        "Accuracy (WA)": round(metrics["accuracy"]["value"], 4),
        "UAR": round(metrics["uar"]["value"], 4),
        "Macro F1": round(metrics["macro_f1"]["value"], 4),
        "Weighted F1": round(metrics["weighted_f1"]["value"], 4),
    }
    assert {m["type"] for m in result["metrics"]} == {"accuracy", "recall", "f1"}


def test_the_body_holds_the_numbers(results):
    text = ModelCard.from_results(results).render()
    rows = tables_are_even(text)
    for name, key in (("Accuracy (WA)", "accuracy"), ("UAR", "uar"), ("Macro F1", "macro_f1")):
        metric = results["test"]["metrics"][key]
        low, high = (f"{100 * b:.1f}" for b in metric["clips"])
        few, most = (f"{100 * b:.1f}" for b in metric["speakers"])
        assert f"| {name} | {100 * metric['value']:.1f} | {low}–{high} | {few}–{most} |" in rows
    for name, split in results["data"]["splits"].items():
        counts = " | ".join(str(n) for n in split["classes"].values())
        assert f"| {name} | {split['clips']} | {split['speakers']} | {counts} |" in rows
    for part in (
        "CC BY-NC-SA 4.0",
        "research only, after registration",
        "10.1371/journal.pone.0196391",
        "learning_rate",
    ):
        assert part in text
    for part in ("AutoModelForAudioClassification", "ser-hf predict", "trust_remote_code=True", "pipeline("):
        assert part in text


def test_warnings_stand_where_they_belong(results):
    mixed = ModelCard.from_results(results).render()
    assert "> **Speaker-mixed score.** Speakers are on both sides of the split" in mixed
    assert "Synthetic" not in mixed
    results["synthetic"], results["split"]["speaker_independent"] = True, True
    card = ModelCard.from_results(results)
    text = card.render()
    assert "> **Synthetic voices.**" in text
    assert "both sides" not in text
    assert "synthetic voices" in card.title
    assert {"synthetic", "speaker-independent"} <= set(card.data().tags)
    assert all("synthetic voices" in result.dataset_name for result in card.eval_results())


def test_a_figure_is_shown_only_where_it_is(run_dir):
    assert "plots/" not in write_model_card(run_dir).read_text()
    (run_dir / "plots").mkdir()
    (run_dir / "plots" / "confusion_matrix.png").write_bytes(b"\x89PNG")
    assert "](plots/confusion_matrix.png)" in write_model_card(run_dir).read_text()


@pytest.mark.parametrize("name", ["a|b", "<b>bold</b>", "*x* _y_ `z`", "two\nlines"])
def test_names_do_not_break_the_tables(make_run, name):
    classes = [name, "happy", "sad", "angry"]
    results, _ = make_run(classes)
    results["training"]["arguments"] = {name: {"inner": [name, None]}}
    results["training"] |= {"best_epoch": None, "best_validation_uar": None}
    text = ModelCard.from_results(results).render()
    tables_are_even(text)
    assert "<b>" not in re.sub(r"\\<b\\>", "", text.split("\n---\n", 1)[1])


def test_classes_without_a_test_clip_are_in_the_headline_of_card_and_report(make_run, write_run):
    results, rows = make_run()
    told = "o test clip of calm: UAR and macro F1 are over 7 of 8 classes"
    whole = write_run(results, rows)
    assert told not in write_model_card(whole).read_text() + write_report(whole).read_text()
    for row in results["test"]["per_class"]:
        row["clips"] = 0 if row["class"] == "calm" else row["clips"]
    folder = write_run(results, rows)
    assert f"> **N{told}.**" in write_model_card(folder).read_text()
    assert f"n{told}" in write_report(folder).read_text()


PROBED = {
    "feature_extractor_type": "EmbeddingExtractor",
    "encoder": "openai/whisper-base",
    "layers": [1, 2, 5],
    "pooling": "mean_std",
    "sampling_rate": 16000,
    "encoder_family": "Whisper encoder over true lengths",
    "encoder_reference": "Radford et al. (2023), arXiv 2212.04356",
    "encoder_parameters": 17_438_208,
}


@pytest.mark.parametrize("library", ["sklearn", "transformers"])
def test_a_probe_names_its_frozen_encoder_and_what_loads_it(results, library):
    results["features"], results["model"]["library"] = dict(PROBED), library
    card = ModelCard.from_results(results)
    data, text = card.data().to_dict(), card.render()
    assert data["base_model"] == "openai/whisper-base"
    assert data["library_name"] == ("sklearn" if library == "sklearn" else "ser_hf")
    assert "**Frozen encoder.** It hears by openai/whisper-base (Whisper encoder" in text
    for part in ("arXiv 2212.04356", "17,438,208 parameters", "layers 1, 2, 5 (0 is", "by mean_std", "SerClassifier"):
        assert part in text
    assert "transformers alone does not load a probe" in text
    for part in ("AutoModel", "pipeline(", "trust_remote_code", "members/"):
        assert part not in text
    results["features"] = {**PROBED, "encoder": "my-folder"}
    assert "base_model" not in ModelCard.from_results(results).data().to_dict()
    results["features"] = {k: v for k, v in PROBED.items() if not k.startswith("encoder_")}
    assert "It hears by openai/whisper-base, which" in ModelCard.from_results(results).render()


def test_fine_tuned_whisper_brings_code_of_its_own(results):
    results["features"] = {"feature_extractor_type": "WhisperSerFeatureExtractor", "sampling_rate": 16000}
    results["model"] |= {"model_type": "whisper_ser", "base_model": "openai/whisper-base"}
    card = ModelCard.from_results(results)
    text = card.render()
    assert card.data().to_dict()["base_model"] == "openai/whisper-base"
    assert "starting from openai/whisper-base" in text
    assert "import ser_hf.models" in text
    assert 'model="USER/REPOSITORY", trust_remote_code=True)' in text
    results["model"]["own_code"] = False
    assert "pipeline(" not in ModelCard.from_results(results).render()


def test_the_model_index_is_read_back_as_it_was_written(run_dir, results):
    from huggingface_hub import metadata_load
    from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

    header = metadata_load(write_model_card(run_dir))
    expected = ModelCard.from_results(results).eval_results()
    name, found = model_index_to_eval_results(header["model-index"])
    assert (name, found) == (results["name"], expected)
    assert eval_results_to_model_index(name, found) == header["model-index"]


def test_what_a_model_was_made_from_is_in_the_tree_of_models(results):
    plain = ModelCard.from_results(results).data().to_dict()
    assert not {"base_model", "base_model_relation", "widget"} & set(plain), "code of its own runs in no widget"
    results["model"]["base_model"] = "microsoft/wavlm-base"
    results["features"]["feature_extractor_type"] = "Wav2Vec2FeatureExtractor"
    tuned = ModelCard.from_results(results).data().to_dict()
    assert (tuned["base_model"], tuned["base_model_relation"]) == ("microsoft/wavlm-base", "finetune")
    assert [sample["src"].rpartition(".")[2] for sample in tuned["widget"]] == ["flac"]
    results["model"]["base_model"] = "folder"
    assert "base_model_relation" not in ModelCard.from_results(results).data().to_dict()
    results["features"] = {**results["features"], "feature_extractor_type": "EmbeddingExtractor"}
    results["features"]["encoder"], results["model"]["base_model"] = "openai/whisper-base", None
    probe = ModelCard.from_results(results).data().to_dict()
    assert (probe["base_model"], probe["base_model_relation"]) == ("openai/whisper-base", "finetune")
    assert "widget" not in probe


def test_a_corpus_of_the_hub_is_linked_by_its_repository(results):
    results["data"]["corpora"][0]["homepage"] = "https://huggingface.co/datasets/some/calls"
    del results["data"]["corpora"][1]
    data = ModelCard.from_results(results).data()
    assert data.datasets == ["some/calls"]
    assert {result.dataset_type for result in data.eval_results} == {"some/calls"}
