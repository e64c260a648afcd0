"""What a run is told: the fields of a recipe, and their command-line names. Light to import, so that help is quick."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class DataArguments:
    """Which clips, which labels, which split."""

    corpora: list[str] = field(
        default_factory=list, metadata={"help": "corpora to train on, see `ser-hf list corpora`"}
    )
    data_root: str | None = field(default=None, metadata={"help": "folder that holds one folder per corpus"})
    data_dirs: list[str] = field(
        default_factory=list,
        metadata={
            "help": "corpus=DIR for corpora that lie elsewhere, over --data_root; under a name of your own a folder, a "
            "table, a dataset's folder, or hf://USER/NAME[:CONFIG]"
        },
    )
    dataset: str | None = field(
        default=None,
        metadata={"help": "train on this dataset: USER/NAME or USER/NAME:CONFIG of the Hub, or a folder or table here"},
    )
    scheme: str = field(
        default="8class",
        metadata={"help": "label scheme: 8class, 7class, 6class, 4class, own (every label there is) or FILE.yaml"},
    )
    labels: list[str] = field(
        default_factory=list,
        metadata={
            "help": "word=emotion for labels of one's own recordings or of another's checkpoint, e.g. W=angry 0=sad"
        },
    )
    audio_column: str | None = field(
        default=None, metadata={"help": "column of the recordings (or their paths), in tables and datasets of your own"}
    )
    label_column: str | None = field(default=None, metadata={"help": "the same for the labels"})
    speaker_column: str | None = field(default=None, metadata={"help": "the same for the speakers"})
    split_column: str | None = field(
        default=None, metadata={"help": "the same for the splits, which the protocol official follows"}
    )
    protocol: str | None = field(default=None, metadata={"help": "split rule, see `ser-hf list protocols`; required"})
    fold: int | None = field(
        default=None,
        metadata={
            "help": "fold number, for protocols with folds; all: one after the other, scored together (ser-hf train)"
        },
    )
    folds: int = field(default=5, metadata={"help": "number of folds, for kfold and speaker-kfold"})
    test_size: float = field(
        default=0.1, metadata={"help": "share of clips, or of each corpus' speakers, for the test"}
    )
    validation_size: float = field(default=0.1, metadata={"help": "the same for validation, from the training side"})
    test_speakers: list[str] = field(
        default_factory=list,
        metadata={"help": "exactly these test speakers, for speaker-independent (e.g. ravdess_01)"},
    )
    train_corpora: list[str] = field(
        default_factory=list, metadata={"help": "trained on, for cross-corpus (default: all not tested on)"}
    )
    test_corpora: list[str] = field(
        default_factory=list, metadata={"help": "tested on, for cross-corpus and leave-one-corpus-out"}
    )
    test_partition: str = field(
        default="test", metadata={"help": "the corpus' own test set, for official: test, test2 or test3"}
    )
    split_file: str | None = field(
        default=None, metadata={"help": ".csv, .tsv or .jsonl with clip_id (or path) and split, for file"}
    )
    drop_unlisted: bool = field(default=False, metadata={"help": "leave out clips the split file does not list"})
    train_speakers: int | None = field(
        default=None,
        metadata={"help": "train on so many of the training speakers alone; validation and test stay as they are"},
    )
    split_seed: int = field(default=42, metadata={"help": "seed of the drawing of the split"})
    balance: str = field(
        default="none",
        metadata={
            "help": "how the classes of the training split are balanced: none, undersample, oversample (by augmented "
            "copies), class_weights (in the loss) or weighted_sampler"
        },
    )
    balance_to: int | None = field(
        default=None,
        metadata={"help": "clips per class for undersample and oversample; else as many as the rarest or largest has"},
    )
    copies: list[str] = field(
        default_factory=list,
        metadata={
            "help": "copies of every training clip, made once, beside the clip itself: '{speed: 0.9}' '{speed: 1.1}' "
            "are two; the steps are those of --waveform_augment, a lone number is the value itself"
        },
    )
    skip_bad: bool = field(default=False, metadata={"help": "leave out clips that cannot be used, and list them"})
    max_duration: float = field(
        default=3600.0, metadata={"help": "seconds above which a recording is taken for a mistake, and is bad"}
    )
    num_proc: int | None = field(default=None, metadata={"help": "worker processes; auto: what pays, for building one"})


@dataclass
class FeatureArguments:
    """The features; saved with the model. See `ser_hf.models.SerFeatureExtractor`."""

    sampling_rate: int = field(default=16_000, metadata={"help": "Hz; recordings are resampled to it"})
    duration: float = field(
        default=3.0,
        metadata={
            "help": "seconds; shorter clips are padded, longer ones cut, both evenly; a transformer's are not "
            "padded, and cut in training only"
        },
    )
    n_fft: int = field(default=1024, metadata={"help": "samples in a frame"})
    hop_length: int = field(default=256, metadata={"help": "hop in samples"})
    n_mels: int = field(default=128, metadata={"help": "mel bands"})
    f_min: float = field(default=0.0, metadata={"help": "lowest frequency in Hz"})
    f_max: float | None = field(default=None, metadata={"help": "highest frequency in Hz; half the rate by default"})
    top_db: float | None = field(default=80.0, metadata={"help": "dynamic range in dB under the loudest point"})
    window_function: str = field(default="hann", metadata={"help": "hann, hamming, blackman or rectangular"})
    win_length: int | None = field(default=None, metadata={"help": "samples in the window; n_fft by default"})
    mel_scale: str = field(default="slaney", metadata={"help": "slaney or htk"})
    mel_norm: str = field(default="slaney", metadata={"help": "slaney (filters of one area) or none (of one height)"})
    power: float = field(default=2.0, metadata={"help": "2: power spectrogram, 1: magnitudes"})
    scale: str = field(default="db", metadata={"help": "db, log or linear"})
    reference: float | None = field(
        default=None, metadata={"help": "the sum that is 0 dB; by default the loudest point of each clip"}
    )
    features: str = field(
        default="log_mel",
        metadata={
            "help": "log_mel or mfcc; for baselines functionals, mfcc_mean or egemaps; for them and embedding_mlp "
            "embeddings, of a frozen encoder"
        },
    )
    encoder: str | None = field(
        default=None, metadata={"help": "for embeddings: a speech transformer on the Hub, or a folder"}
    )
    layers: list[int] = field(
        default_factory=list, metadata={"help": "for embeddings: its layers, 0 for what the first takes; else all"}
    )
    pooling: str = field(
        default="mean_std", metadata={"help": "for embeddings: mean, mean_std or attention, over the clip's frames"}
    )
    n_mfcc: int = field(default=20, metadata={"help": "cepstral coefficients, for mfcc"})
    deltas: int = field(default=0, metadata={"help": "for mfcc: 1 adds slopes, 2 also curvatures"})
    normalisation: str = field(
        default="scaled",
        metadata={"help": "scaled, none, clip, or statistics (mean and deviation of the training split)"},
    )
    peak_normalise: bool = field(default=True, metadata={"help": "scale every recording to a peak of 1"})
    trim_db: float | None = field(default=30.0, metadata={"help": "cut edges this far (dB) under the loudest frame"})
    feature_device: str = field(default="auto", metadata={"help": "where features are computed: auto, cpu or cuda"})
    feature_batch_size: int = field(default=64, metadata={"help": "clips per feature batch"})


@dataclass
class ModelArguments:
    """Which network."""

    model: str | None = field(default=None, metadata={"help": "model family, see `ser-hf list models`; required"})
    model_settings: list[str] = field(
        default_factory=list,
        metadata={
            "help": "key=value settings of the model's configuration, e.g. backbone=resnet34 dropout=0.3; for a "
            "transformer also pretrained=NAME freeze=encoder weighted_layers=true lora_rank=8 random_init=true"
        },
    )
    init_from: str | None = field(
        default=None,
        metadata={"help": "go on from this checkpoint: a run folder, or a repository on the Hub, with any classes"},
    )
    imagenet: bool = field(
        default=False, metadata={"help": "start a timm backbone from ImageNet weights, from the Hub"}
    )
    imagenet_weights: str | None = field(default=None, metadata={"help": "the same from this local .safetensors file"})


@dataclass
class OptimiserArguments:
    """Which layers learn, how fast, and how their weights are kept small; beside transformers' own arguments."""

    freeze_layers: int = field(
        default=0,
        metadata={"help": "the first so many convolution, linear and recurrent layers never learn, e.g. 15 of VGG19"},
    )
    gradual_unfreezing: int = field(
        default=0,
        metadata={"help": "only the head learns at first, and one more block from the top after so many epochs; 0 off"},
    )
    layer_decay: float = field(
        default=1.0,
        metadata={"help": "learning rate of a block as a share of that of the one above it, e.g. 0.75; 1 is one rate"},
    )
    head_learning_rate: float | None = field(
        default=None, metadata={"help": "peak learning rate of the head; learning_rate by default"}
    )
    learning_rate_decay: float = field(
        default=1.0,
        metadata={
            "help": "share of the rate left after every epoch, e.g. 0.9 with lr_scheduler_type constant; 1 leaves it "
            "to the schedule"
        },
    )
    l2: float = field(
        default=0.0,
        metadata={
            "help": "L2 penalty as in the papers: so many times the weight is added to its gradient (Adam); in place "
            "of weight_decay, which is decoupled (AdamW); half the number of Keras"
        },
    )


