"""The names that programs may build on, and how they are called: what CONTRIBUTING.md promises about them."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import ser_hf

ROOT = Path(__file__).parents[1]
PUBLIC = {
    "ser_hf": """
        SerClassifier
        SerCorpus
        SerFeatureExtractor
        SerMetrics
        add_features
    """,
    "ser_hf.inference": """
        SerClassifier(model, extractor, terms=None)
        SerClassifier.from_pretrained(source, device='auto')
        SerClassifier.default(device='auto')
        SerClassifier.__call__(self, clips, sampling_rate=None, **options)
        OnnxClassifier(file, threads=None)
        Heard(classes, dimensions, speech=None, seconds=0.0, sure_from=0.0)
        Heard.label
        Heard.confidence
        Heard.warning
        Segment(start, end, label, classes, dimensions, speech=None, speaker=None)
        Timeline
        Timeline.as_dict(self)
        Verdict
        open_model(source='default', device='auto')
        segment(model, source, sampling_rate=None, *, window=None, hop=None, speech='auto', smoothing=3,
            shortest=1.0, pause=1.0, min_confidence=0.0, turns=None, max_duration=inf, progress=None)
        write_timeline(timeline, file, form=None)
        live(model, blocks, rate, *, window=None, hop=None, speech='auto', min_confidence=0.0)
        export_onnx(source, file=None, int8=False)
        export_small(source, folder, folds=())
        plot_attention(classifier, clip, file, max_duration=3600.0)
        plot_timeline(timeline, file)
    """,
    "ser_hf.inference.batch": """
        Options(min_confidence=0.0, vad='auto', max_duration=3600.0, embeddings=False, shard_size=1000)
        Summary(output, clips, errors, heard=0, seconds=0.0)
        predict_many(words, output, checkpoint='default', *, device='auto', workers=None, batch_size=32,
            overwrite=False, shown=False, options=None)
    """,
    "ser_hf.audio": """
        audio_hash(samples, rate)
        blocks(source, rate, block=10.0, name=None, max_duration=inf)
        decode(source, name=None, max_duration=3600.0)
        duration(source, name=None)
        load(source, sampling_rate, name=None, max_duration=3600.0)
        loudness_db(waveform)
        recording(given, rate, sampling_rate=None, max_duration=3600.0, called='the clip')
        recordings(given, rate, sampling_rate=None, max_duration=3600.0)
        resample(samples, rate, target)
        snr_db(waveform, sampling_rate)
        speech_detector(name='auto')
    """,
    "ser_hf.corpora": """
        CORPORA
        Corpus
        register(corpus)
        scan(corpus, root, skip_bad=False)
    """,
    "ser_hf.protocols": """
        PROTOCOLS
        Protocol
        SplitOptions(*, fold=None, folds=5, seed=42, test_size=0.1, validation_size=0.1, test_speakers=(),
            train_corpora=(), test_corpora=(), test_partition='test', split_file=None, drop_unlisted=False)
        make_split(dataset, protocol, options=None)
        split_counts(parts)
    """,
    "ser_hf.data": """
        SerCorpus
        balance(parts, method, n=None, seed=42, **options)
        class_weights(labels, n_classes, kind='balanced')
        keep_speakers(parts, number, seed)
        load_built(folder, config=None)
        load_corpus(corpora, *, data_root=None, data_dirs=None, scheme='8class', skip_bad=False,
            max_duration=3600.0, num_proc=None, cache_dir=None, reading=None)
        oversample(parts, n=None, seed=42, *, augment=None, recordings=None, finish=None, num_proc=None)
        read_manifest(path)
        sample_weights(labels, n_classes, kind='balanced')
        split_by_manifest(dataset, manifest, info)
        undersample(dataset, n=None, seed=42)
        write_manifest(parts, path)
        write_parquet(parts, folder)
    """,
    "ser_hf.audit": """
        add_fingerprints(dataset, num_proc=None)
        audit(parts, *, claims_speaker_independent, num_proc=None)
        audit_table(findings)
    """,
    "ser_hf.features": """
        add_features(dataset, extractor, *, device='auto', batch_size=64, num_proc=None, keep_audio=True,
            dtype='float32')
        feature_statistics(rows, *, batch_size=256)
    """,
    "ser_hf.embeddings": """
        add_embeddings(dataset, checkpoint, *, layers=None, pooling='mean', dtype='auto', trim_db=None,
            device='auto', batch_size=64, num_proc=None, keep_audio=True)
        write_embeddings(rows, path)
    """,
    "ser_hf.models": """
        MODELS
        SerFeatureExtractor(sampling_rate=16000, duration=3.0, n_fft=1024, hop_length=256, n_mels=128,
            f_min=0.0, f_max=None, top_db=80.0, trim_db=30.0, peak_normalise=True, normalisation='scaled',
            window_function='hann', win_length=None, mel_scale='slaney', mel_norm='slaney', power=2.0,
            scale='db', reference=None, features='log_mel', n_mfcc=20, deltas=0, mean=None, std=None,
            **kwargs)
        build_config(name, **settings)
        build_extractor(**settings)
        build_model(config)
    """,
    "ser_hf.training": """
        RECIPES
        Recipe
        average_checkpoints(sources, shares)
        build_trainer(recipe, model, extractor, train, validation, trackers=None)
        deterministic(wanted=True, instead='train on a CPU (--use_cpu true)')
        load_checkpoint(source, device='auto')
        load_recipe(path, overrides=(), **defaults)
        make_extractor(recipe)
        make_model(recipe, extractor, scheme=None, targets=None)
        predict(model, rows, batch_size=64, speakers=None)
    """,
    "ser_hf.evaluation": """
        SerMetrics
        ccc(references, predictions)
        clip_intervals(references, predictions, num_classes, *, level=0.95, n_resamples=2000, seed=0)
        confusion_matrix(references, predictions, num_classes)
        evaluate_calibration(probabilities, references, temperature=1.0, before=None, *, n_bins=15,
            n_resamples=500, seed=0)
        evaluate_dimensions(targets, references, predictions, speakers, *, n_resamples=2000, seed=0)
        evaluate_predictions(references, predictions, classes, corpora, speakers, *, n_resamples=2000, seed=0)
        expected_calibration_error(probabilities, references, n_bins=15, *, equal_mass=False)
        fit_temperature(logits, references)
        holm(p_values)
        mcnemar(right, right_other)
        score_table(results)
        scores(references, predictions, num_classes)
        speaker_intervals(references, predictions, num_classes, speakers, *, level=0.95, n_resamples=2000,
            seed=0)
        uar_difference(references, predictions, others, num_classes, speakers, *, level=0.95,
            n_resamples=2000, seed=0)
    """,
    "ser_hf.reporting": """
        push_dataset(folder, repo_id, *, private=False, token=None, revision=None, create_pr=False,
            dry_run=False)
        push_run(run_dir, repo_id, *, private=False, token=None, revision=None, licence=None, benchmark=None,
            create_pr=False, dry_run=False)
        write_dataset_card(folder)
        write_model_card(run_dir)
        write_plots(results, folder)
        write_report(run_dir, sounds=None)
    """,
    "ser_hf.studies": """
        find_study(word)
        load_study(source)
        run_study(study, output, launcher, *, words=(), imagenet=None, launch=None)
        score_study(recipes, corpora, keys)
        study_names()
    """,
    "ser_hf.base.errors": """
        SerHfError
        CorpusError
        AudioError
        TooLongError
        SplitError
        RecipeError
        CheckpointError
        DivergedError
        NotFiniteError
    """,
    "ser_hf.cli": """
        main(argv=None)
    """,
}
"""Module -> names with their parameters and defaults; a name without brackets promises that it is there, no more."""

ENTRY = re.compile(r"([\w.]+)(\((?:[^()]|\([^()]*\))*\))?")
IMPORT = re.compile(r"^(?:>>> )?from (ser_hf[\w.]*) import ([\w, ]+)$", re.MULTILINE)


def entries() -> list[tuple[str, str, str]]:
    """Module, name and parameters, ``""`` where none are promised, of every entry of the table."""
    return [(module, *found) for module, text in PUBLIC.items() for found in ENTRY.findall(" ".join(text.split()))]


def parameters(call) -> str:
    """The parameters of something callable with their defaults, without annotations."""
    signature = inspect.signature(call)
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


@pytest.mark.parametrize(("module", "name", "promised"), entries())
def test_a_public_name_is_called_as_promised(module, name, promised):
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if promised:
        assert parameters(found) == promised, "see 'What is public' in CONTRIBUTING.md"


def test_the_table_is_read_whole():
    assert len(entries()) == sum(len(re.findall(r"^ {8}\S", text, re.MULTILINE)) for text in PUBLIC.values())


def test_all_names_of_the_package_itself_are_promised():
    assert {name for module, name, _ in entries() if module == "ser_hf"} == {*ser_hf.__all__} - {"__version__"}


@pytest.mark.parametrize("file", ["README.md", "ser_hf/reporting/templates/model_card.md.jinja"])
def test_what_the_documents_import_is_promised(file):
    imported = IMPORT.findall((ROOT / file).read_text(encoding="utf-8"))
    promised = {(module, name) for module, name, _ in entries()}
    assert imported
    assert {(module, name) for module, names in imported for name in names.split(", ")} - promised == set()


def test_another_default_is_seen():
    assert parameters(lambda a, *, b=1: None) != parameters(lambda a, *, b=2: None) == "(a, *, b=2)"
