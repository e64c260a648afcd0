"""What becomes of every command and block of the documents: how it is run, or why it is not.

Commands are run as they are written, in the folder of ``workplace.py``, in which the names that the documents use are
there. A command or block without an entry, and an entry that no document needs, fail the tests.
"""

from dataclasses import dataclass

MODEL, DATASET = "model card", "dataset card"
"""Documents that a run and a build write."""


@dataclass(frozen=True)
class Run:
    """It is run.

    Attributes:
        more: words added behind: what makes it short, or does not depend on the machine.
        after: commands and snippets of the README that are run before.
        code: exit code.
        wrapped: what is shown is one line of standard error, broken into several.
        removes: a file an earlier command wrote by other settings.
        command: of a block of output, what prints it.
        needs: a library of an extra that the tests do not install; without it the test is skipped.
    """

    more: str = ""
    after: tuple[str, ...] = ()
    code: int = 0
    wrapped: bool = False
    removes: str = ""
    command: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Left:
    """It is parsed or compiled and not run.

    Attributes:
        why: a reason, with the test that covers it where there is one.
    """

    why: str


INSTALLS = Left("installs; that the extra exists is tested")
MAKES = Left("takes minutes or the network; that the targets exist is tested")
HUB = Left("needs the Hub; a small one is pushed to in tests/reporting/test_hub.py")
RECIPE = Left("trains; every recipe is run for two steps in tests/test_recipes.py")
LAUNCH = Left("starts processes; tests/test_processes.py does with a tiny recipe")
JOB = Left("needs the Hub; the program is run in tests/reporting/test_hub_job.py")
TEXT = Left("no code")

SHORT = "--max_steps 2 --per_device_train_batch_size 2"
"""The smoke flags of ``recipes/results.csv``."""
FEW = "--protocol speaker-kfold --folds 2"
"""The made corpora have speakers for two folds and not for all of EmoBox's."""
QUICK = "--features mfcc_mean"
"""Functionals have a pitch, for which numba compiles half a minute; they are tested in tests/baselines."""
TRAIN = "ser-hf train cnn_blstm_attention --data_root DATA"
BUILD = "ser-hf build --corpora ravdess savee --data_root DATA --protocol emobox --fold 1 --output build/ravdess_savee"
OWN = "ser-hf train cnn_blstm_attention_new_voices --dataset calls/calls.csv --protocol speaker-independent"
OWN_RUN = f"{OWN} --test_size 0.25 --scheme own --output_dir runs/calls"

QUICKSTART = (
    "ser-hf quickstart --max_steps 2 --n_mels 16 --model_settings conv_channels=[2,2,2,2] lstm_size=4 "
    "--data_dirs synthetic=DATA"
)