@dataclass
class LossArguments:
    """What is minimised in training; the loss of the validation is cross-entropy, and with targets their CCC."""

    loss: str = field(default="cross_entropy", metadata={"help": "cross_entropy or focal"})
    focal_gamma: float = field(
        default=2.0, metadata={"help": "for focal: how little clips count that the model is sure of; 0 cross-entropy"}
    )
    soft_labels: str = field(
        default="none", metadata={"help": "votes: train on the shares of the raters' votes where a clip has them"}
    )

    targets: list[str] = field(
        default_factory=list,
        metadata={"help": "rate these as well, by their concordance (CCC): any of valence arousal dominance"},
    )
    target_weight: float = field(
        default=0.5, metadata={"help": "share of the targets in the loss; 1: no classes are learned"}
    )


@dataclass
class AugmentArguments:
    """What happens to training batches, and to them only."""

    mixup_alpha: float = field(default=0.0, metadata={"help": "mixup: Beta(alpha, alpha); 0 turns it off"})
    time_masks: int = field(default=0, metadata={"help": "SpecAugment: number of time masks"})
    time_mask_width: int = field(default=24, metadata={"help": "SpecAugment: widest time mask in frames"})
    frequency_masks: int = field(default=0, metadata={"help": "SpecAugment: number of frequency masks"})
    frequency_mask_width: int = field(default=16, metadata={"help": "SpecAugment: widest frequency mask in mel bands"})
    time_shift: int = field(default=0, metadata={"help": "roll by up to so many frames, either way"})
    time_stretch: float = field(default=0.0, metadata={"help": "change the tempo by up to this share, e.g. 0.2"})
    frequency_stretch: float = field(
        default=0.0, metadata={"help": "stretch the mel axis by up to this share, e.g. 0.1"}
    )
    rotation: float = field(default=0.0, metadata={"help": "rotate by up to so many degrees, either way, e.g. 5"})
    zoom: float = field(default=0.0, metadata={"help": "magnify a part by up to this share, e.g. 0.1"})
    brightness: float = field(
        default=0.0, metadata={"help": "raise or lower the whole by up to so many of its standard deviations, e.g. 0.2"}
    )
    spectrogram_noise: float = field(
        default=0.0, metadata={"help": "Gaussian noise, in standard deviations of the spectrogram, e.g. 0.05"}
    )
    erasing: float = field(
        default=0.0, metadata={"help": "random erasing: probability that a rectangle is set to the mean, e.g. 0.25"}
    )
    cutmix_alpha: float = field(
        default=0.0,
        metadata={"help": "CutMix: Beta(alpha, alpha); 0 turns it off; with mixup each batch gets one of the two"},
    )
    progressive_resize: list[int] = field(
        default_factory=list,
        metadata={"help": "heights the pictures grow through, e.g. 128 256; the last is n_mels, or image_size"},
    )
    waveform_augment: list[str] = field(
        default_factory=list,
        metadata={"help": "changes to the recordings, e.g. '{time_stretch: [0.8, 1.2], p: 0.5}' '{pitch_shift: 2}'"},
    )


@dataclass
class RunArguments:
    """How the run goes, beside transformers' own training arguments."""

    precision: str = field(default="auto", metadata={"help": "auto, bf16 or fp32; auto: bf16 where hardware has it"})
    deterministic: bool = field(
        default=False,
        metadata={"help": "kernels that give the same bits for the same seed on the same machine; slower on a GPU"},
    )
    patience: int = field(
        default=0, metadata={"help": "stop after so many epochs without a better validation UAR; 0 never"}
    )
    calibrate: bool = field(default=True, metadata={"help": "divide the logits by a temperature fitted on validation"})
    overwrite: bool = field(default=False, metadata={"help": "start again in an --output_dir that holds a run"})


GROUPS = (
    DataArguments,
    FeatureArguments,
    ModelArguments,
    OptimiserArguments,
    LossArguments,
    AugmentArguments,
    RunArguments,
)