README: dict[str, Run | Left] = {
    "make quickstart": MAKES,
    "make test": MAKES,
    "quickstart-speaker-independent": Run(command=QUICKSTART),
    "pip install 'ser_hf[demo]'": INSTALLS,
    "ser-hf demo": Left("opens a page until it is interrupted; tests/demo/test_page.py does"),
    "ser-hf demo runs/from_scratch-cnn_blstm_attention-random --space space/": Run(after=(TRAIN,), needs="gradio"),
    "ser-hf predict runs/from_scratch-cnn_blstm_attention-random DATA/ravdess/Actor_01/03-01-05-02-01-01-01.flac": Run(
        "--vad rule", after=(TRAIN,)
    ),
    "from ser_hf import SerClassifier": Run(after=(TRAIN,)),
    "from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, pipeline": Run(after=(TRAIN,)),
    "ser-hf segment call.wav --min_confidence 0.4 --output call.vtt --plot call.png": Run("--vad rule"),
    "from ser_hf.inference import open_model, segment, write_timeline": Run(after=(TRAIN,)),
    "ffmpeg -loglevel error -i STREAM -f s16le -ac 1 -ar 16000 - | ser-hf listen --stdin --rate 16000": Run(),
    "ser-hf predict clips/ --output scores.parquet": Run("--workers 0"),
    "ser-hf predict runs/mine calls/ more.csv 'old/**/*.flac' --output scores.csv": Run("--workers 0", after=(TRAIN,)),
    "accelerate launch --multi_gpu -m ser_hf.cli predict runs/mine calls/ --output scores.parquet": Left(
        "needs several GPUs; tests/inference/batch shares work out among processes"
    ),
    "python recipes/cluster/predict.py calls/ --model runs/mine --output scores --gpus 1 --actors 8": Left(
        "needs Ray and a GPU"
    ),
    "from ser_hf.inference.batch import predict_many": Run(after=(TRAIN,), removes="scores.parquet"),
    "pip install 'ser_hf[serve]'": INSTALLS,
    "ser-hf serve --port 8000": Left("serves until it is interrupted; tests/serving/test_process.py does"),
    "curl -F file=@clip.wav http://127.0.0.1:8000/v1/classify": Left(
        "needs curl and a server; test_server.py sends the same file to one of this process"
    ),
    "head -3 calls/calls.csv": Run(),
    "cat calls/calls.yaml": Run(),
    OWN: Run(code=2, wrapped=True),
    OWN_RUN: Run(SHORT),
    "ser-hf predict runs/calls clip.flac": Run("--vad rule", after=(OWN_RUN,)),
    "ser-hf push runs/calls USER/NAME": HUB,
    "ser-hf download ravdess --data_root DATA --accept_license": Left("needs the network; see tests/download"),
    BUILD: Run(),
    "from datasets import load_dataset": Run(after=(BUILD,)),
    TRAIN: Run(f"{SHORT} --test_size 0.25 --validation_size 0.2"),
    "accelerate launch --config_file recipes/accelerate/cpu.yaml --num_processes 2 "
    "-m ser_hf.cli train recipes/from_scratch/cnn_blstm_attention.yaml --data_root DATA": LAUNCH,
    "ser-hf launch --config_file cpu --num_processes 2 train cnn_blstm_attention --data_root DATA": LAUNCH,
    "ser-hf train svm --corpora ravdess --protocol emobox --fold all --data_root DATA --output_dir runs/svm": Left(
        "trains on six folds; a probe below is trained on every fold"
    ),
    "ser-hf embed openai/whisper-base --corpora ravdess --data_root DATA --output ravdess.parquet "
    "--layers 1 2 3 4 5": Run(),
    "from ser_hf.data import load_corpus": Run(),
    "ser-hf train whisper_base_logistic --fold all --data_root DATA": Run(FEW),
    "ser-hf train whisper_base --data_root DATA": Run(SHORT),
    "ser-hf train whisper_base_logistic_speaker_normalised --fold all --data_root DATA": Run(FEW),
    "ser-hf score svm logistic --corpora ravdess --data_root DATA": Run(f"{FEW} {QUICK}"),
    "ser-hf study speaker_gap --data_root DATA --jobs 2": Run("--dry_run"),
    "ser-hf evaluate runs/lstm-fold1 --data_root DATA --robustness": Run(after=(TRAIN,)),
    "hf jobs uv run --flavor l4x1 --secrets HF_TOKEN recipes/cluster/hf_job.py whisper_base --repo USER/NAME "
    "--data USER/DATASET": JOB,
    "ser_hf/": TEXT,
    "@software{ser_hf, title = {ser_hf: speech emotion recognition as a Hugging Face dataset-and-trainer package}, "
    "year = {2026}}": TEXT,
}
CONTRIBUTING: dict[str, Run | Left] = {
    **dict.fromkeys(("make quickstart", "make test", "make lint", "make format"), MAKES),
    ".venv/bin/pre-commit install": INSTALLS,
    **dict.fromkeys(("make lint test wheel-check", "make audit", "make licences sbom", "make dist"), MAKES),
    "python3 tests/gpu_check.py --wheels wheels --output gpu_check": Left("needs a GPU; tests/test_gpu_check.py"),
}
RECIPES: dict[str, Run | Left] = {
    "ser-hf train resnet34 --data_root DIR": RECIPE,
    "ser-hf train recipes/from_scratch/resnet34.yaml --data_root DIR --protocol emobox --fold 1 --seed 7": RECIPE,
    "ser-hf train recipes/from_scratch/resnet34.yaml --data_root DIR --model_settings backbone=resnet18": Run(SHORT),
    "ser-hf train whisper_base_svm --data_root DIR --fold all": Run(FEW),
    "ser-hf train svm --data_root DIR --corpora ravdess --protocol emobox --fold all --train_speakers 4": Run(
        f"--fold 1 {QUICK} --output_dir runs/curve"
    ),
    "ser-hf train resnet34 --data_root DIR --report_to tensorboard trackio --project NAME": Left(
        "trains; tests/training/test_trackers.py does with a tiny recipe"
    ),
    "accelerate launch --config_file recipes/accelerate/cpu.yaml --num_processes 2 "
    "-m ser_hf.cli train recipes/from_scratch/cnn_blstm_attention.yaml --data_root DIR": LAUNCH,
    "ser-hf launch --config_file cpu --num_processes 2 train cnn_blstm_attention --data_root DIR": LAUNCH,
    "hf jobs uv run --flavor l4x1 --secrets HF_TOKEN --timeout 6h recipes/cluster/hf_job.py whisper_base_svm "
    "--repo USER/NAME --data USER/DATASET --protocol official": JOB,
    "title: How many bands": Left("bands.yaml, which the commands below it run"),
    "ser-hf study bands.yaml --data_root DIR --dry_run": Run(),
    "ser-hf study bands.yaml --data_root DIR --jobs 2": Run("--dry_run"),
    "ser-hf study bands.yaml --data_root DIR --launcher ray --gpus_per_run 1": Run("--dry_run"),
    "ser-hf study bands.yaml --data_root DIR --launcher accelerate --launch_args '--num_processes 2'": Run("--dry_run"),
    "ser-hf score svm logistic --corpora ravdess savee --data_root DIR": Run("--dry_run --output runs/both"),
}
MODEL_CARD: dict[str, Run | Left] = {
    "ser-hf predict USER/REPOSITORY clip.wav": Run("--vad rule"),
    "import torch": Run(),
    "import soundfile": Run(),
}
DATASET_CARD: dict[str, Run | Left] = {
    "hf download USER/REPOSITORY manifest.parquet build.json --repo-type dataset --local-dir manifest": Left(
        "needs the Hub; the two files are put there"
    ),
    "ser-hf build --manifest manifest --data_root DIR --output OUT": Run(),
    "from datasets import load_dataset": Run(),
}
PLACES = {
    "README.md": README,
    "CONTRIBUTING.md": CONTRIBUTING,
    "recipes/README.md": RECIPES,
    "LIMITS.md": {},
    MODEL: MODEL_CARD,
    DATASET: DATASET_CARD,
}
"""Document -> its commands, and the first lines of its other blocks, with what becomes of them."""
